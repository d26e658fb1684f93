// Package userns starts processes in user namespaces of their own, whose ids
// this process maps itself, where the kernel lets it, or has mapped by
// newuidmap(1) and newgidmap(1), which may map what /etc/subuid and
// /etc/subgid give an ordinary user.
//
//	this process                       child
//	     │ ── clone(CLONE_NEWUSER|…) ──▶ │ waits: it is nobody yet
//	     │ newuidmap, newgidmap          │
//	     │ ── one byte ────────────────▶ │ is root, execve
//
// The package imports only the standard library, so that supervisors can use
// it; package reexec says why.
package userns

import (
	"os"
	"slices"
	"strconv"
	"syscall"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
)

// IDMap is one line of uid_map or gid_map; see user_namespaces(7).
type IDMap struct {
	Inside  int `json:"inside"`
	Outside int `json:"outside"`
	Count   int `json:"count"`
}

func (m IDMap) String() string {
	return strconv.Itoa(m.Inside) + " " + strconv.Itoa(m.Outside) + " " + strconv.Itoa(m.Count)
}

// Map is which ids a user namespace has, and who writes that down.
type Map struct {
	UIDs []IDMap `json:"uids,omitempty"`
	GIDs []IDMap `json:"gids,omitempty"`
	// Absolute paths of newuidmap(1) and newgidmap(1), both or none; none
	// where this process may write the maps itself.
	UIDHelper string `json:"uidHelper,omitempty"`
	GIDHelper string `json:"gidHelper,omitempty"`
	// Foreign is set where root inside is somebody else than the user of this
	// process, whom the kernel lets map any: what is started has to become it.
	Foreign bool `json:"foreign,omitempty"`
}

// Helped tells whether programs write the maps.
func (m Map) Helped() bool { return m.UIDHelper != "" && m.GIDHelper != "" }

// Single tells whether there is one group only, so that setgroups(2) is denied.
func (m Map) Single() bool {
	return !slices.ContainsFunc(m.GIDs, func(line IDMap) bool { return line.Count > 1 })
}

// Outside is what an id of the namespace is for this process. One that the
// maps do not have, and any where there are none, is the same.
func Outside(maps []IDMap, id int) int {
	for _, m := range maps {
		if offset := id - m.Inside; offset >= 0 && offset < m.Count {
			return m.Outside + offset
		}
	}
	return id
}

// overflow is how an id that has no other shows, usually; see overflowuid in
// proc_sys_kernel(5).
const overflow = 65534

// Inside is what an id of this process's is in the namespace.
func Inside(maps []IDMap, id int) int {
	for _, m := range maps {
		if offset := id - m.Outside; offset >= 0 && offset < m.Count {
			return m.Inside + offset
		}
	}
	return overflow
}

// Give makes files the root's of a foreign namespace: pipes and terminals that
// this process has made for a program inside, which may want to open them by
// name, as /dev/stdout or /dev/pts/0. Other files stay as they are.
func (m Map) Give(files ...*os.File) error {
	if !m.Foreign {
		return nil
	}
	for _, f := range files {
		var stat syscall.Stat_t
		if err := syscall.Fstat(int(f.Fd()), &stat); err != nil {
			return err
		}
		group := -1 // a terminal has the group that devpts gives it
		switch {
		case stat.Mode&syscall.S_IFMT == syscall.S_IFIFO:
			group = Outside(m.GIDs, 0)
		case stat.Mode&syscall.S_IFMT != syscall.S_IFCHR || !isTerminal(uint64(stat.Rdev)):
			continue
		}
		if err := syscall.Fchown(int(f.Fd()), Outside(m.UIDs, 0), group); err != nil {
			return err
		}
	}
	return nil
}

// isTerminal tells whether a device is the slave of a pseudo-terminal; see
// admin-guide/devices.txt of the kernel.
func isTerminal(device uint64) bool {
	const first, last = 136, 143
	major := device >> 8 & 0xfff
	return major >= first && major <= last
}

// Command is a program to run in new namespaces.
type Command struct {
	Path      string
	Argv, Env []string
	Files     []*os.File // its descriptors 0…
	Flags     uintptr    // of clone(2): CLONE_NEWUSER and others
	Session   bool       // of its own, see setsid(2)
	Group     *os.File   // directory of a control group of version 2 to begin in; nil is that of this process
}

