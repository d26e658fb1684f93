package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aquarium/rootfs"
	"aquarium/runtime/bundle"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

// source is what run launches: a root filesystem, or somebody's bundle.
type source struct {
	launch func() (sandbox.Sandbox, *supervisor.Conn, error)
	plan   func() (step.Plan, error)
}

// besidesBundle are the flags that go with --bundle: the others say what its
// config.json says.
var besidesBundle = map[string]bool{
	"bundle": true, "name": true, "detach": true, "rm": true, "tty": true, "interactive": true,
	"scrollback": true, "dry-run": true, "step": true, "what-if": true, "detach-keys": true,
}

// arguments are ROOTFS and a command, or with --bundle a command only.
func (r *runFlags) arguments(c *cobra.Command, args []string) error {
	if r.bundle != "" {
		return nil
	}
	return arguments(1, -1, "ROOTFS")(c, args)
}

// source finds what to launch, and says what of it is ignored.
func (r *runFlags) source(c *cobra.Command, store *sandbox.Store) (source, error) {
	if r.bundle == "" {
		return source{
			func() (sandbox.Sandbox, *supervisor.Conn, error) { return store.Launch(r.Options) },
			func() (step.Plan, error) { return store.Plan(r.Options) },
		}, nil
	}
	var refused error
	c.Flags().Visit(func(f *pflag.Flag) {
		if !besidesBundle[f.Name] && refused == nil {
			refused = &spec.Refusal{What: "run: --" + f.Name + " does not go with --bundle", Way: "change the bundle's config.json"}
		}
	})
	if refused != nil {
		return source{}, refused
	}
	b, err := bundle.Read(r.bundle)
	if err != nil {
		return source{}, err
	}
	for _, line := range b.Ignored {
		fmt.Fprintf(os.Stderr, "aquarium: note: bundle: ignored: %s\n", rootfs.Visible(line))
	}
	if !c.Flags().Changed("tty") {
		r.TTY = b.Spec.Process.Terminal
	}
	return source{
		func() (sandbox.Sandbox, *supervisor.Conn, error) { return store.LaunchBundle(r.Options, b) },
		func() (step.Plan, error) { return store.PlanBundle(r.Options, b) },
	}, nil
}
