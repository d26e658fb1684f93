package tui

import (
	"slices"
	"strconv"
	"strings"

	"aquarium/runtime/inspect"
)

// enterChoice is which namespaces of whom are to be joined.
type enterChoice struct {
	who       who
	has       inspect.Namespaces
	chrooted  bool            // its root is not its mount namespace's
	joined    map[string]bool // by kind
	root, dir bool
	command   []string
}

// enterLetters are the flags of nsenter(1) and of `aquarium enter`, by kind.
var enterLetters = map[string]string{
	"mnt": "m", "uts": "u", "ipc": "i", "net": "n", "pid": "p", "user": "U", "cgroup": "C", "time": "T",
}

// newEnterChoice chooses all that is not the host's.
func newEnterChoice(w who, has inspect.Namespaces, root string) enterChoice {
	c := enterChoice{who: w, has: has, joined: map[string]bool{}, chrooted: root != "/"}
	for _, kind := range inspect.Kinds {
		c.joined[kind] = c.own(kind)
	}
	c.root = c.chrooted
	return c
}

// own tells whether a kind is there to be joined.
func (c *enterChoice) own(kind string) bool {
	n, ok := c.has[kind]
	return ok && n.Inode != 0 && !n.Shared
}

// flags are the options that both commands have.
func (c *enterChoice) flags() []string {
	var flags []string
	for _, kind := range inspect.Kinds {
		if c.joined[kind] {
			flags = append(flags, "-"+enterLetters[kind])
		}
	}
	if c.root {
		flags = append(flags, "-r")
	}
	if c.dir {
		flags = append(flags, "-w")
	}
	return flags
}

// arguments are those of `aquarium enter`.
func (c *enterChoice) arguments() []string {
	words := append([]string{"enter", "-t", c.target()}, c.flags()...)
	return append(words, c.command...)
}

// target is what the process is called on a command line.
func (c *enterChoice) target() string {
	if c.who.subject != nil {
		return c.who.subject.Name
	}
	return strconv.Itoa(c.who.pid)
}

// commands are the command lines that do the same.
func (c *enterChoice) commands() (aquarium, nsenter string) {
	plain := append([]string{"nsenter", "-t", strconv.Itoa(c.who.pid)}, c.flags()...)
	return quoteWords(append([]string{"aquarium"}, c.arguments()...)), quoteWords(append(plain, c.command...))
}

// words says what such a mix will see.
func (c *enterChoice) words() []string {
	var entered, not []string
	for _, kind := range inspect.Kinds {
		switch {
		case c.joined[kind]:
			entered = append(entered, kind)
		case c.own(kind):
			not = append(not, kind)
		}
	}
	if len(entered) == 0 && !c.root && !c.dir {
		return []string{"entered: nothing. That is an ordinary shell on the host."}
	}
	head := "entered: " + orNothing(entered) + "; not: " + orNothing(not) + "."
	out := []string{head}
	for _, rule := range enterRules {
		if rule.when(c) {
			out = append(out, rule.say)
		}
	}
	if len(not) == 0 && len(out) == 1 {
		out = append(out, "All that is its own is joined: you see what it sees.")
	}
	return out
}

func orNothing(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names, ", ")
}

// in and out tell whether a kind that is the target's own is joined.
func (c *enterChoice) in(kinds ...string) bool {
	return !slices.ContainsFunc(kinds, func(kind string) bool { return !c.joined[kind] })
}

func (c *enterChoice) out(kind string) bool { return c.own(kind) && !c.joined[kind] }

// enterRules are what surprises people about mixes of namespaces.
var enterRules = []struct {
	when func(*enterChoice) bool
	say  string
}{
	{func(c *enterChoice) bool { return c.in("mnt") && c.chrooted && !c.root },
		"It did chroot: its mount namespace begins at the host's root, so you see the host's files. -r goes where it is."},
	{func(c *enterChoice) bool { return c.in("pid") && c.out("mnt") },
		"pid without mnt: your processes have its numbers, but ps still reads the host's /proc."},
	{func(c *enterChoice) bool { return c.in("mnt") && c.out("pid") },
		"mnt without pid: ps reads its /proc and shows its processes, and you are not among them."},
	{func(c *enterChoice) bool { return c.in("net") && c.out("mnt") },
		"net without mnt: your ip and ss show its network; /etc/resolv.conf and /sys are the host's."},
	{func(c *enterChoice) bool { return c.in("mnt") && c.out("net") },
		"mnt without net: its files, the host's network."},
	{func(c *enterChoice) bool { return c.in("ipc") && c.out("mnt") },
		"ipc without mnt: ipcs shows its objects; /dev/shm and /dev/mqueue are the host's."},
	{func(c *enterChoice) bool { return c.in("uts") && c.out("mnt") },
		"uts without mnt: hostname is its own, /etc/hostname is the host's."},
	{func(c *enterChoice) bool { return c.in("cgroup") && c.out("mnt") },
		"cgroup without mnt: /proc/self/cgroup counts from its group, /sys/fs/cgroup is the host's."},
	{func(c *enterChoice) bool { return c.in("user") },
		"user: you become its root, with all capabilities inside and none outside."},
	{func(c *enterChoice) bool { return c.out("user") },
		"not user: you keep the host's rights; its limits on capabilities do not hold you."},
	{func(c *enterChoice) bool { return !c.in("mnt") && !c.root },
		"Programs are the host's."},
	{func(c *enterChoice) bool { return c.in("mnt") || c.root },
		"Programs are its own, do not trust them."},
}
