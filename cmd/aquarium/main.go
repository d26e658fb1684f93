// Command aquarium launches sandboxes from root filesystems and lets people
// look inside them. Without a subcommand it opens the full-screen UI.
package main

import (
	"os"

	// First of all, so that a re-exec'd init or supervisor is taken over.
	_ "aquarium/runtime/reexec"
)

func main() {
	os.Exit(run(os.Args[1:]))
}
