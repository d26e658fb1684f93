package launch

import (
	"path/filepath"
	"slices"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// shiftedRoot puts the root together for root's sandbox with ids of its own.
// Its files stay as they are on the disk: what belongs to root there is shown
// as the sandbox's root's. That, and the overlay, is done by a thread of the
// supervisor that has joined init's mount namespace: init is nobody outside,
// and may not even look into the directories.
func (b *builder) shiftedRoot() error {
	overlays, err := spec.Overlays(b.spec)
	if err != nil {
		return err
	}
	b.actor = step.Supervisor
	var covers []step.MoveMount
	if len(overlays) == 0 {
		covers = append(covers, b.shift(b.spec.Root.Path, b.root, true))
	}
	for i, o := range overlays {
		overlays[i].Lower = slices.Clone(o.Lower)
		for j, dir := range o.Lower {
			overlays[i].Lower[j] = point(b.spec, dir)
			if !slices.ContainsFunc(covers, func(m step.MoveMount) bool { return m.Target == point(b.spec, dir) }) {
				covers = append(covers, b.shift(dir, point(b.spec, dir), false))
			}
		}
	}
	b.shiftVolumes()
	b.add("", "setns(2)", "Have a thread join init's mount namespace. It keeps root's rights, which init does not have.", &step.Setns{Kind: "mnt"})
	b.privateMounts()
	for _, m := range covers {
		b.add("mnt", "move_mount(2)", "Put the copy where the sandbox's root is put together from.", &m)
	}
	for _, o := range overlays {
		if err := b.overlay(o); err != nil {
			return err
		}
	}
	b.add("", "open(2)", "Init may not pass through the directories above the new root: open it for init.", &step.OpenDir{Tree: b.nextTree, Path: b.root})
	b.actor = step.InitActor
	b.newRoot = b.nextTree
	return nil
}

// standInRoot has init go where the supervisor has put the root together.
func (b *builder) standInRoot() {
	b.add("", "chdir(2)", "Stand in the new root, to mount the rest in it.", &step.Fchdir{Tree: b.newRoot})
	b.root = "."
}

// shift adds the step that copies a mount with owners shifted, and returns the
// one that puts the copy somewhere.
func (b *builder) shift(source, target string, recursive bool) step.MoveMount {
	op := &step.OpenTree{Tree: b.nextTree, Source: source, Recursive: recursive, NoDevices: true}
	b.nextTree++
	b.add("", "mount_setattr(2)", "Show "+source+" as if it belonged to the sandbox's users: no file is copied, none gets another owner on the disk.", op)
	return step.MoveMount{Tree: op.Tree, Target: target}
}

// point is where the shifted copy of a layer's directory is mounted: on the
// directory itself, in init's mount namespace only. Nothing can be mounted over
// the root of a mount namespace so that it is seen there.
func point(s *specs.Spec, dir string) string {
	if dir == "/" {
		return spec.HostPoint(s)
	}
	return dir
}

// shiftVolumes copies what is to be shown in the sandbox while the supervisor
// can still see it.
func (b *builder) shiftVolumes() {
	b.volumes = make(map[string]int)
	for _, m := range b.spec.Mounts {
		if m.Type == "bind" {
			b.volumes[m.Destination] = b.nextTree
			op := &step.OpenTree{Tree: b.nextTree, Source: m.Source, Recursive: true, ForInit: true}
			b.nextTree++
			b.add("", "mount_setattr(2)", "Show "+m.Source+" as if it belonged to the sandbox's users: what they write there belongs to nobody else's on the disk.", op)
		}
	}
}

// volume is a bind mount of which the supervisor has made a copy.
func (b *builder) volume(m *step.Mount) (*step.MoveMount, bool) {
	number, ok := b.volumes[m.Target]
	if !ok || m.Flags&syscall.MS_BIND == 0 {
		return nil, false
	}
	return &step.MoveMount{Tree: number, Root: m.Root, Target: filepath.Clean(m.Target), Links: m.Links, Create: m.Create, Flags: m.Flags &^ (syscall.MS_BIND | syscall.MS_REC)}, true
}
