package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

func newPs() *cobra.Command {
	var everything, asJSON bool
	c := &cobra.Command{
		Use:   "ps [flags]",
		Short: "List sandboxes",
		Example: `  aquarium ps                    those that run
  aquarium ps -a                 stopped ones too
  aquarium ps -a --json`,
		Args:              arguments(0, 0),
		ValidArgsFunction: cobra.NoFileCompletions,
	}
	c.Flags().BoolVarP(&everything, "all", "a", false, "stopped ones too")
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array")
	c.RunE = func(*cobra.Command, []string) error {
		store, err := openStore()
		if err != nil {
			return err
		}
		list, err := store.List()
		if err != nil {
			return err
		}
		var shown []sandbox.Sandbox
		for _, sb := range list {
			if everything || sb.Status != supervisor.Stopped {
				shown = append(shown, sb)
			}
		}
		if asJSON {
			return writeJSON(os.Stdout, shown)
		}
		return writeTable(os.Stdout, shown, time.Now())
	}
	return c
}

// listed is a sandbox in `ps --json`: the names are those of OCI's state (OCI
// runtime specification, runtime.md), and a few of our own.
type listed struct {
	ID       string            `json:"id"`
	PID      int               `json:"pid"`
	Status   supervisor.Status `json:"status"`
	Bundle   string            `json:"bundle"`
	Name     string            `json:"name"`
	Rootfs   string            `json:"rootfs"`
	Command  []string          `json:"command"`
	Created  time.Time         `json:"created"`
	ExitCode *int              `json:"exitCode"`         // null until it has stopped
	Reason   string            `json:"reason,omitempty"` // in words, where the code does not say enough
	Weaker   []string          `json:"weaker"`           // what makes it hold less than a default one
}

func writeJSON(w io.Writer, list []sandbox.Sandbox) error {
	out := make([]listed, 0, len(list))
	for _, sb := range list {
		out = append(out, listed{
			ID: sb.ID, PID: sb.PID, Status: sb.Status, Bundle: sb.Bundle, Name: sb.Name, Rootfs: sb.Rootfs,
			Command: sb.Command, Created: sb.Created, ExitCode: sb.ExitCode, Reason: sb.Reason, Weaker: append([]string{}, sb.Weaker...),
		})
	}
	return writeDocument(w, out)
}

// writeTable has a column for what makes sandboxes weaker than the default
// where one of them is.
func writeTable(w io.Writer, list []sandbox.Sandbox, now time.Time) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	weaker := slices.ContainsFunc(list, func(sb sandbox.Sandbox) bool { return len(sb.Weaker) > 0 })
	heading := ""
	if weaker {
		heading = "NOT ISOLATION\t"
	}
	fmt.Fprintf(t, "NAME\tID\tSTATUS\tPID\tROOTFS\tCREATED\t%sCOMMAND\n", heading)
	for _, sb := range list {
		reasons := ""
		if weaker {
			reasons = cmp.Or(rootfs.Visible(strings.Join(sb.Weaker, ", ")), "-") + "\t"
		}
		fmt.Fprintf(t, "%s\t%.12s\t%s\t%s\t%s\t%s\t%s%s\n", sb.Name, sb.ID, status(sb), pid(sb),
			shorten(rootfs.Visible(rootfsName(sb.Rootfs)), 30), ago(now.Sub(sb.Created)), reasons, shorten(rootfs.Visible(strings.Join(sb.Command, " ")), 60))
	}
	return t.Flush()
}

// status is OCI's word, and for a stopped sandbox its exit status and why.
func status(sb sandbox.Sandbox) string {
	s := string(sb.Status)
	if sb.ExitCode != nil {
		s = fmt.Sprintf("%s (%d)", s, *sb.ExitCode)
	}
	if sb.Reason != "" {
		s += ": " + rootfs.Visible(sb.Reason)
	}
	return s
}

func pid(sb sandbox.Sandbox) string {
	if sb.PID == 0 {
		return "-"
	}
	return fmt.Sprint(sb.PID)
}

// rootfsName is a catalogue name, or the last part of a directory.
func rootfsName(s string) string {
	if strings.Contains(s, "/") {
		return cmp.Or(filepath.Base(s), s)
	}
	return s
}

func shorten(s string, most int) string {
	if runes := []rune(s); len(runes) > most {
		return string(runes[:most-1]) + "…"
	}
	return s
}

// ago words how long something is past, in the largest whole unit.
func ago(d time.Duration) string {
	units := []struct {
		name string
		size time.Duration
	}{{"day", 24 * time.Hour}, {"hour", time.Hour}, {"minute", time.Minute}, {"second", time.Second}}
	for _, u := range units {
		switch n := int(d / u.size); {
		case n == 1:
			return "1 " + u.name + " ago"
		case n > 1:
			return fmt.Sprintf("%d %ss ago", n, u.name)
		}
	}
	return "just now"
}
