package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/supervisor"
)

// action is something that the user can ask for, by a key or in the palette.
// The footer, the help screen and the palette are made from the one table.
type action struct {
	key.Binding
	about string             // one sentence for the help screen
	can   func(m *root) bool // nil is always
	do    func(m *root) tea.Cmd
}

// bind makes a binding; the first key is the one that is shown.
func bind(does string, shown string, keys ...string) key.Binding {
	return key.NewBinding(key.WithKeys(keys...), key.WithHelp(shown, does))
}

// part is the actions under one heading of the help screen.
type part struct {
	heading string
	actions []action
}

// parts is every key of the screen itself, in the order of the footer. Where
// one key has two meanings, the first that can be done is done.
func parts() []part {
	return []part{
		{"Root filesystems", treeActions()},
		{"Pulls, imports and exports under way", jobActions()},
		{"Sandboxes", sandboxActions()},
		{"Everywhere", commonActions()},
	}
}

// actions is parts without the headings.
func actions() []action {
	var all []action
	for _, p := range parts() {
		all = append(all, p.actions...)
	}
	return all
}

// treeActions are for the list of root filesystems.
func treeActions() []action {
	return []action{
		{bind("launch", "Enter", "enter"), "Launch a sandbox from the selected root filesystem, and attach to it.", onTrees, (*root).launchSelected},
		{bind("options…", "o", "o"), "Launch with options: every flag of `aquarium run`, as a form.", onTrees, (*root).openLaunchForm},
		{bind("step", "S", "S"), "Launch step by step: see each call, and what the kernel made of it; also goes on with one that waits.", canStep, (*root).stepSelected},
		{bind("pull…", "P", "P"), "Pull: make a root filesystem of an image in a registry.", inTrees, (*root).openPullForm},
		{bind("import…", "I", "I"), "Import: make one of a directory, a tar or an image archive.", inTrees, (*root).openImportForm},
		{bind("new…", "N", "N"), "Create one of this machine's busybox, by debootstrap, as a copy of host, or empty.", inTrees, (*root).openCreateForm},
		{bind("what if…", "W", "W"), "Launch step by step where steps may be left out, in an outer mount namespace that keeps the host safe.", onTrees, (*root).whatIfSelected},
		{bind("check", "c", "c"), "Check: what it is, what it takes on the disk, what it lacks and what that will cause.", onTrees, (*root).openRootfs},
		{bind("remove", "d", "d"), "Delete the root filesystem and the layers that only it has.", onTrees, (*root).askRemoveRootfs},
		{bind("twins", "T", "T"), "Launch it twice, with chroot and with pivot_root, and see side by side what holds; both are removed.", onTrees, (*root).twinSelected},
		{bind("export…", "X", "X"), "Export the root filesystem to a file: as a tar, or as an archive for podman or docker.", onTrees, (*root).openExportForm},
		{bind("push…", "U", "U"), "Push (upload) the root filesystem to a registry.", onTrees, (*root).openPushForm},
		{bind("prune", "D", "D"), "Delete layers that no root filesystem has, and what killed imports left.", inTrees, (*root).prune},
	}
}

// jobActions are for what is being pulled, imported or exported.
func jobActions() []action {
	return []action{
		{bind("progress", "Enter", "enter"), "Show how far it is, layer by layer; of what failed, why.", onJob, (*root).openJob},
		{bind("cancel", "d", "d"), "Cancel what is under way, or forget what has failed.", onJob, (*root).cancelJob},
		{bind("under way", "J", "J"), "Show what is being pulled, imported or exported.", hasJobs, (*root).openJobs},
	}
}

