package supervisor

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/userns"
)

// removeTree deletes a directory of the sandbox's.
func (b Belongings) removeTree(path string) error { return RemoveOwned(path, b.IDs) }

// RemoveOwned deletes a tree that a sandbox has written. What other users of
// the sandbox have made there belongs to subordinate ids, and directories of
// theirs are closed to everyone else: where that is in the way, a copy of this
// program removes it, in a user namespace with the sandbox's ids.
func RemoveOwned(path string, ids userns.Map) error {
	err := kernel.RemoveTree(path)
	if !errors.Is(err, os.ErrPermission) || !ids.Helped() {
		return err
	}
	return removeAs(ids, path)
}

// RemoverName is argv[0] of a process that removes trees; package reexec takes
// over by it.
const RemoverName = "aquarium-remove"

// removeAs removes a tree with the rights of the user namespace's root. The
// process that does it dies with the thread that has started it.
func removeAs(ids userns.Map, path string) error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		writer.Close()
		return err
	}
	process, err := ids.Start(userns.Command{
		Path: "/proc/self/exe", Argv: []string{RemoverName, path},
		Env: []string{"GOMAXPROCS=1"}, Files: []*os.File{null, null, writer}, Flags: syscall.CLONE_NEWUSER,
	})
	null.Close()
	writer.Close()
	if err != nil {
		return fmt.Errorf("remove what other users of the sandbox own: %w", err)
	}
	said, _ := io.ReadAll(reader)
	if state, err := process.Wait(); err != nil || !state.Success() {
		return fmt.Errorf("remove what other users of the sandbox own: %s", strings.TrimSpace(string(said)))
	}
	return nil
}

// Remove is the process that removeAs starts; it never returns.
func Remove() {
	for _, path := range os.Args[1:] {
		if err := kernel.RemoveTree(path); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
	os.Exit(0)
}
