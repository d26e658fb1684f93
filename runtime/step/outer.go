package step

import (
	"runtime"
	"strings"
	"syscall"
	"unsafe"

	"aquarium/runtime/observe"
)

// Outer puts the supervisor's launching thread into a mount namespace of its
// own, from which init's will be copied: a launch in which steps are left out
// on purpose can do no harm there. Nothing that is mounted reaches the host, no
// file of the host's can be written and no device opened, but what is mounted
// inside shows in the outer namespace, so that a leak can be seen. Sockets,
// pipes and /proc are open as ever: Unskippable keeps the program from them.
type Outer struct {
	Writable []string `json:"writable"` // directories that stay so
}

// mount_setattr(2) and its struct mount_attr, since Linux 5.12.
const (
	sysMountSetattr = 442
	atRecursive     = 0x8000
	attrReadOnly    = 0x1 // MOUNT_ATTR_RDONLY
	attrNoDev       = 0x4 // MOUNT_ATTR_NODEV
)

type mountAttr struct{ set, clear, propagation, userns uint64 }

var (
	unshareMounts = call("unshare", raw("CLONE_NEWNS"))
	forbidAll     = call("mount_setattr", raw("AT_FDCWD"), "/", raw("AT_RECURSIVE"), raw("{attr_set: MOUNT_ATTR_RDONLY|MOUNT_ATTR_NODEV}"))
	cutOff        = &Mount{Target: "/", Flags: syscall.MS_REC | syscall.MS_PRIVATE}
	shareAgain    = &Mount{Target: "/", Flags: syscall.MS_REC | syscall.MS_SHARED}
)

func (o *Outer) bind(dir string) *Mount {
	return &Mount{Source: dir, Target: dir, Flags: syscall.MS_BIND | syscall.MS_REC}
}

func allow(dir string) Call {
	return call("mount_setattr", raw("AT_FDCWD"), dir, 0, raw("{attr_clr: MOUNT_ATTR_RDONLY}"))
}

// Calls implements Op.
func (o *Outer) Calls() []Call {
	calls := []Call{unshareMounts, cutOff.render(cutOff.Flags)}
	for _, dir := range o.Writable {
		calls = append(calls, o.bind(dir).render(syscall.MS_BIND|syscall.MS_REC))
	}
	calls = append(calls, forbidAll)
	for _, dir := range o.Writable {
		calls = append(calls, allow(dir))
	}
	return append(calls, shareAgain.render(shareAgain.Flags).when("with nobody yet but the copies that come"))
}

// Changes implements Op.
func (o *Outer) Changes() []observe.Change {
	return []observe.Change{
		{Kind: "namespace", Name: "mnt", After: "the outer one"},
		{Kind: "mount options", Name: "/", After: "read-only and without devices, with all below but " + strings.Join(o.Writable, ", ")},
	}
}

// Do implements Op. It must run on a thread that is locked and kept.
func (o *Outer) Do(w *World) error {
	if err := syscall.Unshare(syscall.CLONE_NEWNS); err != nil {
		return failed(unshareMounts, err)
	}
	if err := cutOff.Do(w); err != nil {
		return err
	}
	for _, dir := range o.Writable {
		if err := o.bind(dir).Do(w); err != nil {
			return err
		}
	}
	if err := setattr("/", atRecursive, mountAttr{set: attrReadOnly | attrNoDev}); err != nil {
		return failed(forbidAll, err)
	}
	for _, dir := range o.Writable {
		if err := setattr(dir, 0, mountAttr{clear: attrReadOnly}); err != nil {
			return failed(allow(dir), err)
		}
	}
	return shareAgain.Do(w)
}

func setattr(path string, flags uintptr, attr mountAttr) error {
	p, err := syscall.BytePtrFromString(path)
	if err != nil {
		return err
	}
	const atFDCWD = ^uintptr(99) // AT_FDCWD, -100
	_, _, errno := syscall.Syscall6(sysMountSetattr, atFDCWD, uintptr(unsafe.Pointer(p)), flags, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr), 0)
	if errno != 0 {
		return errno
	}
	return nil
}

func (o *Outer) explain(refused *CallError) string {
	switch refused.Errno {
	case syscall.EPERM:
		return missing("CAP_SYS_ADMIN")
	case syscall.ENOSYS:
		return "this kernel is older than 5.12"
	}
	return ""
}

// thread is one that does what it is given and is never used for anything
// else: what it unshares is nobody else's, and as the parent of init
// (PR_SET_PDEATHSIG) it must not end.
type thread struct {
	work chan func()
	id   int // see gettid(2)
}

func newThread() *thread {
	t := &thread{work: make(chan func())}
	started := make(chan struct{})
	go func() {
		runtime.LockOSThread()
		t.id = syscall.Gettid()
		close(started)
		for do := range t.work {
			do()
		}
	}()
	<-started
	return t
}

func (t *thread) do(f func()) {
	done := make(chan struct{})
	t.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// end ends the thread, which lets go of its namespaces.
func (t *thread) end() { close(t.work) }
