package main

import (
	"aquarium/runtime/sandbox"
	"aquarium/tui"
)

// openUI shows the full-screen user interface; dirs are listed as root
// filesystems too.
func openUI(dirs []string) error {
	key, err := prefix("")
	if err != nil {
		return err
	}
	store, err := sandbox.Open(dirs...)
	if err != nil {
		return err
	}
	return tui.Run(store, tui.Options{Prefix: byte(key)})
}
