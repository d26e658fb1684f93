package tui

// welcome is what the right side says without a sandbox: on an empty machine,
// how to get a first root filesystem.
func welcome(sandboxes int) []string {
	if sandboxes > 0 {
		return []string{"", "  No sandbox matches the filter."}
	}
	return []string{
		"",
		"  No sandbox yet.",
		"",
		"  Enter on host launches one: this machine's",
		"  own / as a copy. Nothing that is written",
		"  in it reaches the machine.",
		"",
		"  For a root filesystem of its own:",
		"    P  pulls an image from a registry,",
		"    I  imports a directory or an archive,",
		"    N  makes one of what is here.",
		"  Or name a directory that holds one:",
		"    aquarium DIRECTORY",
		"",
		"  ? explains the keys.",
	}
}
