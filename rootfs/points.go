package rootfs

import (
	"path"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/stack"
)

// points are where a launch mounts something, and the directories above.
type points struct{ at, above map[string]bool }

func newPoints(list []string) points {
	p := points{map[string]bool{}, map[string]bool{}}
	for _, point := range list {
		point = path.Join("/", point)
		p.at[point] = true
		for dir := path.Dir(point); !p.above[dir]; dir = path.Dir(dir) {
			p.above[dir] = true
		}
	}
	return p
}

// isPoint tells whether a file that was not there before is what a launch makes to mount on: an empty
// directory or an empty file.
func (c *comparison) isPoint(name string, st *unix.Stat_t) bool {
	if !c.points.at[path.Join("/", c.dest, name)] {
		return false
	}
	empty := false
	switch st.Mode & unix.S_IFMT {
	case unix.S_IFDIR:
		names, err := c.upper.ReadDir(name)
		empty = err == nil && len(names) == 0
	case unix.S_IFREG:
		empty = st.Size == 0
	}
	if empty {
		c.made = append(c.made, name)
	}
	return empty
}

// forget takes a directory back, whose change was the last of so many, if it is one only because of a
// mount point in it.
func (c *comparison) forget(count int, name string, st *unix.Stat_t, was *stack.Entry) {
	if len(c.changes) == count && c.points.above[path.Join("/", c.dest, name)] && (was == nil || !c.differs(st, was)) {
		c.changes = c.changes[:count-1]
		if was == nil {
			c.made = append(c.made, name)
		}
	}
}
