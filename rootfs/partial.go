package rootfs

import (
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// Partial is as much of a blob as has come from a registry: DATA/partial/HEX. It outlives the command
// that fetched it, so that the next one can go on from there.
type Partial struct {
	file lock
	size int64
}

// leftAlone is how long a partial blob waits for somebody to go on with it, and an old view of this
// machine for somebody to use it again.
const leftAlone = 24 * time.Hour

func (c *Catalogue) partialDir() string { return filepath.Join(c.dataDir, "partial") }

// OpenPartial returns what there is of a blob, or a new, empty partial. It is nil where nothing can be
// kept, which is no reason to do without the blob: somebody else is fetching it at the same time, or
// the disk is full.
func (c *Catalogue) OpenPartial(digest string) *Partial {
	if !isDigest(digest) || makePrivate(c.dataDir, "partial") != nil {
		return nil
	}
	path := filepath.Join(c.partialDir(), strings.TrimPrefix(digest, "sha256:"))
	file, err := lockFile(path, unix.LOCK_EX|unix.LOCK_NB)
	if err != nil {
		return nil
	}
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil
	}
	return &Partial{file, info.Size()}
}

// Size is how much there is, in bytes.
func (p *Partial) Size() int64 { return p.size }

// ReadAt reads what there is.
func (p *Partial) ReadAt(b []byte, offset int64) (int, error) { return p.file.ReadAt(b, offset) }

// Append adds what came next.
func (p *Partial) Append(b []byte) error {
	n, err := p.file.WriteAt(b, p.size)
	p.size += int64(n)
	return err
}

// Keep leaves it for a later command.
func (p *Partial) Keep() {
	if p.size == 0 {
		p.Remove()
		return
	}
	p.file.Close()
}

// Remove deletes it.
func (p *Partial) Remove() {
	os.Remove(p.file.Name())
	p.file.Close()
}

// clearPartials removes the partial blobs of that age that nobody is fetching.
func (c *Catalogue) clearPartials(age time.Duration) int {
	entries, err := os.ReadDir(c.partialDir())
	if err != nil {
		return 0
	}
	cleared := 0
	for _, entry := range entries {
		if info, err := entry.Info(); err != nil || time.Since(info.ModTime()) < age {
			continue
		}
		path := filepath.Join(c.partialDir(), entry.Name())
		file, err := lockFile(path, unix.LOCK_EX|unix.LOCK_NB)
		if err != nil {
			continue
		}
		if os.Remove(path) == nil {
			cleared++
		}
		file.Close()
	}
	return cleared
}
