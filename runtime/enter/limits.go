package enter

import (
	"os"
	"strconv"
	"syscall"
	"unsafe"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
)

const oomScoreFile = "self/" + step.OOMScoreFile

// oomScore writes the score while the host's /proc is still there; proc is
// that, see kernel.OpenProc.
func (c Command) oomScore(p *program, proc *os.File) {
	if c.OOMScore == nil {
		return
	}
	score := strconv.Itoa(*c.OOMScore)
	p.Add(fork.MustWork, "openat(proc, "+strconv.Quote(oomScoreFile)+", O_WRONLY)", syscall.SYS_OPENAT,
		proc.Fd(), p.Text(oomScoreFile), syscall.O_WRONLY|syscall.O_CLOEXEC)
	p.Last().Feeds, p.Last().Fed = len(p.Calls)+1, 1
	p.Add(fork.MustWork, "write(oom_score_adj, "+strconv.Quote(score)+")", syscall.SYS_WRITE, 0, p.Text(score), uintptr(len(score)))
	p.Add(fork.MustWork, "close(proc)", syscall.SYS_CLOSE, proc.Fd()) // it leads out of the sandbox
}

// limits sets resource limits as step.Rlimits does: where a raise is refused,
// the hard limit stays.
func (c Command) limits(p *program) {
	for _, limit := range c.Limits {
		number, ok := kernel.RlimitNumber(limit.Name)
		_, highest, err := kernel.Getrlimit(number)
		if !ok || err != nil {
			continue // init has refused it already
		}
		p.setLimit(fork.MayFail, number, limit.Soft, limit.Hard)
		wanted := len(p.Calls)
		p.setLimit(fork.MustWork, number, min(limit.Soft, highest), min(limit.Hard, highest))
		p.Last().Unless = wanted
	}
}

func (p *program) setLimit(f fork.Flow, number int, soft, hard uint64) {
	limit := &syscall.Rlimit{Cur: soft, Max: hard}
	p.Keep(limit)
	p.Add(f, "setrlimit("+kernel.Rlimits()[number]+")", syscall.SYS_SETRLIMIT, uintptr(number), uintptr(unsafe.Pointer(limit)))
}

// keyring starts a session keyring, where the kernel has such. With a filter
// the program can use no keys anyway, and need not have one; see step.Keyring.
func (c Command) keyring(p *program) {
	flow := fork.MustWork
	if len(c.Filter) > 0 {
		flow = fork.MayFail
	}
	if c.Keyring && kernel.HasKeyrings() {
		p.Add(flow, "keyctl(KEYCTL_JOIN_SESSION_KEYRING, NULL)", syscall.SYS_KEYCTL, kernel.KEYCTL_JOIN_SESSION_KEYRING, 0)
	}
}

// keep leaves root only those capabilities that it will have as the program:
// none but what is kept, and none to inherit, which it would be given beyond
// the bounding set; see capabilities(7). Another user has none by now.
func (c Command) keep(p *program) {
	_, has, _, err := kernel.Capget()
	if err != nil || c.Keep == nil || c.Identity.UID != 0 && !c.KeepUser {
		return
	}
	for _, n := range c.Namespaces {
		if n.Kind.Name == "user" {
			has = ^uint64(0) // in a user namespace, who joins it has all
		}
	}
	var kept uint64
	for _, name := range c.Keep {
		if number, ok := kernel.CapabilityNumber(name); ok {
			kept |= has & (1 << number)
		}
	}
	header, data := kernel.CapabilitySets(kept, kept, 0)
	p.Keep(header)
	p.Keep(data)
	p.Add(fork.MustWork, "capset(header, {effective and permitted: what is kept, inheritable: 0})", syscall.SYS_CAPSET, uintptr(unsafe.Pointer(header)), uintptr(unsafe.Pointer(data)))
}
