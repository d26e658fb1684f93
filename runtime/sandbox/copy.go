package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

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
	tmpfsMagic = 0x01021994
)

// overlayRefused says why no overlay can be mounted with its layers in the data
// directory; "" where it can. On the usual filesystems that is not tried.
func (s *Store) overlayRefused() string {
	var stat syscall.Statfs_t
	data, err := s.Data, syscall.Statfs(s.Data, &stat)
	for err == syscall.ENOENT && data != "/" { // nothing was made yet
		data = filepath.Dir(data)
		err = syscall.Statfs(data, &stat)
	}
	if err != nil {
		return "" // the launch says why
	}
	switch stat.Type {
	case ext4Magic, xfsMagic, btrfsMagic:
		return ""
	case tmpfsMagic:
		if caller().Privileged || keepsUserAttributes(data) {
			return ""
		}
	}
	if err := doctor.TryOverlay(data); err != nil {
		return rootfs.Visible(err.Error())
	}
	return ""
}

// keepsUserAttributes tells whether files in a directory can have extended
// attributes of users, by which an overlay without root notes what is gone. On
// tmpfs that is so since Linux 6.6.
func keepsUserAttributes(dir string) bool {
	file, err := os.OpenFile(dir, unix.O_TMPFILE|os.O_RDWR, 0o600)
	if err != nil {
		return false
	}
	defer file.Close()
	return unix.Fsetxattr(int(file.Fd()), "user.overlay.opaque", []byte("y"), 0) == nil
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
