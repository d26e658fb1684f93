package main

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
)

// Exit statuses of Aquarium's own, as docker uses them.
const (
	exitError         = 125
	exitNotExecutable = 126
	exitNotFound      = 127
)

// exitCode is an error that only carries a program's exit status.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit status %d", int(c)) }

// run executes one command line and returns the exit status.
func run(args []string) int {
	root := newRoot()
	root.SetArgs(args)
	err := root.Execute()
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
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
	fmt.Fprintf(os.Stderr, "aquarium: %s\n", visible(err.Error()))
	var hinted interface{ Hint() string }
	if errors.As(err, &hinted) && hinted.Hint() != "" {
		fmt.Fprintf(os.Stderr, "hint: %s\n", visible(hinted.Hint()))
	}
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "aquarium [ROOTFS…]",
		Short:         "Containers you can see through",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
	}
	root.AddCommand(newRun(), newPs())
	return root
}
