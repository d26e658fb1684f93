package sandbox

import (
	"context"
	"os"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/rootfs"
	"aquarium/runtime/doctor"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// Filesystems on which overlays can be mounted, with and without root, by
// their numbers in statfs(2).
const (
	ext4Magic  = 0xef53
	xfsMagic   = 0x58465342
	btrfsMagic = 0x9123683e
)

// overlayRefused says why no overlay can be mounted with its layers in the data
// directory; "" where it can. On the usual filesystems that is not tried.
func (s *Store) overlayRefused() string {
	var stat syscall.Statfs_t
	if err := syscall.Statfs(s.Data, &stat); err != nil {
		return "" // the launch says why
	}
	switch stat.Type {
	case ext4Magic, xfsMagic, btrfsMagic:
		return ""
	}
	if err := doctor.TryOverlay(s.Data); err != nil {
		return rootfs.Visible(err.Error())
	}
	return ""
}

// copyRoot makes a copy of the rootfs for a sandbox that cannot have layers.
func (s *Store) copyRoot(st supervisor.State, config *specs.Spec) error {
	copied, err := spec.Copied(config)
	if err != nil || len(copied) == 0 {
		return err
	}
	if err := os.Mkdir(config.Root.Path, 0o755); err != nil {
		return err
	}
	var overlays []rootfs.Overlay
	for _, o := range copied {
		overlays = append(overlays, rootfs.Overlay{Dest: o.Dest, Lower: o.Lower})
	}
	return s.Catalogue.Copy(context.Background(), overlays, config.Root.Path, st.IDs)
}
