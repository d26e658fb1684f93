package terminal

// view is what part of the screen and its history the pane shows.
type view struct {
	offset int // lines scrolled back; 0 follows the output
}

func (v *view) atBottom() bool { return v.offset == 0 }

// cellsAt returns the cells of visible row y.
func (p *Pane) cellsAt(y int) []cell {
	s := p.screen
	p.painter.pool = s.pool
	r := s.grid.row(y)
	return r.cells[:r.used]
}

func (p *Pane) drawRow(y int) string {
	s := p.screen
	p.painter.pool = s.pool
	p.painter.palette = &s.palette
	p.painter.reverse = s.modes.reverse
	p.painter.links = s.opts.Links
	r := s.grid.row(y)
	if !r.fresh || r.drawn == "" {
		r.drawn = p.painter.styled(r.cells[:r.used], s.cols, nil)
		r.fresh = true
	}
	return r.drawn
}
