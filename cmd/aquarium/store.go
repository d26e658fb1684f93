package main

import (
	"fmt"
	"os"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
)

// openStore opens the user's store and cleans up what crashes have left, which
// it says.
func openStore() (*sandbox.Store, error) {
	store, err := unsweptStore()
	if err == nil {
		store.Sweep()
	}
	return store, err
}

// unsweptStore is openStore for a command that has something more urgent to do
// first, and calls Sweep then.
func unsweptStore() (*sandbox.Store, error) {
	store, err := sandbox.Open()
	if err != nil {
		return nil, err
	}
	store.Notice = func(line string) { fmt.Fprintf(os.Stderr, "aquarium: %s\n", rootfs.Visible(line)) }
	return store, nil
}

// storeFor is the store of a launch, or of one that is only planned.
func storeFor(planned bool) (*sandbox.Store, error) {
	if planned {
		return sandbox.Look()
	}
	return unsweptStore()
}
