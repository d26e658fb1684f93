package main

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/step"
)

func newTrace() *cobra.Command {
	var asJSON bool
	var export string
	c := &cobra.Command{
		Use:   "trace [flags] SANDBOX|FILE",
		Short: "Show a launch, step by step",
		Long: `Show every kernel action of a sandbox's launch: who did it, the call, the time
it took, what it changed, and for one that failed why. The sandbox of a launch
that failed is gone; its trace is kept under its name, as the last 20 of them
are.

FILE, written with a slash or ending in .json, is a trace that --export wrote,
here or elsewhere; showing it needs no privileges.`,
		Example: `  aquarium trace web
  aquarium trace web --json | jq '.[] | select(.errno != 0)'
  aquarium trace web --export lesson.json
  aquarium trace ./lesson.json`,
		Args: arguments(1, 1, "SANDBOX or FILE"),
		ValidArgsFunction: func(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
			if len(args) > 0 || strings.Contains(typed, "/") {
				return nil, cobra.ShellCompDirectiveDefault
			}
			return append(sandboxNames(all, nil), failedLaunches()...), cobra.ShellCompDirectiveNoFileComp
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print a JSON array of steps")
	c.Flags().StringVar(&export, "export", "", "write the trace to `FILE`, to be shown anywhere")
	c.RunE = func(_ *cobra.Command, args []string) error {
		t, err := openTrace(args[0])
		switch {
		case err != nil:
			return err
		case export != "":
			return sandbox.WriteTrace(export, t)
		case asJSON:
			return traceJSON(t)
		}
		text, err := t.Text()
		if err != nil {
			return &sandbox.Error{What: "show trace of " + args[0], Err: err}
		}
		_, err = fmt.Print(text)
		return err
	}
	return c
}

// openTrace takes a sandbox's name or id, or a file.
func openTrace(ref string) (step.Trace, error) {
	if strings.Contains(ref, "/") || strings.HasSuffix(ref, ".json") {
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
	encoder := json.NewEncoder(os.Stdout)
	encoder.SetEscapeHTML(false) // the calls are C
	encoder.SetIndent("", "  ")
	return encoder.Encode(entries)
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
