package unpack

import (
	"fmt"
	"maps"
	"slices"
)

// maxImplied bounds what the names of directories that an archive does not list may take, in bytes.
const maxImplied = 8 << 20

// implied are the directories that an archive puts something into and has not listed, so far.
type implied struct {
	dirs map[string]bool
	size int
}

func newImplied() implied { return implied{dirs: map[string]bool{"": true}} }

func (i *implied) add(dir string) error {
	if i.size += len(dir); i.size > maxImplied {
		return fmt.Errorf("too many directories are not listed: %w", ErrTooMuch)
	}
	i.dirs[dir] = true
	return nil
}

func (i *implied) listed(dir string) { delete(i.dirs, dir) }

// list returns them sorted.
func (i *implied) list() [][]byte {
	var list [][]byte
	for _, dir := range slices.Sorted(maps.Keys(i.dirs)) {
		list = append(list, []byte(dir))
	}
	return list
}
