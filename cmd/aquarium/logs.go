package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/wire"
)

func newLogs() *cobra.Command {
	var follow bool
	c := &cobra.Command{
		Use:   "logs [flags] SANDBOX",
		Short: "Print what a sandbox has put out",
		Long: `Print the output that is kept of a sandbox, running or stopped: standard output
to standard output, standard error to standard error. In a terminal, only text
and colours are shown; what else a program did to its own terminal is not done
to this one. To a file or pipe every byte is written as it was.`,
		Example: `  aquarium logs web
  aquarium logs -f web 2>/dev/null
  aquarium logs build > build.log`,
		Args:              arguments(1, 1, "SANDBOX"),
		ValidArgsFunction: completeOne(all),
	}
	c.Flags().BoolVarP(&follow, "follow", "f", false, "go on with what comes, until the sandbox stops")
	c.RunE = func(_ *cobra.Command, args []string) error {
		sb, err := find(args[0])
		if err != nil {
			return err
		}
		frames, err := sb.Output(follow)
		if err != nil {
			return err
		}
		defer frames.Close()
		if err := writeLogs(frames); err != nil {
			return &sandbox.Error{What: "logs of " + sb.Name, Err: cause(err)}
		}
		return nil
	}
	return c
}

func writeLogs(frames sandbox.Frames) error {
	out := map[wire.Type]io.Writer{wire.Output: console.Plain(os.Stdout), wire.Errput: console.Plain(os.Stderr)}
	for {
		kind, payload, err := frames.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		switch kind {
		case wire.Output, wire.Errput:
			if _, err := out[kind].Write(payload); err != nil {
				return err
			}
		case wire.Skipped:
			fmt.Fprintln(os.Stderr, "aquarium: some output is missing here: it came faster than it was read")
		case wire.Exit:
			return nil
		}
	}
}
