package terminal

import "time"

// Cursor is where and how the pane's cursor is to be shown.
type Cursor struct {
	X, Y    int  // column and row in the pane, from 0
	Visible bool // false also when it is scrolled out of sight
	Shape   CursorShape
	Blink   bool
}

// CursorShape is the shape that the program chose with DECSCUSR.
type CursorShape int

// The cursor's shapes.
const (
	CursorBlock CursorShape = iota
	CursorUnderline
	CursorBar
)

// Rows returns the finished rows: as many as the pane is high, each exactly as
// many columns as it is wide, holding text and SGR built here, and nothing that
// the program sent as control. The slice is not to be changed.
func (p *Pane) Rows() []string {
	p.lock()
	defer p.mu.Unlock()
	p.looked = true
	return p.current().rows
}

// Frame returns rows and cursor of one moment, and the generation they are of.
func (p *Pane) Frame() (rows []string, cursor Cursor, generation uint64) {
	p.lock()
	defer p.mu.Unlock()
	p.looked = true
	f := p.current()
	return f.rows, f.cursor, p.generation
}

// Cursor returns the cursor of this moment's rows.
func (p *Pane) Cursor() Cursor {
	p.lock()
	defer p.mu.Unlock()
	return p.current().cursor
}

// Text returns the rows without styles, each padded to the width.
func (p *Pane) Text() []string {
	p.lock()
	defer p.mu.Unlock()
	out := make([]string, p.screen.rows)
	for y := range out {
		cells, _, pool := p.line(p.firstLine() + y)
		p.painter.pool = pool
		out[y] = p.painter.plain(cells, p.screen.cols)
	}
	return out
}

// current is the frame to show now: during a synchronized update the one from
// before it, unless the update has lasted too long.
func (p *Pane) current() *frame {
	if p.screen.modes.sync && p.held.rows != nil && p.following() && time.Since(p.syncSince) < syncTimeout {
		return &p.held
	}
	return p.draw()
}

// draw brings the frame up to date. Only rows that changed are rebuilt.
func (p *Pane) draw() *frame {
	f := &p.frame
	if f.rows != nil && f.generation == p.generation {
		return f
	}
	rows := make([]string, p.screen.rows)
	for y := range rows {
		rows[y] = p.drawRow(y)
	}
	*f = frame{rows: rows, generation: p.generation, cursor: p.cursor()}
	return f
}

// hold keeps the picture from before a synchronized update. A program that
// makes many in a row costs one picture for each time that someone looked.
func (p *Pane) hold() {
	p.syncSince = time.Now()
	if p.syncTimer == nil {
		p.syncTimer = time.AfterFunc(syncTimeout, p.syncOver)
	} else {
		p.syncTimer.Reset(syncTimeout)
	}
	if !p.looked && p.held.rows != nil {
		return
	}
	p.looked = false
	p.generation++
	p.held = *p.draw()
}

func (p *Pane) cursor() Cursor {
	s := p.screen
	y := s.cur.y + p.offset()
	c := Cursor{X: s.cur.x, Y: y, Visible: s.modes.visible && y < s.rows, Blink: s.modes.blink}
	if s.shape > 0 {
		c.Shape = CursorShape((s.shape - 1) / 2)
	}
	return c
}

// syncOver lets the UI draw again when a synchronized update did not end.
func (p *Pane) syncOver() {
	p.lock()
	stuck := p.screen.modes.sync
	if stuck {
		p.generation++
	}
	p.mu.Unlock()
	if stuck {
		p.signal()
	}
}
