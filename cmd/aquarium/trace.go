package main

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
	"aquarium/tui"
)

// traceFlags say how a trace is shown.
type traceFlags struct {
	asJSON, text, view bool
	export             string
}

func newTrace() *cobra.Command {
	var f traceFlags
	c := &cobra.Command{
		Use:   "trace [flags] SANDBOX|FILE",
		Short: "Show a launch, step by step",
		Long: `Show every kernel action of a sandbox's launch: who did it, the call, the time
it took, what it changed, and for one that failed why. The sandbox of a launch
that failed is gone; its trace is kept under its name, as the last 20 of them
are.

FILE, written with a slash or ending in .json, is a trace that --export wrote,
here or elsewhere; - is one on standard input. On a terminal it is replayed: one
moves through its steps, forwards and backwards, as if the launch went on now.
That needs no privileges, and touches nothing of this machine.

A SANDBOX's trace is printed, and replayed with --view.`,
		Example: `  aquarium trace web
  aquarium trace web --view
  aquarium trace web --json | jq '.[] | select(.errno != 0)'
  aquarium trace web --export lesson.json
  aquarium trace lesson.json                           replay it
  ssh host aquarium trace web --export - | aquarium trace -`,
		Args: arguments(1, 1, "SANDBOX or FILE"),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 || strings.Contains(typed, "/") {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return append(sandboxNames(all, nil), failedLaunches()...), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&f.asJSON, "json", false, "print a JSON array of steps")
	c.Flags().BoolVar(&f.text, "text", false, "print it, also where FILE would be replayed")
	c.Flags().BoolVar(&f.view, "view", false, "replay it on the whole screen")
	c.Flags().StringVar(&f.export, "export", "", "write the trace to `FILE`, to be shown anywhere; - is standard output")
	c.MarkFlagsMutuallyExclusive("json", "text", "view", "export")
	c.RunE = func(_ *cobra.Command, args []string) error {
		t, err := openTrace(args[0])
		if err != nil {
			return err
		}
		return f.show(t, args[0])
	}
	return c
}

// show prints a trace, replays it, or writes it to a file.
func (f *traceFlags) show(t step.Trace, ref string) error {
	switch {
	case f.export != "":
		return exportTrace(f.export, t)
	case f.asJSON:
		return traceJSON(t)
	case f.view || isTraceFile(ref) && !f.text && console.IsTerminal(os.Stdout) && movesCursor():
		keys, err := keyboardFor(ref)
		if err == nil {
			defer keys.Close()
			return replayTrace(t, keys)
		}
		if f.view {
			return &sandbox.Error{What: "replay trace", Err: err, Way: "--text prints it"}
		}
	}
	text, err := t.Text()
	if err != nil {
		return &sandbox.Error{What: "show trace of " + ref, Err: err}
	}
	_, err = fmt.Print(text)
	return err
}

// movesCursor tells whether the terminal is one for pictures.
func movesCursor() bool { return os.Getenv("TERM") != "dumb" && os.Getenv("TERM") != "" }

// keyboardFor is where keys come from: for a trace on standard input, the
// terminal itself.
func keyboardFor(ref string) (*os.File, error) {
	if ref != "-" {
		return os.Stdin, nil
	}
	keys, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return nil, errors.New("there is no terminal to take keys from")
	}
	return keys, nil
}

// replayTrace shows a trace on the whole screen.
func replayTrace(t step.Trace, keys *os.File) error {
	key, err := prefix("")
	if err != nil {
		return err
	}
	return tui.Replay(t, tui.Options{Prefix: byte(key), Input: keys})
}

// exportTrace writes a trace that stands for itself.
func exportTrace(path string, t step.Trace) error {
	if path == "-" {
		return sandbox.WriteTraceTo(os.Stdout, t)
	}
	return sandbox.WriteTrace(path, t)
}

// isTraceFile tells a file from a sandbox's name.
func isTraceFile(ref string) bool {
	return ref == "-" || strings.Contains(ref, "/") || strings.HasSuffix(ref, ".json")
}

// openTrace takes a sandbox's name or id, or a file. For a file, no state
// directory is looked for.
func openTrace(ref string) (step.Trace, error) {
	if ref == "-" {
		return sandbox.ReadTraceFrom(os.Stdin, "on standard input")
	}
	if isTraceFile(ref) {
		return sandbox.ReadTrace(ref)
	}
	store, err := openStore()
	if err != nil {
		return step.Trace{}, err
	}
	return store.Trace(ref)
}

func traceJSON(t step.Trace) error {
	entries, err := t.Entries()
	if err != nil {
		return &sandbox.Error{What: "show trace of " + t.Name, Err: err}
	}
	return printJSON(entries)
}

func failedLaunches() []cobra.Completion {
	store, err := sandbox.Open()
	if err != nil {
		return nil
	}
	var names []cobra.Completion
	for _, name := range store.FailedLaunches() {
		names = append(names, cobra.CompletionWithDesc(name, "its launch failed"))
	}
	return names
}
