package tui

import "slices"

// newHelpDialog explains every key. The words are the table's.
func newHelpDialog(t theme, parts []part, prefix string) *messageDialog {
	text := []paragraph{{paint(t.bold, "Keys"), ""}}
	line := func(key, about string) { text = append(text, paragraph{" " + paint(t.key, t.fit(key, 11)), about}) }
	heading := func(name, about string) {
		text = append(text, paragraph{}, paragraph{paint(t.bold, name), ""})
		if about != "" {
			text = append(text, paragraph{" ", about})
		}
	}
	line("j k "+"arrows", "Move. PgUp, PgDn, g and G move farther.")
	for _, p := range parts {
		heading(p.heading, "")
		for _, a := range p.actions {
			if a.about != "" {
				line(a.Help().Key, a.about)
			}
		}
	}
	heading("Looking inside", "")
	line("1"+t.ellipsis+"9", "Overview, processes, mounts, files, network, hostname and IPC, users, limits, environment: each as it is now.")
	line("Enter", "All that is known of the selected line; in Files, open it.")
	line("/ y", "Filter the lines; copy the selected one.")
	line("K", "In Processes: a signal to the selected process.")
	line("c", "In Files: what this sandbox changed.")
	line("= d !", "Host beside sandbox; only what differs; one command run in both.")
	heading("While attached", "Every key goes to the program, Ctrl-C and Tab too, except "+prefix+":")
	line(prefix+" d", "Detach: the keys are Aquarium's again, the program runs on.")
	line(prefix+" z", "Zoom: the program has the whole screen, and back.")
	line(prefix+" [", "Scroll back; Esc returns to the program.")
	line(prefix+" "+prefix[len(prefix)-1:], "Send "+prefix+" itself.")
	heading("Marks", "")
	for _, s := range []struct{ mark, text string }{
		{t.running, "running"}, {t.stopped, "stopped, and how it ended"}, {t.paused, "paused"}, {t.waiting, "being created"},
		{weakerSign, "not isolation: something that holds by default was given away, for teaching; the overview says what"},
		{t.problem, "a root filesystem that could not start a sandbox, and why"},
	} {
		line(s.mark, s.text)
	}
	heading("Mouse", "Click selects; the wheel scrolls; dragging selects text, and y copies it. While attached, a program that asked for the mouse gets it.")
	return newMessage("Help", text)
}

// helped is a screen that explains its own keys.
type helped interface{ help() []hint }

// newScreenHelp explains the keys of a screen, and those that work on any.
func newScreenHelp(t theme, own []hint, actions []action) *messageDialog {
	text := []paragraph{{paint(t.bold, "Keys"), ""}}
	line := func(key, about string) { text = append(text, paragraph{" " + paint(t.key, t.fit(key, 11)), about}) }
	for _, h := range own {
		line(h.key, h.does)
	}
	line("Esc", "Back to where this was opened from.")
	for _, a := range actions {
		if slices.ContainsFunc(a.Keys(), func(key string) bool { return onScreen[key] }) {
			line(a.Help().Key, a.about)
		}
	}
	return newMessage("Help", text)
}
