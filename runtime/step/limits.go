package step

import (
	"os"
	"strconv"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Rlimit is one limit on what a process may use, see getrlimit(2). Unlimited
// is kernel.Unlimited.
type Rlimit struct {
	Name string `json:"name"` // "RLIMIT_NOFILE"
	Soft uint64 `json:"soft"`
	Hard uint64 `json:"hard"`
}

func (r Rlimit) String() string { return limitText(r.Soft) + ", at most " + limitText(r.Hard) }

func limitText(n uint64) string {
	if n == kernel.Unlimited {
		return "unlimited"
	}
	return strconv.FormatUint(n, 10)
}

// Rlimits sets limits for this process and those it starts. A hard limit
// above the one it has needs CAP_SYS_RESOURCE in the initial user namespace:
// without it the limit stays where it is, and the trace says so.
type Rlimits struct {
	Limits []Rlimit `json:"limits"`
}

func (r *Rlimits) size() int { return len(r.Limits) }

// Calls implements Op.
func (r *Rlimits) Calls() []Call {
	calls := make([]Call, len(r.Limits))
	for i, limit := range r.Limits {
		calls[i] = setLimit(limit)
	}
	return calls
}

func setLimit(r Rlimit) Call {
	number := func(n uint64) string {
		if n == kernel.Unlimited {
			return "RLIM_INFINITY"
		}
		return limitText(n)
	}
	return call("setrlimit", raw(r.Name), raw("{"+number(r.Soft)+", "+number(r.Hard)+"}"))
}

// Changes implements Op: what the limits have become, Do finds out.
func (r *Rlimits) Changes() []observe.Change { return nil }

// Do implements Op.
func (r *Rlimits) Do(w *World) error {
	for _, limit := range r.Limits {
		change, err := limit.set()
		if err != nil {
			return failed(setLimit(limit), err)
		}
		w.changed = append(w.changed, change)
	}
	return nil
}

func (r Rlimit) set() (observe.Change, error) {
	change := observe.Change{Kind: "resource limit", Name: r.Name, After: r.String()}
	number, ok := kernel.RlimitNumber(r.Name)
	if !ok {
		return change, syscall.EINVAL
	}
	_, highest, err := kernel.Getrlimit(number)
	if err == nil {
		err = kernel.Setrlimit(number, r.Soft, r.Hard)
	}
	if err == syscall.EPERM && r.Hard > highest {
		kept := Rlimit{r.Name, min(r.Soft, highest), highest}
		change.After = kept.String() + ": more was refused, it needs CAP_SYS_RESOURCE"
		err = kernel.Setrlimit(number, kept.Soft, kept.Hard)
	}
	return change, err
}

// OOMScore makes the kernel choose the sandbox's processes before others when
// memory runs out; see oom_score_adj in proc_pid_oom_score_adj(5).
type OOMScore struct {
	Adjust int `json:"adjust"` // thousandths of the memory there is, -1000 to 1000
}

// OOMScoreFile is the file, in the directory of the process below /proc.
const OOMScoreFile = "oom_score_adj"

// Calls implements Op.
func (o *OOMScore) Calls() []Call {
	return []Call{
		call("write", "/proc/PID/"+OOMScoreFile, strconv.Itoa(o.Adjust)),
		call("fstatfs", raw("proc"), raw("&fs")).when("it is a procfs"),
	}
}

// Changes implements Op.
func (o *OOMScore) Changes() []observe.Change {
	return []observe.Change{{Kind: "oom score", After: strconv.Itoa(o.Adjust) + " more"}}
}

// Do implements Op: the supervisor does it, for what one with CAP_SYS_RESOURCE
// writes the sandbox may not go below.
func (o *OOMScore) Do(w *World) error {
	return failed(o.Calls()[0], kernel.WriteProc(strconv.Itoa(w.child.Pid)+"/"+OOMScoreFile, strconv.Itoa(o.Adjust)))
}

// Keyring gives the program a session keyring of its own, so that the keys of
// who launched it are not found in its; see session-keyring(7). An ordinary
// user has few keys, by default as many as 200 sandboxes use up: where a filter
// refuses all calls that use keys, the program then does without.
type Keyring struct {
	Filtered bool `json:"filtered,omitempty"`
}

// Calls implements Op.
func (*Keyring) Calls() []Call {
	return []Call{call("keyctl", raw("KEYCTL_JOIN_SESSION_KEYRING"), null)}
}

// Changes implements Op: whether there are keyrings, Do finds out.
func (*Keyring) Changes() []observe.Change { return nil }

// Do implements Op.
func (k *Keyring) Do(w *World) error {
	change := observe.Change{Kind: "session keyring", After: "a new one"}
	err := kernel.JoinSessionKeyring()
	if err == syscall.ENOSYS { // without keys there are none to be found
		change.After, err = "none: this kernel has no keys", nil
	}
	if err == syscall.EDQUOT && k.Filtered {
		change.After, err = "the old one: "+usedUp()+"; the filter lets no program use it", nil
	}
	w.changed = append(w.changed, change)
	return failed(k.Calls()[0], err)
}

func (k *Keyring) explain(refused *CallError) string {
	if refused.Errno == syscall.EDQUOT {
		return usedUp()
	}
	return ""
}

func usedUp() string {
	name := "kernel.keys.maxkeys"
	if os.Geteuid() == 0 && !inUserNamespace() {
		name = "kernel.keys.root_maxkeys"
	}
	return "this user has as many keys as " + name + " allows, " + sysctl(name)
}
