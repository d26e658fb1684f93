package launch

import (
	"fmt"
	"maps"
	"slices"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// What only a bundle of somebody's says.

// rootOverlay is the overlay that a bundle mounts over its root.
func rootOverlay(s *specs.Spec) (specs.Mount, bool) {
	if !spec.FromBundle(s) || len(s.Mounts) == 0 || s.Mounts[0].Destination != "/" {
		return specs.Mount{}, false
	}
	return s.Mounts[0], true
}

func (b *builder) bundleOverlay(m specs.Mount) error {
	b.root = b.spec.Root.Path
	op, err := b.mount(m)
	if err != nil {
		return err
	}
	op.Root, op.Target = "", b.root
	op.Flags |= noDevices
	b.add("mnt", "mount(2)", "Put the layers that the bundle names together, as the new root.", op)
	return nil
}

// sysctls sets the parameters that a bundle asks for, of namespaces of the
// sandbox's own.
func (b *builder) sysctls() {
	for _, name := range slices.Sorted(maps.Keys(b.spec.Linux.Sysctl)) {
		b.add("", "sysctl(8)", "The bundle wants it so, for a namespace of the sandbox's own.", &step.Sysctl{Name: name, Value: b.spec.Linux.Sysctl[name]})
	}
}

func umask(u specs.User) uint32 {
	if u.Umask != nil {
		return *u.Umask
	}
	return 0o022
}

// user has init become the program's user. A bundle means its numbers and its
// sets of capabilities exactly.
func (b *builder) user() {
	p := b.spec.Process
	op := &step.User{Spec: UserSpec(b.spec), Ungrouped: singleID(b.spec), Terminal: p.Terminal}
	if !spec.FromBundle(b.spec) || p.User.Username != "" {
		b.add("", "credentials(7)", "Become the program's user.", op)
		return
	}
	op.Exactly, op.Groups = true, groups32(p.User.AdditionalGids)
	if p.User.UID != 0 {
		b.add("", "prctl(2)", "Keep the capabilities when becoming another user, until they are set.", &step.KeepCapabilities{})
	}
	b.add("", "credentials(7)", "Become the program's user.", op)
	b.add("", "capabilities(7)", "Begin with the capabilities that the bundle names.", &step.Capabilities{
		Effective: p.Capabilities.Effective, Permitted: p.Capabilities.Permitted, Inheritable: p.Capabilities.Inheritable, Ambient: p.Capabilities.Ambient})
}

func groups32(ids []uint32) []int {
	list := make([]int, len(ids))
	for i, id := range ids {
		list[i] = int(id)
	}
	return list
}

// UserSpec is the user as `--user` takes it: OCI keeps numbers, Username what
// the sandbox's own /etc/passwd has to say.
func UserSpec(s *specs.Spec) string {
	u := s.Process.User
	if u.Username != "" || u.UID == 0 && u.GID == 0 && !spec.FromBundle(s) {
		return u.Username
	}
	return fmt.Sprintf("%d:%d", u.UID, u.GID)
}
