package main

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sys/unix"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

func newStop() *cobra.Command {
	var seconds int
	c := &cobra.Command{
		Use:   "stop [flags] SANDBOX…",
		Short: "Ask sandboxes to end, and kill those that do not",
		Long: `Send SIGTERM to each sandbox's program and wait for its end; SIGKILL follows
when it has not ended in time. PID 1 ignores signals that it has no handler
for, so a plain shell always takes the whole time.`,
		Example: `  aquarium stop web
  aquarium stop -t 1 web db`,
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(running),
	}
	c.Flags().IntVarP(&seconds, "time", "t", 10, "`SECONDS` to wait before SIGKILL")
	c.RunE = func(c *cobra.Command, args []string) error {
		if seconds < 0 {
			return &spec.Refusal{What: fmt.Sprintf("stop: %d seconds: less than none", seconds), Way: "0 kills at once"}
		}
		return each(args, func(sb sandbox.Sandbox) error {
			if sb.Status == supervisor.Stopped {
				return nil
			}
			return sb.Stop(c.Context(), time.Duration(seconds)*time.Second)
		})
	}
	return c
}

func newKill() *cobra.Command {
	var name string
	c := &cobra.Command{
		Use:   "kill [flags] SANDBOX…",
		Short: "Send a signal to sandboxes",
		Long:  `Send a signal to each sandbox's program. SIGKILL ends all that runs in it.`,
		Example: `  aquarium kill web
  aquarium kill -s HUP web`,
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(running),
	}
	c.Flags().StringVarP(&name, "signal", "s", "KILL", "`SIGNAL`: a name or a number")
	c.RegisterFlagCompletionFunc("signal", completeSignals)
	c.RunE = func(_ *cobra.Command, args []string) error {
		number, err := parseSignal(name)
		if err != nil {
			return err
		}
		return each(args, func(sb sandbox.Sandbox) error {
			if sb.Status == supervisor.Stopped {
				return stopped("kill", sb)
			}
			return sb.Signal(number)
		})
	}
	return c
}

// maxSignal is the last real-time signal, see signal(7).
const maxSignal = 64

// parseSignal reads "TERM", "SIGTERM", "term" or "15".
func parseSignal(s string) (syscall.Signal, error) {
	if number, err := strconv.Atoi(s); err == nil && number > 0 && number <= maxSignal {
		return syscall.Signal(number), nil
	}
	name := strings.ToUpper(s)
	if !strings.HasPrefix(name, "SIG") {
		name = "SIG" + name
	}
	if number := unix.SignalNum(name); number != 0 {
		return number, nil
	}
	return 0, &spec.Refusal{What: fmt.Sprintf("signal %.40q: unknown", s), Way: "signal(7) lists them; TERM, SIGTERM and 15 are the same"}
}

func newPause() *cobra.Command {
	c := &cobra.Command{
		Use:   "pause SANDBOX…",
		Short: "Stop all processes of sandboxes where they are",
		Long: `Freeze all processes of each sandbox by its control group: they get no
processor time, notice nothing, and keep their memory.`,
		Example:           `  aquarium pause web; aquarium unpause web`,
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(in(supervisor.Running)),
	}
	c.RunE = func(_ *cobra.Command, args []string) error { return each(args, sandbox.Sandbox.Pause) }
	return c
}

func newUnpause() *cobra.Command {
	c := &cobra.Command{
		Use:               "unpause SANDBOX…",
		Short:             "Let paused sandboxes run on",
		Example:           `  aquarium unpause web`,
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(in(supervisor.Paused)),
	}
	c.RunE = func(_ *cobra.Command, args []string) error { return each(args, sandbox.Sandbox.Unpause) }
	return c
}

func newRm() *cobra.Command {
	var force bool
	c := &cobra.Command{
		Use:   "rm [flags] SANDBOX…",
		Short: "Remove stopped sandboxes and what they wrote",
		Example: `  aquarium rm web
  aquarium rm -f web db                      kill them first`,
		Args:              arguments(1, -1, "SANDBOX"),
		ValidArgsFunction: completeMany(all),
	}
	c.Flags().BoolVarP(&force, "force", "f", false, "kill running ones first")
	c.RunE = func(c *cobra.Command, args []string) error {
		return each(args, func(sb sandbox.Sandbox) error { return sb.Remove(c.Context(), force) })
	}
	return c
}

// each does the same to several sandboxes at once, and prints the names of
// those with which it went well, in the order given.
func each(refs []string, do func(sandbox.Sandbox) error) error {
	store, err := openStore()
	if err != nil {
		return err
	}
	errs := make([]error, len(refs))
	var work sync.WaitGroup
	for i, ref := range refs {
		work.Go(func() {
			sb, err := store.Find(ref)
			if err == nil {
				err = do(sb)
			}
			errs[i] = err
		})
	}
	work.Wait()
	var failed failures
	for i, err := range errs {
		if err != nil {
			failed = append(failed, err)
		} else {
			fmt.Println(refs[i])
		}
	}
	if failed != nil {
		return failed
	}
	return nil
}
