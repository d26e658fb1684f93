package terminal

// view is which part of the screen and its history a pane shows. Following, it
// shows the screen; held, it stays with the same lines while output arrives.
type view struct {
	held  bool
	top   int    // number of the line in the first row, when held
	since uint64 // the pane's count of output when it was held
}

func (p *Pane) following() bool { return !p.view.held }

// firstLine is the number of the line in the first row.
func (p *Pane) firstLine() int {
	end := p.screen.history.end()
	if !p.view.held || p.screen.alternate() {
		return end
	}
	return clamp(p.view.top, p.screen.history.begin(), end)
}

func (p *Pane) offset() int { return p.screen.history.end() - p.firstLine() }

// lastLine is the number of the line in the screen's last row.
func (p *Pane) lastLine() int { return p.screen.history.end() + p.screen.rows - 1 }

// oldestLine is the number of the first line that can be shown.
func (p *Pane) oldestLine() int {
	if p.screen.alternate() {
		return p.screen.history.end()
	}
	return p.screen.history.begin()
}

// scrollTo shows the history from offset lines above the screen on.
func (p *Pane) scrollTo(offset int) {
	h := p.screen.history
	offset = clamp(offset, 0, h.end()-p.oldestLine())
	if offset == 0 {
		p.view = view{}
		return
	}
	if !p.view.held {
		p.view.since = p.outputs
	}
	p.view.held, p.view.top = true, h.end()-offset
}

// ScrollBy moves the view by a number of lines: negative to older ones. At the
// end it follows the output again. The alternate screen has no history.
func (p *Pane) ScrollBy(lines int) { p.change(func() { p.scrollTo(p.offset() - lines) }) }

// ScrollTo shows the history from offset lines above the screen on; 0 follows the output.
func (p *Pane) ScrollTo(offset int) { p.change(func() { p.scrollTo(offset) }) }

// ScrollInfo returns how many lines the view is scrolled back, of how many it
// could be, and whether output arrived since it was.
func (p *Pane) ScrollInfo() (offset, total int, newBelow bool) {
	p.lock()
	defer p.mu.Unlock()
	offset = p.offset()
	return offset, p.screen.history.end() - p.oldestLine(), offset > 0 && p.outputs != p.view.since
}

// line returns the cells of a line by its number, whether it goes on in the
// next one, and the pool that its cells refer to. The cells are good until the
// next call.
func (p *Pane) line(n int) (cells []cell, wrapped bool, pool *pool) {
	s := p.screen
	if y := n - s.history.end(); y >= 0 {
		if y >= s.rows {
			return nil, false, s.pool
		}
		r := s.grid.row(y)
		return r.cells[:r.used], r.wrapped, s.pool
	}
	if p.past.pool == nil || len(p.past.pool.clusters.text) > 4096 || p.past.pool.extras.full() {
		p.past.pool = newPool(1 << 16)
	}
	line := s.history.line(n)
	p.pastCells = p.past.appendCells(p.pastCells[:0], line)
	return p.pastCells, lineWrapped(line), p.past.pool
}

// drawRow returns the finished row y of the view.
func (p *Pane) drawRow(y int) string {
	s := p.screen
	n := p.firstLine() + y
	over := p.overlay(n)
	cells, _, pool := p.line(n)
	paint := &p.painter
	paint.pool, paint.palette = pool, &s.palette
	paint.reverse, paint.links = s.modes.reverse, s.opts.Links
	if n < s.history.end() || over != nil {
		return paint.styled(cells, s.cols, over)
	}
	r := s.grid.row(n - s.history.end())
	if !r.fresh {
		r.drawn = paint.styled(cells, s.cols, nil)
		r.fresh = true
	}
	return r.drawn
}

// overlay returns how selection and search hits change the look of line n; nil
// when they do not.
func (p *Pane) overlay(n int) func(x int, c cell) cell {
	from, to := p.selection.columns(n, p.screen.cols)
	hits := p.search.hits(p, n)
	if from >= to && len(hits) == 0 {
		return nil
	}
	return func(x int, c cell) cell {
		for _, h := range hits {
			if x >= h.from && x < h.to {
				c.at = c.at&^underlineMask | underlineSingle | attrBold
				if h.current {
					c.at ^= attrReverse
				}
			}
		}
		if x >= from && x < to {
			c.at ^= attrReverse
		}
		return c
	}
}
