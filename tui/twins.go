package tui

import (
	"errors"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/enter"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// twin is what was found out of a sandbox with one of the two root switches.
type twin struct {
	how     spec.RootSwitch
	link    string // /proc/PID/root
	mounts  []string
	inside  rootSeen // by its program
	entered rootSeen // by who joins its mount namespace, and no more
	escaped rootSeen // after the classic escape
	err     error
}

// rootSeen is what is found at "/".
type rootSeen struct {
	names []string
	host  bool // it is this machine's own
	err   error
}

// escapeDepth is how many directories the escape goes up: more than a root
// lies deep.
const escapeDepth = 64

// look lists "/" as the process has it, as its mount namespace has it, and
// after the escape.
func (t *twin) look(pid int) error {
	target, err := enter.Open(pid)
	if err != nil {
		return err
	}
	defer target.Close()
	confine := func(v *enter.Visit) {
		v.Call("fchdir(root)", syscall.SYS_FCHDIR, target.Root.Fd())
		v.Call(`chroot(".")`, syscall.SYS_CHROOT, v.Text("."))
	}
	t.entered, _ = visitRoot(target, nil)
	var dir string
	t.inside, dir = visitRoot(target, confine)
	if t.inside.err != nil || dir == "" {
		return t.inside.err
	}
	t.escaped, _ = visitRoot(target, func(v *enter.Visit) {
		confine(v)
		v.Call("chroot(directory)", syscall.SYS_CHROOT, v.Text(dir))
		for range escapeDepth {
			v.Call(`chdir("..")`, syscall.SYS_CHDIR, v.Text(".."))
		}
		v.Call(`chroot(".")`, syscall.SYS_CHROOT, v.Text("."))
	})
	return nil
}

// visitRoot joins the target's mount namespace, makes calls there, and lists
// "/". directory is the first one in it.
func visitRoot(target *enter.Target, calls func(*enter.Visit)) (seen rootSeen, directory string) {
	v := &enter.Visit{}
	for _, n := range target.Namespaces {
		if n.Kind.Name == "mnt" || n.Kind.Name == "user" {
			v.Namespaces = append(v.Namespaces, n)
		}
	}
	if calls != nil {
		calls(v)
	}
	opened := v.Open("/", syscall.O_RDONLY|syscall.O_DIRECTORY)
	if seen.err = v.Run(); seen.err != nil {
		return seen, ""
	}
	if opened.Errno != 0 {
		seen.err = &step.CallError{Call: `openat("/")`, Errno: opened.Errno}
		return seen, ""
	}
	dir := os.NewFile(uintptr(opened.Value), "/")
	defer dir.Close()
	theirs, err := dir.Stat()
	ours, err2 := os.Stat("/")
	entries, err3 := dir.ReadDir(-1)
	if seen.err = errors.Join(err, err2, err3); seen.err != nil {
		return seen, ""
	}
	seen.host = os.SameFile(theirs, ours)
	for _, e := range entries {
		seen.names = append(seen.names, e.Name())
		if e.IsDir() && directory == "" {
			directory = e.Name()
		}
	}
	slices.Sort(seen.names)
	return seen, directory
}

// twinsScreen is both side by side.
type twinsScreen struct {
	theme  theme
	name   string
	pair   [2]twin
	offset int
	most   int // the last offset, by the last picture
}

func (*twinsScreen) show() tea.Cmd { return nil }
func (*twinsScreen) hide()         {}

func (s *twinsScreen) wheel(lines int) { s.offset = max(0, min(s.offset+lines, s.most)) }

func (s *twinsScreen) press(msg tea.KeyPressMsg) (tea.Cmd, bool) {
	switch msg.String() {
	case "j", "down":
		s.wheel(1)
	case "k", "up":
		s.wheel(-1)
	case "pgdown", "space":
		s.wheel(10)
	case "pgup":
		s.wheel(-10)
	default:
		return nil, false
	}
	return nil, true
}

func (*twinsScreen) hints() []hint { return []hint{{"j k", "scroll"}} }

// question is what is asked of both twins.
type question struct {
	text   string
	answer func(t *twin) (text string, n tone)
}

func questions() []question {
	return []question{
		{"ls / by its program", func(t *twin) (string, tone) { return t.inside.words("the host's root", "a root of its own") }},
		{"ls / by who enters the mount namespace only (nsenter -m)", func(t *twin) (string, tone) {
			return t.entered.words("THE HOST'S ROOT: it is still there, around the sandbox's", "the sandbox's root: the namespace has no other")
		}},
		{"The classic escape: chroot(a directory), chdir(\"..\") many times, chroot(\".\"), then ls /", func(t *twin) (string, tone) {
			return t.escaped.words("IT GOT OUT, to the host's root", "it did not get out")
		}},
		{"/proc/PID/root, from outside", func(t *twin) (string, tone) { return t.link, tonePlain }},
		{"What it sees mounted", func(t *twin) (string, tone) {
			return strconv.Itoa(len(t.mounts)) + " mounts: " + strings.Join(t.mounts, " "), tonePlain
		}},
	}
}

// words is a verdict, and the names that it rests on.
func (r rootSeen) words(host, other string) (string, tone) {
	switch {
	case r.err != nil:
		return "refused: " + r.err.Error(), toneWarn
	case r.host:
		return host + ": " + strings.Join(r.names, " "), toneBad
	}
	return other + ": " + strings.Join(r.names, " "), toneGood
}

func (s *twinsScreen) view(w, h int) tabView {
	t := s.theme
	left := (w - 3) / 2
	right := w - 3 - left
	title := t.rule(" "+paint(t.focus, "Twins of "+visible(s.name))+" ", " launched twice, looked at, removed ", w)
	heads := t.fit(paint(t.bold, " with "+string(s.pair[0].how)), left) + " " + t.column + " " + paint(t.bold, "with "+string(s.pair[1].how))
	var rows []string
	for _, q := range questions() {
		rows = append(rows, "", paint(t.bold, " "+t.cut(q.text, w-1)))
		var sides [2][]string
		for i, room := range []int{left - 1, right} {
			text, n := q.answer(&s.pair[i])
			for _, line := range wrap(visible(text), room) {
				sides[i] = append(sides[i], paint(t.tone(n), line))
			}
		}
		for i := range max(len(sides[0]), len(sides[1])) {
			rows = append(rows, " "+t.fit(at(sides[0], i), left-1)+" "+t.column+" "+at(sides[1], i))
		}
	}
	s.most = max(0, len(rows)-(h-2))
	s.offset = min(s.offset, s.most)
	return tabView{rows: t.padRows(append([]string{title, heads}, rows[s.offset:]...), w, h)}
}

// at is a row, or "" where there are no more.
func at(rows []string, i int) string {
	if i < len(rows) {
		return rows[i]
	}
	return ""
}
