package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// checkScreen refuses to open the UI where it could not be seen, and root
// filesystems that are not there: a mistyped command looks like one.
func checkScreen(c *cobra.Command, dirs []string) error {
	for _, dir := range dirs {
		if err := checkDirectory(c, dir); err != nil {
			return err
		}
	}
	switch {
	case !console.IsTerminal(os.Stdin) || !console.IsTerminal(os.Stdout):
		return &spec.Refusal{What: "open the UI: standard input and output are not a terminal", Way: "`aquarium --help` lists the commands that need none"}
	case os.Getenv("TERM") == "dumb" || os.Getenv("TERM") == "":
		return &spec.Refusal{What: "open the UI: the terminal cannot move its cursor (TERM=" + os.Getenv("TERM") + ")", Way: "set TERM to what the terminal is, or use the commands that `aquarium --help` lists"}
	}
	return nil
}

func checkDirectory(c *cobra.Command, dir string) error {
	info, err := os.Stat(dir)
	way := ""
	switch {
	case errors.Is(err, fs.ErrNotExist):
		err = errors.New("no such directory, and no such command")
		way = meant(c, dir)
	case err == nil && !info.IsDir():
		err = errors.New("not a directory")
		way = "`aquarium rootfs import NAME FILE` makes a root filesystem of an archive"
	}
	if err == nil {
		return nil
	}
	return &sandbox.Error{What: "open " + rootfs.Visible(dir), Err: cause(err), Way: way}
}
