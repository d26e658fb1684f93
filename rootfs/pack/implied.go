package pack

import (
	"archive/tar"
	"errors"
	"maps"
	"path"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
	"aquarium/rootfs/stack"
)

// Sparse is a layer that does not list all its directories.
type Sparse struct {
	Dir     string   `json:"dir"`
	Implied [][]byte `json:"implied"` // "" for its top
}

// Implied adds the directories that a pile of layers, the topmost first, would show with the wrong
// owner, mode or attributes, because overlayfs takes those of the topmost layer that has a directory,
// even where that layer does not list it; each as the topmost layer has it that lists it, and with the
// directories above. It returns how many there are.
//
//	upper    srv/ (not listed)  srv/x
//	lower    srv/ 0700
//	added    srv/ 0700          as a layer on top of both
func (w *Writer) Implied(layers []Sparse) (int, error) {
	p := pile{w: w}
	defer p.close()
	dirs := map[string]bool{}
	for _, l := range layers {
		tree, err := inside.Open(l.Dir)
		if err != nil {
			return 0, err
		}
		implied := make(map[string]bool, len(l.Implied))
		for _, dir := range l.Implied {
			implied[string(dir)] = true
		}
		p.trees, p.implied = append(p.trees, tree), append(p.implied, implied)
		maps.Copy(dirs, implied)
	}
	wrong := map[string]*tar.Header{}
	for dir := range dirs {
		if err := w.ctx.Err(); err != nil {
			return 0, err
		}
		if err := p.judge(dir, wrong); err != nil {
			return 0, err
		}
	}
	for _, dir := range slices.Sorted(maps.Keys(wrong)) {
		if err := w.tar.WriteHeader(wrong[dir]); err != nil {
			return 0, err
		}
	}
	return len(wrong), nil
}

// pile is what is shown, the topmost layer first.
type pile struct {
	w       *Writer
	trees   []*inside.Tree
	implied []map[string]bool
}

func (p *pile) close() {
	for _, tree := range p.trees {
		tree.Close()
	}
}

// judge adds a directory to those that are shown wrong, if it is one, and those above it.
func (p *pile) judge(dir string, wrong map[string]*tar.Header) error {
	shown, meant, err := p.find(dir)
	if err != nil || shown == nil || same(shown, meant) {
		return err
	}
	for {
		wrong[dir] = meant
		if dir == "" {
			return nil
		}
		if dir = path.Dir(dir); dir == "." {
			dir = ""
		}
		if wrong[dir] != nil {
			return nil
		}
		if _, meant, err = p.find(dir); err != nil {
			return err
		}
	}
}

func same(a, b *tar.Header) bool {
	return a.Mode == b.Mode && a.Uid == b.Uid && a.Gid == b.Gid && maps.Equal(a.PAXRecords, b.PAXRecords)
}

// find returns a directory as overlayfs shows it and as it is meant; nil where it shows none.
func (p *pile) find(dir string) (shown, meant *tar.Header, err error) {
	for i, tree := range p.trees {
		h, deeper, err := p.in(i, tree, dir)
		if err != nil {
			return nil, nil, err
		}
		if h != nil && shown == nil {
			shown, meant = h, h
		}
		if h != nil && !p.implied[i][dir] {
			return shown, h, nil
		}
		if !deeper {
			break
		}
	}
	return shown, meant, nil
}

// in returns a directory as one layer has it, nil where it does not, and whether the layers below
// have a say, too.
func (p *pile) in(i int, tree *inside.Tree, dir string) (h *tar.Header, deeper bool, err error) {
	deeper = true
	for end := 0; end < len(dir); end++ {
		next := strings.IndexByte(dir[end:], '/')
		if next < 0 {
			break
		}
		end += next
		st, err := tree.Lstat(dir[:end])
		if errors.Is(err, unix.ENOENT) {
			return nil, deeper, nil
		}
		if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
			return nil, false, err
		}
		opaque, err := stack.IsOpaque(tree, dir[:end])
		if err != nil {
			return nil, false, err
		}
		deeper = deeper && !opaque
	}
	at := dir
	if at == "" {
		at = "."
	}
	st, err := tree.Lstat(at)
	if errors.Is(err, unix.ENOENT) {
		return nil, deeper, nil
	}
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFDIR {
		return nil, false, err
	}
	name := "./"
	if dir != "" {
		name = dir + "/"
	}
	h = p.w.header(name, &st)
	h.Typeflag = tar.TypeDir
	return h, deeper, p.w.attributes(h, tree, dir)
}
