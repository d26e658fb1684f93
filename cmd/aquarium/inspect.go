package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"aquarium/runtime/inspect"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/supervisor"
)

// inspectPatience is how long looking at everything may take: more than
// enough for 20,000 processes and 100,000 mounts.
const inspectPatience = 10 * time.Second

func newInspect() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "inspect SANDBOX|PID [flags] [VIEW]",
		Short: "Show what a sandbox or a process sees",
		Long: `Show what each namespace makes a sandbox, or any process, see: one VIEW, or all.
The views are ` + strings.Join(viewNames(), ", ") + `.

Everything is read from the kernel; no program of the sandbox's runs.`,
		Example: `  aquarium inspect web
  aquarium inspect web network
  aquarium inspect --json 4711 namespaces        any process, as JSON`,
		Args:              arguments(1, 2, "SANDBOX or PID"),
		ValidArgsFunction: completeInspect,
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.RunE = func(c *cobra.Command, args []string) error {
		wanted := viewNames()
		if len(args) == 2 {
			if !slices.Contains(wanted, args[1]) {
				return usageError(c, fmt.Errorf("view %.40q: unknown, there are %s", args[1], strings.Join(wanted, ", ")))
			}
			wanted = args[1:]
		}
		s, err := findSubject(args[0])
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), inspectPatience)
		defer cancel()
		found, err := inspectSubject(ctx, s, wanted)
		if err != nil {
			return err
		}
		if asJSON {
			return found.writeJSON(os.Stdout)
		}
		return found.writeText(os.Stdout)
	}
	return c
}

func completeInspect(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
	switch len(args) {
	case 0:
		return sandboxNames(running, nil), cobra.ShellCompDirectiveNoFileComp
	case 1:
		return viewNames(), cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveNoFileComp
}

// view is one part of what is shown.
type view struct {
	name string // for the command line and in JSON
	look func(context.Context, *inspect.Target) (any, error)
}

// views are in the order in which they are shown.
func views() []view {
	return []view{
		{"namespaces", lookNamespaces},
		{"processes", func(ctx context.Context, t *inspect.Target) (any, error) { return t.Processes(ctx) }},
		{"mounts", func(ctx context.Context, t *inspect.Target) (any, error) { return t.Mounts(ctx) }},
		{"files", func(_ context.Context, t *inspect.Target) (any, error) { return t.List("/") }},
		{"network", func(ctx context.Context, t *inspect.Target) (any, error) { return t.Network(ctx) }},
		{"ipc", func(_ context.Context, t *inspect.Target) (any, error) { return t.IPC() }},
		{"users", func(_ context.Context, t *inspect.Target) (any, error) { return t.Users() }},
		{"limits", func(_ context.Context, t *inspect.Target) (any, error) { return t.Limits() }},
		{"environment", func(_ context.Context, t *inspect.Target) (any, error) { return t.Environment() }},
	}
}

func viewNames() []string {
	var names []string
	for _, v := range views() {
		names = append(names, v.name)
	}
	return names
}

// lookNamespaces adds who else is in them: that takes a look at every process
// of the machine.
func lookNamespaces(ctx context.Context, t *inspect.Target) (any, error) {
	all, err := t.Namespaces()
	if err != nil {
		return nil, err
	}
	matrix, err := t.Matrix(ctx)
	if err == nil {
		matrix.Complete(all)
	}
	return all, nil
}

// inspection is what was found.
type inspection struct {
	subject
	status string
	views  []seen
}

// seen is one view, or why there is none.
type seen struct {
	name  string
	value any
	err   error
}

// inspectSubject looks at the wanted views. That one of them needs root is no
// reason not to show the others; that the process has ended is.
func inspectSubject(ctx context.Context, s subject, wanted []string) (*inspection, error) {
	found := &inspection{subject: s, status: string(s.Status)}
	if s.Status == supervisor.Stopped {
		return found, nil
	}
	what := "inspect " + s.title()
	if s.pid == 0 {
		return nil, &sandbox.Error{What: what, Err: errors.New("its program has not been started")}
	}
	target, err := s.open(inspect.New())
	if err != nil {
		return nil, refusal(what, err)
	}
	defer target.Close()
	if s.ID == "" {
		identity, err := target.Identity()
		if err != nil {
			return nil, refusal(what, err)
		}
		found.Name, found.status, found.Command = identity.Name, identity.State, []string{identity.Command}
	}
	for _, v := range views() {
		if !slices.Contains(wanted, v.name) {
			continue
		}
		value, err := v.look(ctx, target)
		if errors.Is(err, inspect.ErrGone) || (err != nil && len(wanted) == 1) {
			return nil, refusal(what, err)
		}
		found.views = append(found.views, seen{v.name, value, err})
	}
	return found, nil
}
