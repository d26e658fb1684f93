package step

import (
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// KeepCapabilities lets the capabilities outlive the change to another user,
// for a Capabilities step that follows; see PR_SET_KEEPCAPS in prctl(2).
type KeepCapabilities struct{}

// Calls implements Op.
func (*KeepCapabilities) Calls() []Call {
	return []Call{call("prctl", raw("PR_SET_KEEPCAPS"), 1, 0, 0, 0)}
}

// Changes implements Op.
func (*KeepCapabilities) Changes() []observe.Change { return nil }

// Do implements Op.
func (k *KeepCapabilities) Do(*World) error {
	return failed(k.Calls()[0], kernel.Prctl(kernel.PR_SET_KEEPCAPS, 1))
}

// Capabilities sets what the program begins with, within the bounding set.
type Capabilities struct {
	Effective   []string `json:"effective,omitempty"`
	Permitted   []string `json:"permitted,omitempty"`
	Inheritable []string `json:"inheritable,omitempty"`
	Ambient     []string `json:"ambient,omitempty"`
}

// Calls implements Op.
func (c *Capabilities) Calls() []Call {
	calls := []Call{c.set()}
	for _, name := range c.Ambient {
		calls = append(calls, raiseAmbient(name))
	}
	return calls
}

func (c *Capabilities) set() Call {
	return call("capset", raw("header"), raw("{effective: "+setText(c.Effective)+", permitted: "+setText(c.Permitted)+", inheritable: "+setText(c.Inheritable)+"}"))
}

func raiseAmbient(name string) Call {
	return call("prctl", raw("PR_CAP_AMBIENT"), raw("PR_CAP_AMBIENT_RAISE"), raw(name), 0, 0)
}

// setText is a set as C has it.
func setText(names []string) string {
	if len(names) == 0 {
		return "0"
	}
	return strings.Join(names, "|")
}

// Changes implements Op.
func (c *Capabilities) Changes() []observe.Change {
	return []observe.Change{{Kind: "capabilities", After: strings.Join(c.Effective, " ")}}
}

// Do implements Op.
func (c *Capabilities) Do(*World) error {
	if err := kernel.Capset(mask(c.Effective), mask(c.Permitted), mask(c.Inheritable)); err != nil {
		return failed(c.set(), err)
	}
	for _, name := range c.Ambient {
		number, _ := kernel.CapabilityNumber(name)
		if err := kernel.Prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_RAISE, uintptr(number)); err != nil {
			return failed(raiseAmbient(name), err)
		}
	}
	return nil
}

func mask(names []string) (bits uint64) {
	for _, name := range names {
		if number, known := kernel.CapabilityNumber(name); known {
			bits |= 1 << number
		}
	}
	return bits
}

// Sysctl sets a parameter of the kernel that belongs to a namespace; see
// sysctl(8).
type Sysctl struct {
	Name  string `json:"name"` // with dots
	Value string `json:"value"`
}

func (s *Sysctl) file() string { return "sys/" + strings.ReplaceAll(s.Name, ".", "/") }

// Calls implements Op.
func (s *Sysctl) Calls() []Call {
	return []Call{
		call("write", "/proc/"+s.file(), s.Value),
		call("fstatfs", raw("proc"), raw("&fs")).when("it is a procfs"),
	}
}

// Changes implements Op.
func (s *Sysctl) Changes() []observe.Change {
	return []observe.Change{{Kind: "sysctl", Name: s.Name, After: s.Value}}
}

// Do implements Op. A file there shows the namespace of who opens it.
func (s *Sysctl) Do(*World) error {
	return failed(s.Calls()[0], kernel.WriteProc(s.file(), s.Value))
}

func (s *Sysctl) explain(refused *CallError) string {
	switch refused.Errno {
	case syscall.ENOENT:
		return "this kernel has no " + s.Name
	case syscall.EINVAL:
		return quote(s.Value) + " is no value for it"
	}
	return ""
}
