package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/wire"
)

func newRun() *cobra.Command {
	var r runFlags
	c := &cobra.Command{
		Use:   "run [flags] ROOTFS [COMMAND [ARG…]]",
		Short: "Launch a sandbox",
		Long: `Launch a sandbox from ROOTFS, a name of the catalogue or a directory (written
with a slash), and run COMMAND in it as PID 1 (default: what the root
filesystem asks for, or else its shell).

The exit status is the program's own, 128+N where signal N ended it; 125 is an
error of Aquarium's, 126 a program that cannot be executed, 127 one that does
not exist.

In a terminal, Ctrl-] d detaches and the program runs on. Without one, standard
input, output and error are passed through as three pipes, and signals too.`,
		Example: `  aquarium run host                            a shell on a copy-on-write view of this machine
  aquarium run --rm ./busybox ls -l /          one command, nothing left afterwards
  aquarium run -d --name web ./debian nginx    print the id and leave it running
  aquarium run --rm -v ./src:/src:ro ./debian make -C /src
  tar c . | aquarium run --rm ./debian tar t   standard input as a pipe
  aquarium run --dry-run ./busybox             the launch, call by call
  aquarium run --step ./busybox                the launch, one call at a time
  aquarium run --bundle DIR                    an OCI bundle: config.json says it all`,
		Args:              r.arguments,
		ValidArgsFunction: completeRootfs,
	}
	r.register(c.Flags())
	completeRunFlags(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		keys, err := prefix(r.detachKeys)
		if err == nil {
			err = r.complete(c, args)
		}
		if err != nil {
			return err
		}
		for _, line := range sandbox.Shortfalls(r.Options) {
			fmt.Fprintf(os.Stderr, "aquarium: note: %s\n", rootfs.Visible(line))
		}
		store, err := storeFor(r.dryRun)
		if err != nil {
			return err
		}
		which, err := r.source(c, store)
		switch {
		case err != nil:
			return err
		case r.dryRun:
			return dryRun(which)
		case r.detach:
			return launchDetached(store, which)
		}
		return launch(store, r, which, keys)
	}
	return c
}

// dryRun prints the plan.
func dryRun(which source) error {
	plan, err := which.plan()
	if err != nil {
		return err
	}
	fmt.Print(plan.Text())
	return nil
}

func launchDetached(store *sandbox.Store, which source) error {
	sb, conn, err := which.launch()
	if err != nil {
		return err
	}
	defer conn.Close()
	tellNotes(sb)
	store.Sweep() // while supervisor and init are at work
	if err := sb.WaitStarted(conn); err != nil {
		return err
	}
	fmt.Println(sb.ID)
	return nil
}

// tellNotes says what could not be as it should. Scripts, and what a program
// puts out there, are left alone: `aquarium inspect` has it too.
func tellNotes(sb sandbox.Sandbox) {
	if !console.IsTerminal(os.Stderr) {
		return
	}
	for _, note := range sb.Notes {
		fmt.Fprintf(os.Stderr, "aquarium: note: %s (`aquarium doctor`)\n", rootfs.Visible(note))
	}
}

func launch(store *sandbox.Store, r runFlags, which source, keys console.Prefix) error {
	v := &console.Viewer{TTY: r.TTY, Input: r.Interactive, Ends: true, Prefix: keys}
	if !r.Stepped {
		store.Booting = v.CatchSignals
	}
	sb, conn, err := which.launch()
	if err != nil {
		return err
	}
	defer conn.Close()
	tellNotes(sb)
	store.Sweep() // while supervisor and init are at work
	v.Conn, v.Signal = conn, sb.Signal
	v.Open = func(size wire.Dimensions) error {
		return conn.Attach(wire.AttachRequest{Dimensions: size, History: true, Follow: true, Lossless: true})
	}
	if r.Stepped {
		return lead(sb, conn, v)
	}
	return look(sb, v)
}

// look shows a program until it ends, and words how looking ended.
func look(sb sandbox.Sandbox, v *console.Viewer) error {
	exit, err := v.Run()
	switch err := err.(type) {
	case nil:
		if exit.Code != 0 {
			return exitCode(exit.Code)
		}
		return nil
	case console.NotStarted:
		return &sandbox.LaunchError{Name: sb.Name, Report: err.Report}
	case console.Interrupted:
		stillRuns(sb)
		return exitCode(exitSignal + int(err.Signal))
	}
	if err == console.ErrDetached {
		stillRuns(sb)
		return nil
	}
	return &sandbox.Error{What: "attach to " + sb.Name, Err: err, Way: "`aquarium ps -a` shows what became of it"}
}

// stillRuns says how to come back.
func stillRuns(sb sandbox.Sandbox) {
	fmt.Fprintf(os.Stderr, "aquarium: detached from %s, which runs on: `aquarium attach %s` comes back\n", sb.Name, sb.Name)
}
