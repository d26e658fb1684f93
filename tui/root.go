package tui

import (
	"charm.land/bubbles/v2/key"
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/sandbox"
)

// root routes messages to the parts of the screen and lays them out. What a
// part does is in the part's own file.
type root struct {
	store     *sandbox.Store
	theme     theme
	actions   []action
	layout    layout
	focus     panel
	zoomed    bool
	trees     rootfsList
	sandboxes sandboxList
	work      workspace
	keyboard  keyboard
	dialogs   []dialog // the last one has the keys
	prompt    *prompt  // nil unless a filter or search is being typed
	screens   []screen // the last one covers the panels
	alone     bool     // there are no panels: the last screen is all there is
	typing    typeAhead
	twins     *twinsRun // nil unless they are being looked at
	stepping  bool      // a stepped launch is being begun
	jobs      jobs
	notice    string // for the last row, until the next key
	cleanups  int    // told since the last key
	scrolling bool   // reached from the program with the prefix key
	taught    bool   // how to get out has been shown
	measuring bool
	selecting bool // the mouse drags over the terminal
	clicks    clicks
	offered   offer
	drawn     picture
}

func newRoot(store *sandbox.Store, t theme, keys keyboard) *root {
	m := &root{
		store:    store,
		theme:    t,
		actions:  actions(),
		work:     newWorkspace(t),
		keyboard: keys,
	}
	if store != nil { // a replay has none, and nothing to begin a job with
		m.jobs.litter = &litter{catalogue: store.Catalogue}
	}
	return m
}

// Init starts what runs as long as the program.
func (m *root) Init() tea.Cmd {
	if m.alone {
		return nil
	}
	return tea.Batch(watchStore(m.store, m.keyboard.send), m.work.awaitChange())
}

// Update routes one message.
func (m *root) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	m.drawn.stale = true
	switch msg := msg.(type) {
	case tea.WindowSizeMsg:
		m.layout.cols, m.layout.rows = msg.Width, msg.Height
		m.arrange()
		return m, m.measureUsage()
	case tea.KeyPressMsg:
		return m, m.press(msg)
	case tea.PasteMsg:
		m.paste(msg)
	case tea.MouseMsg:
		return m, m.mouse(msg)
	case paneChanged:
		m.noteOffers()
		return m, tea.Batch(m.followProgram(), m.work.awaitChange(), m.work.awaitSync())
	case syncLate: // there may be a picture by now
	case sandboxesListed:
		return m, m.takeSandboxes(msg)
	case treesListed:
		m.takeTrees(msg)
	case usageDue:
		m.measuring = false
		return m, m.measureUsage()
	case usageMeasured:
		m.sandboxes.usage = msg.usage
		return m, awaitUsage(msg.took)
	case sandboxLaunched:
		return m, m.takeLaunched(msg)
	case execStarted:
		return m, m.takeExec(msg)
	case requestDone:
		m.notice = msg.notice
		if msg.err != nil {
			m.fail(msg.err)
		}
	case cleanedUp:
		m.tellCleanup(msg)
	case planMade:
		m.showPlan(msg)
	case prefixPressed:
		return m, m.takePrefix(msg)
	case report:
		return m, msg.deliver()
	case errand:
		return m, msg(m)
	case tea.ResumeMsg:
		m.arrange()
	default:
		return m, tea.Batch(m.followProgram(), m.work.update(msg))
	}
	return m, nil
}

// press routes a key: to the program it was typed ahead for, the dialog, the
// prompt, the open tab, the list, or the table of actions.
func (m *root) press(msg tea.KeyPressMsg) tea.Cmd {
	m.notice, m.cleanups = "", 0
	switch {
	case m.typing.holds(msg):
		return nil
	case m.keyboard.attached():
		return m.pressEarly(msg)
	case len(m.dialogs) > 0:
		return m.decide(m.dialogs[len(m.dialogs)-1].press(msg))
	case m.prompt != nil:
		return m.pressPrompt(msg)
	case m.screen() != nil:
		return m.pressScreen(msg)
	}
	if m.focus == panelWork || m.zoomed {
		if cmd, handled := m.work.tab().press(msg); handled {
			return tea.Batch(cmd, m.grant(m.work.tab()))
		}
		if msg.String() == "esc" {
			return m.leaveWork()
		}
	}
	if l := m.focusedList(); l != nil && l.press(msg.String()) {
		return m.selectionMoved()
	}
	return m.act(msg)
}

