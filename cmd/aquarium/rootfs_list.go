package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
)

func newRootfsLs() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:     "ls",
		Short:   "List root filesystems",
		Example: "  aquarium rootfs ls\n  aquarium rootfs ls --json",
		Args:    arguments(0, 0),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	c.RunE = func(*cobra.Command, []string) error {
		s, err := openStore() // and signals end it: there is nothing to clear away
		if err != nil {
			return err
		}
		rows, err := rootfsRows(s)
		if err != nil {
			return err
		}
		if asJSON {
			return printJSON(rows)
		}
		return printRootfs(rows)
	}
	return c
}

// rootfsRow is a root filesystem as `rootfs ls` shows it.
type rootfsRow struct {
	Name    string   `json:"name"`
	Kind    string   `json:"kind"`
	Path    string   `json:"path"`
	Problem string   `json:"problem,omitempty"`
	Needs   bool     `json:"needsCommand,omitempty"` // the problem is only that there is nothing to start
	Bytes   int64    `json:"bytes,omitempty"`
	Shared  int64    `json:"shared,omitempty"`
	Layers  int      `json:"layers,omitempty"`
	UsedBy  []string `json:"usedBy,omitempty"`
}

func rootfsRows(s *sandbox.Store) ([]rootfsRow, error) {
	list, err := s.Catalogue.List()
	if err != nil {
		return nil, err
	}
	usage, err := s.Catalogue.Usage()
	if err != nil {
		return nil, err
	}
	rows := make([]rootfsRow, 0, len(list))
	for _, r := range list {
		users, err := s.Users(r)
		if err != nil {
			return nil, err
		}
		u := usage[r.Name]
		rows = append(rows, rootfsRow{r.Name, r.Kind.String(), r.Path, r.Problem, r.NeedsCommand, u.Bytes, u.Shared, u.Layers, users})
	}
	return rows, nil
}

func printRootfs(rows []rootfsRow) error {
	t := tabwriter.NewWriter(os.Stdout, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tKIND\tSIZE\tSHARED\tUSED BY\tPROBLEM")
	for _, r := range rows {
		size, shared := "-", "-"
		if r.Kind == rootfs.Stored.String() {
			size, shared = rootfs.BytesText(r.Bytes), rootfs.BytesText(r.Shared)
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%d\t%s\n", rootfs.Visible(r.Name), r.Kind, size, shared, len(r.UsedBy), rootfs.Visible(r.Problem))
	}
	return t.Flush()
}

func newRootfsCheck() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:               "check ROOTFS",
		Short:             "Say what a root filesystem lacks, and what that will cause",
		Example:           "  aquarium rootfs check ./debian",
		Args:              arguments(1, 1, "ROOTFS"),
		ValidArgsFunction: completeRootfs,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	c.RunE = func(_ *cobra.Command, args []string) error {
		s, err := openStore() // and signals end it: there is nothing to clear away
		if err != nil {
			return err
		}
		r, err := s.Catalogue.Find(args[0])
		if err != nil {
			return err
		}
		findings, err := s.Catalogue.Check(r)
		if err != nil {
			return err
		}
		if asJSON {
			err = printJSON(append([]rootfs.Finding{}, findings...))
		} else {
			printFindings(r, findings)
		}
		if err != nil {
			return err
		}
		if slices.ContainsFunc(findings, func(f rootfs.Finding) bool { return f.Fatal }) {
			return exitCode(1)
		}
		return nil
	}
	return c
}

// printFindings prints one line a finding.
func printFindings(r rootfs.Rootfs, findings []rootfs.Finding) {
	for _, f := range findings {
		mark := "  "
		switch {
		case f.Fatal:
			mark = "✗ "
		case f.Effect != "":
			mark = "! "
		}
		line := mark + f.What
		if f.Effect != "" {
			line += ": " + f.Effect
		}
		fmt.Println(rootfs.Visible(line))
	}
	if len(findings) == 0 {
		fmt.Println(rootfs.Visible(r.Name) + " is complete")
	}
}

func newRootfsRm() *cobra.Command {
	return &cobra.Command{
		Use:               "rm ROOTFS…",
		Short:             "Delete stored root filesystems and the layers only they need",
		Example:           "  aquarium rootfs rm old older",
		Args:              arguments(1, -1, "ROOTFS"),
		ValidArgsFunction: completeRootfs,
		RunE: func(_ *cobra.Command, args []string) error {
			return withCatalogue(func(_ context.Context, s *sandbox.Store) error {
				for _, name := range args {
					if err := s.Catalogue.Remove(name, s.Users); err != nil {
						return err
					}
					fmt.Println(rootfs.Visible(name))
				}
				return nil
			})
		},
	}
}

func newRootfsPrune() *cobra.Command {
	return &cobra.Command{
		Use:     "prune",
		Short:   "Delete layers that nothing needs, and what killed imports left",
		Example: "  aquarium rootfs prune",
		Args:    arguments(0, 0),
		RunE: func(*cobra.Command, []string) error {
			return withCatalogue(func(_ context.Context, s *sandbox.Store) error {
				p, err := s.Catalogue.Prune()
				if err != nil {
					return err
				}
				fmt.Printf("%d layers, %s; %d interrupted imports; %d old views of this machine\n", p.Layers, rootfs.BytesText(p.Bytes), p.Interrupted, p.Views)
				return nil
			})
		},
	}
}

func newRootfsDiff() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "diff SANDBOX",
		Short: "List what a sandbox added (A), changed (C) and deleted (D)",
		Example: `  aquarium rootfs diff web
  aquarium rootfs diff --json web`,
		Args:              arguments(1, 1, "SANDBOX"),
		ValidArgsFunction: completeOne(all),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			sb, err := s.Find(args[0])
			if err != nil {
				return err
			}
			written, err := sb.Written()
			if err != nil {
				return err
			}
			changes, err := rootfs.Diff(ctx, written)
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(append([]rootfs.Change{}, changes...))
			}
			for _, change := range changes {
				fmt.Println(string(change.Kind), rootfs.Visible(change.Path))
			}
			return nil
		})
	}
	return c
}

func newRootfsCommit() *cobra.Command {
	return &cobra.Command{
		Use:               "commit SANDBOX NAME",
		Short:             "Make a root filesystem of what a sandbox started from and what it wrote",
		Example:           "  aquarium rootfs commit web web-with-nginx",
		Args:              arguments(2, 2, "SANDBOX", "NAME"),
		ValidArgsFunction: completeOne(all),
		RunE: func(_ *cobra.Command, args []string) error {
			return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
				sb, err := s.Find(args[0])
				if err != nil {
					return err
				}
				bar := newProgress(os.Stderr)
				r, err := s.Commit(ctx, sb, args[1], bar.show)
				bar.end()
				return made(r, err, s)
			})
		},
	}
}

func newRootfsDiscard() *cobra.Command {
	return &cobra.Command{
		Use:               "discard SANDBOX…",
		Short:             "Throw away what stopped sandboxes have written",
		Long:              "Throw away what stopped sandboxes have written. Their records and their output stay.",
		Example:           "  aquarium rootfs discard web",
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(all),
		RunE: func(_ *cobra.Command, args []string) error {
			return each(args, sandbox.Sandbox.Discard)
		},
	}
}
