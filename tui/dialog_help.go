package tui

// newHelpDialog explains every key. The words are the table's.
func newHelpDialog(t theme, actions []action) *messageDialog {
	lines := []string{paint(t.bold, "Keys")}
	line := func(key, text string) { lines = append(lines, " "+paint(t.key, t.fit(key, 11))+text) }
	line("j k "+"arrows", "Move. PgUp, PgDn, g and G move farther.")
	for _, a := range actions {
		if a.about != "" {
			line(a.Help().Key, a.about)
		}
	}
	lines = append(lines, "", paint(t.bold, "While attached"), "Every key goes to the program, Ctrl-C and Tab too, except Ctrl-]:")
	line("Ctrl-] d", "Detach: the keys are Aquarium's again, the program runs on.")
	line("Ctrl-] z", "Zoom: the program has the whole screen, and back.")
	line("Ctrl-] [", "Scroll back; Esc returns to the program.")
	line("Ctrl-] ]", "Send Ctrl-] itself.")
	lines = append(lines, "", paint(t.bold, "Statuses"))
	for _, s := range []struct{ mark, text string }{
		{t.running, "running"}, {t.stopped, "stopped, and how it ended"}, {t.paused, "paused"}, {t.waiting, "being created"},
		{t.problem, "a root filesystem that could not start a sandbox, and why"},
	} {
		line(s.mark, s.text)
	}
	lines = append(lines, "", paint(t.bold, "Mouse"), "Click selects; the wheel scrolls; dragging selects text, y copies it.",
		"A program that asked for the mouse gets it while attached.")
	return newMessage("Help", lines)
}
