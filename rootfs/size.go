package rootfs

import (
	"context"
	"io/fs"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Size is the function [Size] for a directory in which files may belong to subordinate ids.
func (c *Catalogue) Size(ctx context.Context, path string) (n int64, err error) {
	ids, ok := c.subordinate()
	if !ok || !ours(path) {
		return Size(ctx, path)
	}
	err = apart{task: taskSize, args: path}.do(ctx, ids, &n)
	return n, err
}

// Size returns how many bytes of disk a directory tree takes, with files of several names counted
// once. It reads every directory, so it is for one root filesystem that somebody looks at, not for a
// list. What is mounted below, or cannot be read, is not in it.
func Size(ctx context.Context, path string) (int64, error) {
	type identity struct{ dev, ino uint64 }
	seen := map[identity]bool{}
	var top unix.Stat_t
	if err := unix.Stat(path, &top); err != nil {
		return 0, fail("measure", quote(path), err)
	}
	var total int64
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		var st unix.Stat_t
		if err != nil || unix.Lstat(name, &st) != nil {
			return nil
		}
		if st.Dev != top.Dev {
			return skip(entry)
		}
		id := identity{uint64(st.Dev), st.Ino}
		if st.Nlink > 1 && !entry.IsDir() && seen[id] {
			return nil
		}
		seen[id] = true
		total += st.Blocks * 512
		return nil
	})
	return total, err
}
