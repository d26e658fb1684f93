package step

import (
	"reflect"
	"testing"
)

// TestWhatMayBeLeftOut goes through every operation there is, in a launch
// what-if and in another one. Without a word here an operation may not be left
// out; one that is new is to be thought about.
func TestWhatMayBeLeftOut(t *testing.T) {
	t.Parallel()
	const (
		furniture = ""
		host      = "it keeps what goes wrong from the host"
		limits    = "it keeps what goes wrong from the neighbours"
		nothing   = "there would be nothing to launch"
		noRoot    = "init would not find its root"
		tree      = "the program would reach the host's tree, where sockets, pipes and /proc lead out of the outer mount namespace"
		kernel    = "the program would reach the host's kernel by its files"
		rights    = "with every capability the program could leave the outer mount namespace"
		keys      = "the program would have the keys of who launches it"
		foreign   = "it is for what a launch that may go wrong does not have"
	)
	want := map[Op]string{
		&Outer{}: host, &Adopt{}: "what the program leaves behind would run on", &Cgroup{}: limits, &OOMScore{}: limits, &Rlimits{}: limits,
		&Clone{}: nothing, &Exec{}: nothing, &Reap{}: nothing,
		&OpenTree{}: noRoot, &Setns{}: noRoot, &MoveMount{}: noRoot, &OpenDir{}: noRoot, &Fchdir{}: noRoot,
		&Chdir{}: tree, &Chroot{}: tree, &PivotRoot{}: tree, &Umount{}: tree,
		&Mask{}: kernel, &ReadOnly{}: kernel,
		&Bounding{}: rights, &KeepCapabilities{}: rights, &Capabilities{}: rights,
		&Keyring{}: keys, &Seccomp{}: keys,
		&Bridge{}: foreign, &Forward{}: foreign, &Masquerade{}: foreign, &Veth{}: foreign, &Address{}: foreign, &Gateway{}: foreign, &Sysctl{}: foreign,
		&Unshare{}: furniture, &Mount{}: furniture, &Overlay{}: furniture, &Hierarchies{}: furniture, &MountAttributes{}: furniture, &Mkdir{}: furniture,
		&BindDevices{}: furniture, &Symlink{}: furniture, &Console{}: furniture, &Sethostname{}: furniture, &LinkUp{}: furniture,
		&Umask{}: furniture, &Workdir{}: furniture, &User{}: furniture, &NoNewPrivs{}: furniture,
	}
	thought := make(map[reflect.Type]bool)
	for op, why := range want {
		thought[reflect.TypeOf(op)] = true
		if got := (Plan{Steps: []Step{{Op: &Outer{}}, {Op: op}}}).Unskippable(1); got != why {
			t.Errorf("%T in a launch what-if: %q, want %q", op, got, why)
		}
		if got := (Plan{Steps: []Step{{Op: &Clone{}}, {Op: op}}}).Unskippable(1); got == "" {
			t.Errorf("%T may be left out of a launch that is none what-if", op)
		}
	}
	for _, op := range operations {
		if !thought[reflect.TypeOf(op)] {
			t.Errorf("nobody has thought about whether %T may be left out", op)
		}
	}
	for _, index := range []int{-1, 2} {
		if got := (Plan{Steps: []Step{{Op: &Outer{}}, {Op: &Mount{}}}}).Unskippable(index); got != "there is no such step" {
			t.Errorf("step %d: %q", index, got)
		}
	}
}
