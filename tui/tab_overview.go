package tui

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"charm.land/bubbles/v2/viewport"
	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/supervisor"
)

// overviewTab is the facts of a sandbox on one page.
type overviewTab struct {
	theme   theme
	subject *subject
	page    viewport.Model
	stale   bool
}

func newOverviewTab(t theme) *overviewTab {
	return &overviewTab{theme: t, page: viewport.New()}
}

func (*overviewTab) title() string { return "Overview" }
func (*overviewTab) key() string   { return "i" }

func (t *overviewTab) show(s *subject) tea.Cmd {
	if t.subject == nil || s == nil || t.subject.ID != s.ID {
		t.page.GotoTop()
	}
	t.subject, t.stale = s, true
	return nil
}

func (*overviewTab) update(tea.Msg) tea.Cmd { return nil }

func (t *overviewTab) press(key tea.KeyPressMsg) (tea.Cmd, bool) {
	switch key.String() {
	case "j", "down":
		t.page.ScrollDown(1)
	case "k", "up":
		t.page.ScrollUp(1)
	case "pgdown":
		t.page.PageDown()
	case "pgup":
		t.page.PageUp()
	default:
		return nil, false
	}
	return nil, true
}

func (t *overviewTab) wheel(lines int) { t.page.SetYOffset(t.page.YOffset() + lines) }

func (*overviewTab) hints() []hint { return nil }

func (t *overviewTab) view(w, h int) tabView {
	if t.stale || t.page.Width() != w || t.page.Height() != h {
		t.page.SetWidth(w)
		t.page.SetHeight(h)
		t.page.SetContentLines(factRows(t.theme, facts(t.subject), w))
		t.stale = false
	}
	return tabView{rows: t.theme.padRows(strings.Split(t.page.View(), "\n"), w, h)}
}

// fact is one line of an overview.
type fact struct{ name, value string }

// facts are what the state says, in words.
func facts(s *subject) []fact {
	out := []fact{
		{"name", visible(s.Name)},
		{"id", s.ID},
		{"status", string(s.Status)},
	}
	add := func(name, value string) {
		if value != "" {
			out = append(out, fact{name, value})
		}
	}
	if s.Status == supervisor.Stopped {
		add("ended", outcomeSentence(s.State))
	}
	if s.PID > 0 {
		add("pid", strconv.Itoa(s.PID)+" (its 1)")
	}
	if s.Keeper > 0 {
		add("supervisor", strconv.Itoa(s.Keeper))
	}
	if s.usage.known {
		add("cpu", s.usage.percent())
		add("memory", s.usage.size())
	}
	add("rootfs", visible(s.Rootfs))
	add("command", visible(quoteWords(s.Command)))
	add("root switch", rootSwitch(s.RootSwitch))
	add("host's own", cmp.Or(strings.Join(s.Shared, ", "), "none"))
	terminal := "three pipes"
	if s.TTY {
		terminal = "pseudo-terminal"
	}
	add("terminal", terminal)
	if s.State.Remove {
		add("when it stops", "it is removed")
	}
	add("created", moment(s.Created))
	add("started", moment(s.Started))
	add("finished", moment(s.Finished))
	add("bundle", visible(s.Bundle))
	return out
}

func rootSwitch(how string) string {
	if how == "chroot" {
		return "chroot (not isolation)"
	}
	return how
}

func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Local().Format("2006-01-02 15:04:05")
}

// factRows draws facts as two columns; long values go on below themselves.
func factRows(t theme, facts []fact, w int) []string {
	name := 0
	for _, f := range facts {
		name = max(name, width(f.name))
	}
	var rows []string
	for _, f := range facts {
		head := " " + paint(t.muted, t.fit(f.name, name)) + "  "
		for _, part := range wrap(f.value, max(8, w-name-4)) {
			rows = append(rows, head+part)
			head = spaces(name + 3)
		}
	}
	return rows
}
