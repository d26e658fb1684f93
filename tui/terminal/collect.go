package terminal

// internCluster returns the glyph for a cluster, collecting unused ones first
// when the table is full. Collections are paid for by the clusters made since
// the last: the limit is several times what the grids can hold.
func (s *Screen) internCluster(b []byte) (glyph, bool) {
	if g, ok := s.pool.clusters.intern(b); ok {
		return g, true
	}
	s.collectClusters()
	return s.pool.clusters.intern(b)
}

func (s *Screen) collectClusters() {
	old := s.pool.clusters
	s.pool.clusters = clusters{limit: max(1024, 4*s.cols*s.rows)}
	moved := make(map[glyph]glyph)
	s.eachCell(func(c *cell) {
		if c.ch&glyphCluster == 0 {
			return
		}
		id := c.ch & glyphMask
		g, ok := moved[id]
		if !ok {
			g, _ = s.pool.clusters.intern([]byte(old.text[id]))
			moved[id] = g
		}
		c.ch = g | c.ch&^(glyphMask|glyphCluster)
	})
}

// internExtra returns the id of e, or 0 when the table is full of entries in use.
func (s *Screen) internExtra(e extra) extID {
	x := &s.pool.extras
	if id, ok := x.intern(e); ok {
		return id
	}
	if x.deaf > 0 {
		x.deaf--
		return 0
	}
	s.collectExtras()
	id, _ := x.intern(e)
	return id
}

func (s *Screen) collectExtras() {
	x := &s.pool.extras
	old := *x
	*x = extras{}
	moved := map[extID]extID{0: 0}
	move := func(c *cell) {
		if c.ext == 0 {
			return
		}
		id, ok := moved[c.ext]
		if !ok {
			id = x.add(old.list[c.ext])
			moved[c.ext] = id
		}
		c.ext = id
	}
	s.eachCell(move)
	move(&s.cur.pen)
	move(&s.main.saved.pen)
	move(&s.alt.saved.pen)
	if len(x.list) > maxExtras*3/4 || x.bytes > maxExtraBytes*3/4 {
		x.deaf = maxExtras
	}
}

// eachCell visits every cell of both grids.
func (s *Screen) eachCell(visit func(*cell)) {
	for _, b := range []*buffer{&s.main, &s.alt} {
		if b.grid == nil {
			continue
		}
		for i := range b.grid.ring {
			r := b.grid.ring[i]
			for x := range r.cells[:r.used] {
				visit(&r.cells[x])
			}
		}
	}
}
