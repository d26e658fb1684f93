package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"aquarium/rootfs"
)

// Exit statuses of Aquarium's own, as docker uses them. A launch that fails
// brings its own: 126 for a program that cannot be executed, 127 for one that
// does not exist.
const (
	exitError  = 125
	exitSignal = 128 // plus the signal's number
)

// exitCode is an error that only carries a program's exit status.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// failures are the errors of a command that did the same to several things.
type failures []error

func (f failures) Error() string { return errors.Join(f...).Error() }

// run executes one command line and returns the exit status.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	var code exitCode
	var many failures
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	case errors.As(err, &many):
		for _, one := range many {
			report(one)
		}
		return exitError
	}
	report(err)
	var coded interface{ ExitCode() int }
	if errors.As(err, &coded) {
		return coded.ExitCode()
	}
	return exitError
}

// report prints an error on one line, and a way out where there is one.
func report(err error) {
	fmt.Fprintf(os.Stderr, "aquarium: %s\n", rootfs.Visible(err.Error()))
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", rootfs.Visible(hinted.Hint()))
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "aquarium [ROOTFS…]",
		Short: "Containers you can see through",
		Long: `Aquarium launches sandboxes from root filesystem directories and lets you look
inside while they live. Without a command it opens the full-screen UI;
directories given are listed there too.`,
		Example: `  aquarium                                open the UI
  aquarium ./debian                       open it with one more root filesystem
  aquarium run host                       a shell on a copy-on-write view of this machine
  aquarium run --rm ./busybox ls -l /     one command in a directory tree`,
		Version:           version(),
		SilenceErrors:     true,
		SilenceUsage:      true,
		Args:              cobra.ArbitraryArgs,
		ValidArgsFunction: completeDirectories,
		PreRunE:           checkScreen,
		RunE:              func(_ *cobra.Command, dirs []string) error { return openUI(dirs) },
	}
	root.SetVersionTemplate("aquarium {{.Version}}\n")
	root.SetFlagErrorFunc(usageError)
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetHelpCommand(&cobra.Command{Hidden: true})
	root.AddCommand(newRun(), newPs(), newAttach(), newExec(), newLogs(), newTrace(), newStep(), newStop(), newKill(), newPause(), newUnpause(), newRm(), newInspect(), newEnter(), newRootfs(), newDoctor(), newCompletion())
	return root
}

// version is what the Go toolchain knows of the build: a tag or a commit.
func version() string {
	v := "(unknown)"
	if info, ok := debug.ReadBuildInfo(); ok {
		v = info.Main.Version
	}
	return v + " " + runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version()
}