// Start runs the command in a user namespace with these ids, as its root. It
// ends with the thread that calls; see PR_SET_PDEATHSIG in prctl(2). An error
// is a *fork.Refused or, without helpers, what os.StartProcess returns.
func (m Map) Start(c Command) (*os.Process, error) {
	if !m.Helped() {
		return m.startPlain(c)
	}
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	defer writer.Close()
	files, err := lift(c.Files)
	if err != nil {
		return nil, err
	}
	defer closeAll(files)
	child, err := c.program(int(reader.Fd()), int(writer.Fd()), files).Start(c.Flags)
	if err != nil {
		return nil, err
	}
	if err := m.write(child.PID); err != nil {
		child.Kill()
		return nil, err
	}
	if _, err := writer.Write([]byte{0}); err != nil {
		child.Kill()
		return nil, err
	}
	return child.Process()
}

// startPlain leaves all to Go, which writes the maps between fork and exec.
func (m Map) startPlain(c Command) (*os.Process, error) {
	attributes := &syscall.SysProcAttr{
		Cloneflags: c.Flags, Setsid: c.Session, Pdeathsig: syscall.SIGKILL,
		UidMappings: lines(m.UIDs), GidMappings: lines(m.GIDs),
	}
	if m.Foreign {
		attributes.GidMappingsEnableSetgroups = true
		attributes.Credential = &syscall.Credential{} // until then it is nobody inside
	}
	if c.Group != nil {
		attributes.UseCgroupFD, attributes.CgroupFD = true, int(c.Group.Fd())
	}
	return os.StartProcess(c.Path, c.Argv, &os.ProcAttr{Dir: "/", Env: c.Env, Files: c.Files, Sys: attributes})
}

func lines(maps []IDMap) []syscall.SysProcIDMap {
	var out []syscall.SysProcIDMap
	for _, m := range maps {
		out = append(out, syscall.SysProcIDMap{ContainerID: m.Inside, HostID: m.Outside, Size: m.Count})
	}
	return out
}

// program is what the child does: it waits to be mapped, and becomes the
// command.
func (c Command) program(pipe, other int, files []int) *fork.Program {
	p := fork.Waiting(pipe, other)
	p.Group = c.Group
	if c.Session {
		p.Add(fork.MustWork, "setsid()", syscall.SYS_SETSID)
	}
	p.Add(fork.MustWork, `chdir("/")`, syscall.SYS_CHDIR, p.Text("/"))
	for number, fd := range files {
		p.Add(fork.MustWork, "dup3("+strconv.Itoa(fd)+", "+strconv.Itoa(number)+", 0)", syscall.SYS_DUP3, uintptr(fd), uintptr(number), 0)
	}
	p.Add(fork.MustWork, "prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0)", syscall.SYS_PRCTL, kernel.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL))
	p.Add(fork.MustWork, "execve("+strconv.Quote(c.Path)+")", syscall.SYS_EXECVE, p.Text(c.Path), p.Vector(c.Argv), p.Vector(c.Env))
	return p
}

// lift copies descriptors to numbers above all that the child's will have, so
// that none is written over before it is copied to its place.
func lift(files []*os.File) ([]int, error) {
	var lifted []int
	for _, f := range files {
		fd, _, errno := syscall.Syscall(syscall.SYS_FCNTL, f.Fd(), syscall.F_DUPFD_CLOEXEC, uintptr(len(files)))
		if errno != 0 {
			closeAll(lifted)
			return nil, &fork.Refused{Call: "fcntl(" + f.Name() + ", F_DUPFD_CLOEXEC)", Errno: errno}
		}
		lifted = append(lifted, int(fd))
	}
	return lifted, nil
}

func closeAll(fds []int) {
	for _, fd := range fds {
		syscall.Close(fd)
	}
}

// Try has the helpers map the ids of a process that does nothing else, to see
// whether they may. An error is a *fork.Refused.
func (m Map) Try() error {
	reader, writer, err := os.Pipe()
	if err != nil {
		return err
	}
	defer reader.Close()
	defer writer.Close()
	p := fork.Waiting(int(reader.Fd()), int(writer.Fd()))
	p.Add(fork.MustWork, "exit_group(0)", syscall.SYS_EXIT_GROUP, 0)
	child, err := p.Start(syscall.CLONE_NEWUSER)
	if err != nil {
		return err
	}
	err = m.write(child.PID)
	child.Kill()
	return err
}
