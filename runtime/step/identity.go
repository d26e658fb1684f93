package step

import (
	"slices"
	"strconv"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

func octal(mode uint32) raw { return raw("0" + strconv.FormatUint(uint64(mode), 8)) }

// Sethostname is sethostname(2).
type Sethostname struct {
	Name string `json:"name"`
}

// Calls implements Op.
func (s *Sethostname) Calls() []Call { return []Call{call("sethostname", s.Name, len(s.Name))} }

// Changes implements Op.
func (s *Sethostname) Changes() []observe.Change {
	return []observe.Change{{Kind: "hostname", After: s.Name}}
}

// Do implements Op.
func (s *Sethostname) Do(*World) error {
	return failed(s.Calls()[0], syscall.Sethostname([]byte(s.Name)))
}

// LinkUp sets a network interface up; see netdevice(7).
type LinkUp struct {
	Name string `json:"name"`
}

// Calls implements Op.
func (l *LinkUp) Calls() []Call {
	return []Call{
		call("ioctl", raw("sock"), raw("SIOCSIFFLAGS"), raw("{"+strconv.Quote(l.Name)+", IFF_UP|IFF_RUNNING}")),
		call("socket", raw("AF_INET"), raw("SOCK_DGRAM"), 0).when("sock, to name the network namespace by"),
	}
}

// Changes implements Op.
func (l *LinkUp) Changes() []observe.Change {
	return []observe.Change{{Kind: "interface", Name: l.Name, After: "up"}}
}

// Do implements Op.
func (l *LinkUp) Do(*World) error {
	sock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return failed(l.Calls()[1], err)
	}
	defer syscall.Close(sock)
	var request struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		flags uint16
		_     [22]byte
	}
	copy(request.name[:syscall.IFNAMSIZ-1], l.Name)
	request.flags = syscall.IFF_UP | syscall.IFF_RUNNING
	return failed(l.Calls()[0], kernel.Ioctl(sock, syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))))
}

// Umask is umask(2).
type Umask struct {
	Mask uint32 `json:"mask"`
}

// Calls implements Op.
func (u *Umask) Calls() []Call { return []Call{call("umask", octal(u.Mask))} }

// Changes implements Op.
func (u *Umask) Changes() []observe.Change {
	return []observe.Change{{Kind: "umask", After: string(octal(u.Mask))}}
}

// Do implements Op.
func (u *Umask) Do(*World) error {
	syscall.Umask(int(u.Mask))
	return nil
}

// Bounding drops every capability that is not in Keep from the bounding set,
// and clears the inheritable and ambient sets; see capabilities(7).
type Bounding struct {
	Keep []string `json:"keep"`
}

// Calls implements Op.
func (b *Bounding) Calls() []Call {
	var calls []Call
	for _, name := range b.dropped() {
		calls = append(calls, dropCapability(name))
	}
	return append(calls, clearAmbient, clearInheritable)
}

func dropCapability(name string) Call { return call("prctl", raw("PR_CAPBSET_DROP"), raw(name)) }

var (
	clearAmbient     = call("prctl", raw("PR_CAP_AMBIENT"), raw("PR_CAP_AMBIENT_CLEAR_ALL"), 0, 0, 0)
	clearInheritable = call("capset", raw("header"), raw("{effective, permitted, inheritable: 0}"))
)

// Changes implements Op.
func (b *Bounding) Changes() []observe.Change {
	return []observe.Change{{Kind: "bounding capabilities", After: strings.Join(b.Keep, " ")}}
}

func (b *Bounding) dropped() []string {
	var out []string
	for _, name := range kernel.Capabilities() {
		if !slices.Contains(b.Keep, name) {
			out = append(out, name)
		}
	}
	return out
}

// Do implements Op.
func (b *Bounding) Do(*World) error {
	for _, name := range b.dropped() {
		number, _ := kernel.CapabilityNumber(name)
		err := kernel.Prctl(kernel.PR_CAPBSET_DROP, uintptr(number))
		if err == syscall.EINVAL { // a capability that this kernel does not know yet
			continue
		}
		if err != nil {
			return failed(dropCapability(name), err)
		}
	}
	if err := kernel.Prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL); err != nil {
		return failed(clearAmbient, err)
	}
	effective, permitted, _, err := kernel.Capget()
	if err == nil {
		err = kernel.Capset(effective, permitted, 0)
	}
	return failed(clearInheritable, err)
}

// NoNewPrivs sets no_new_privs; see prctl(2).
type NoNewPrivs struct{}

// Calls implements Op.
func (*NoNewPrivs) Calls() []Call {
	return []Call{call("prctl", raw("PR_SET_NO_NEW_PRIVS"), 1, 0, 0, 0)}
}

// Changes implements Op.
func (*NoNewPrivs) Changes() []observe.Change {
	return []observe.Change{{Kind: "no_new_privs", After: "on"}}
}

// Do implements Op.
func (n *NoNewPrivs) Do(*World) error {
	return failed(n.Calls()[0], kernel.Prctl(kernel.PR_SET_NO_NEW_PRIVS, 1))
}