// act does the first action that a key stands for and that can be done.
func (m *root) act(msg tea.KeyPressMsg) tea.Cmd {
	for i := range m.actions {
		if a := &m.actions[i]; key.Matches(msg, a.Binding) && a.possible(m) {
			return a.do(m)
		}
	}
	if cmd, ok := m.work.openKey(msg.String()); ok {
		if m.layout.single {
			return tea.Batch(cmd, m.focusOn(panelWork))
		}
		return cmd
	}
	return m.explain(msg)
}

func (m *root) focusedList() *list {
	switch m.focus {
	case panelRootfs:
		return &m.trees.list
	case panelSandboxes:
		return &m.sandboxes.list
	}
	return nil
}

func (m *root) paste(msg tea.PasteMsg) {
	text := msg.Content
	switch {
	case m.typing.holds(msg):
	case m.keyboard.attached():
		m.keyboard.paste(text)
	case len(m.dialogs) > 0:
		if d, ok := m.dialogs[len(m.dialogs)-1].(pasted); ok {
			d.paste(text)
		}
	case m.prompt != nil:
		m.prompt.line.insert(text)
		m.promptChanged()
	}
}

// arrange lays the screen out anew: its size, the focus or the zoom changed.
func (m *root) arrange() {
	m.layout = newLayout(m.layout.cols, m.layout.rows, m.focus, m.zoomed, len(m.trees.all))
	m.trees.resize(m.layout.body[panelRootfs].h)
	m.sandboxes.resize(m.layout.body[panelSandboxes].h)
	r := m.layout.body[panelWork]
	if m.layout.single {
		r = m.layout.body[m.focus] // each has all of the screen, one after the other
	}
	if r.w > 0 {
		m.work.resize(r)
	}
	if m.keyboard.attached() {
		m.keyboard.now.place(m.layout.body[panelWork])
	}
}

func (m *root) focusOn(p panel) tea.Cmd {
	m.focus = p
	if p != panelWork {
		m.zoomed = false
	}
	m.arrange()
	return m.measureUsage() // other sandboxes may be in view
}

func (m *root) focusBy(step int) tea.Cmd {
	return m.focusOn((m.focus + panel(step) + panels) % panels)
}

// selectionMoved shows the sandbox that is selected now.
func (m *root) selectionMoved() tea.Cmd {
	sb, ok := m.sandboxes.selected()
	if !ok {
		return m.work.hide()
	}
	if s := m.work.subject; s != nil && s.ID == sb.ID {
		return nil
	}
	return m.work.show(sb, m.sandboxes.usage[sb.ID], nil)
}

// takeSandboxes brings the list, and what is shown of its sandbox, up to date.
func (m *root) takeSandboxes(msg sandboxesListed) tea.Cmd {
	if msg.err != nil {
		m.fail(msg.err)
		return nil
	}
	m.sandboxes.set(msg.list)
	m.tellScreens(msg.list)
	m.work.feeds.retain(msg.list)
	sb, ok := m.sandboxes.selected()
	var show tea.Cmd
	if ok {
		show = m.work.show(sb, m.sandboxes.usage[sb.ID], nil)
	} else {
		show = m.work.hide()
	}
	return tea.Batch(show, m.followProgram(), m.measureUsage())
}

func (m *root) takeTrees(msg treesListed) {
	m.trees.set(msg.list)
	m.arrange()
	if msg.err != nil {
		m.fail(msg.err)
	}
}

// measureUsage measures the sandboxes in view, unless that is under way.
func (m *root) measureUsage() tea.Cmd {
	inView := m.sandboxes.inView()
	if m.measuring || len(inView) == 0 {
		return nil
	}
	m.measuring = true
	return measureUsage(inView, m.sandboxes.usage)
}

// fail shows an error until it is dismissed. While attached no key could do
// that, and it goes to the last row.
func (m *root) fail(err error) {
	if m.keyboard.attached() {
		m.notice = visible(err.Error())
		return
	}
	if n := len(m.dialogs); n > 0 {
		if d, ok := m.dialogs[n-1].(interface{ blame(error) }); ok {
			d.blame(err)
		}
	}
	m.open(m.errorDialog(err))
}

func (m *root) open(d dialog) { m.dialogs = append(m.dialogs, d) }

func (m *root) closeDialog() {
	if n := len(m.dialogs); n > 0 {
		m.dialogs = m.dialogs[:n-1]
	}
}

// close lets go of everything when the program has ended.
func (m *root) close() {
	m.work.feeds.close()
	m.jobs.close()
	m.twins.end()
}