// sandboxActions are for the selected sandbox.
func sandboxActions() []action {
	return []action{
		{bind("step on", "Enter", "enter", "a"), "Go on with a launch that waits between two steps.", onWaiting, (*root).stepSelected},
		{bind("attach", "Enter", "enter", "a"), "Attach: all keys go to the program, until the prefix key and d.", onRunning, (*root).attachSelected},
		{bind("attach", "a", "a"), "", hasProgram, (*root).attachSelected},
		{bind("shell", "e", "e"), "Run a shell in the sandbox, beside its program.", hasProgram, (*root).execShell},
		{bind("stop", "s", "s"), "Ask the program to end, with SIGTERM; after a while with SIGKILL.", hasRunning, (*root).askStop},
		{bind("signal…", "K", "K"), "Send any signal to the program.", hasRunning, (*root).askSignal},
		{bind("pause", "p", "p"), "Stop all processes of the sandbox where they are.", isIn(supervisor.Running), (*root).pauseSelected},
		{bind("unpause", "p", "p"), "Let a paused sandbox run on.", isIn(supervisor.Paused), (*root).unpauseSelected},
		{bind("remove", "d", "d"), "Delete the sandbox with its layer.", canChange, (*root).askRemove},
		{bind("enter…", "n", "n"), "Enter: join chosen namespaces of the sandbox and run a command there.", hasRunning, (*root).enterSelected},
		{bind("commit…", "C", "C"), "Commit: make a root filesystem of the sandbox's and what was written in it.", canChange, (*root).openCommitForm},
		{bind("changes", "c", "c"), "What the sandbox has added, changed and removed, in the Files view.", canChange, (*root).openChanges},
		{bind("discard…", "x", "x"), "Throw away what the stopped sandbox has written; its record stays.", canChange, (*root).askDiscard},
		{bind("host beside", "=", "="), "Show the host and the sandbox side by side, with the differences marked.", hasRunning, (*root).splitSelected},
		{bind("logs", "l", "l"), "The output so far, to scroll and search.", hasSandbox, openLogs},
		{bind("overview", "i", "i"), "The facts of the sandbox on one page.", hasSandbox, openTabKey("1")},
		{bind("terminal", "0", "0"), "The sandbox's terminal.", hasSandbox, openTabKey("0")},
		{bind("write to file", "w", "w"), "Write the selected text, or else all of the output, to a file in the working directory.", hasSandbox, (*root).saveSelected},
	}
}

// commonActions work everywhere.
func commonActions() []action {
	return []action{
		{bind("replay…", "R", "R"), "Replay a launch from the file of a trace, or one that failed here, step by step.", nil, (*root).askReplay},
		{bind("namespaces", "M", "M"), "The matrix: which processes of this machine share which namespaces.", nil, (*root).openMatrix},
		{bind("zoom", "z", "z"), "Give the right side the whole screen, and back.", nil, (*root).toggleZoom},
		{bind("copy", "y", "y"), "Copy the selected text, or else the sandbox's or root filesystem's name.", nil, (*root).copySelected},
		{bind("take clipboard", "Y", "Y"), "Put what the program offers on the clipboard. Nothing goes there by itself.", hasOffer, (*root).takeOffer},
		{bind("filter", "/", "/"), "Filter the list, or search the output.", nil, (*root).openPrompt},
		{bind("next pane", "Tab", "tab"), "Go to the next pane.", nil, func(m *root) tea.Cmd { return m.focusBy(1) }},
		{bind("previous pane", "Shift-Tab", "shift+tab"), "Go to the pane before.", nil, func(m *root) tea.Cmd { return m.focusBy(-1) }},
		{bind("tab to the right", "→", "right"), "Go to the next tab of the right side.", nil, func(m *root) tea.Cmd { return m.work.openNext(1) }},
		{bind("tab to the left", "←", "left"), "Go to the tab before.", nil, func(m *root) tea.Cmd { return m.work.openNext(-1) }},
		{bind("commands", ":", ":"), "The palette: choose from everything that can be done here.", nil, (*root).openPalette},
		{bind("help", "?", "?"), "This page.", nil, (*root).openHelp},
		{bind("suspend", "Ctrl-Z", "ctrl+z"), "Stop Aquarium and go back to the shell; `fg` continues.", nil, suspend},
		{bind("quit", "q", "q", "ctrl+c"), "Leave. The sandboxes run on.", nil, (*root).quit},
	}
}

func onTrees(m *root) bool {
	_, ok := m.trees.selected()
	return ok && m.focus == panelRootfs
}

// inTrees tells whether the keys are for the root filesystems as a whole.
func inTrees(m *root) bool { return m.focus == panelRootfs }

func hasSandbox(m *root) bool { return m.work.subject != nil }

func hasRunning(m *root) bool {
	return hasSandbox(m) && m.work.subject.Status != supervisor.Stopped
}

// hasProgram tells whether the selected sandbox has come so far as its program.
func hasProgram(m *root) bool {
	return hasRunning(m) && m.work.subject.Status != supervisor.Created
}

// isIn tells whether the selected sandbox has a status.
func isIn(status supervisor.Status) func(*root) bool {
	return func(m *root) bool { return hasSandbox(m) && m.work.subject.Status == status }
}

func onRunning(m *root) bool { return m.focus != panelRootfs && hasRunning(m) }

// openLogs goes to the right side too: the next keys scroll there.
func openLogs(m *root) tea.Cmd {
	cmd, _ := m.work.openKey("l")
	return tea.Batch(cmd, m.focusOn(panelWork))
}

// openTabKey opens a tab and leaves the focus on the list, so that moving in
// it shows the same of one sandbox after the other.
func openTabKey(key string) func(*root) tea.Cmd {
	return func(m *root) tea.Cmd {
		cmd, _ := m.work.openKey(key)
		if m.layout.single {
			return tea.Batch(cmd, m.focusOn(panelWork))
		}
		return cmd
	}
}

func (a *action) possible(m *root) bool { return a.can == nil || a.can(m) }
