package terminal

import (
	"fmt"
	"unicode/utf8"
)

// Bits of the button number in mouse reports (xterm, "Mouse Tracking").
const (
	mouseModifiers = 4 | 8 | 16
	mouseMotion    = 32
	mouseWheel     = 64
	mouseNoButton  = 3
)

// wheelLines is how many cursor keys a turn of the wheel stands for on the
// alternate screen (mode 1007).
const wheelLines = 3

// grab says who has the mouse while a button is down: a drag that began in the
// pane stays the program's outside it, and the other way round.
type grab uint8

const (
	grabNone grab = iota
	grabPane
	grabUI
)

// mouseEvent is a report: coordinates from 0.
type mouseEvent struct {
	button  int
	x, y    int
	release bool
}

func (e mouseEvent) motion() bool { return e.button&mouseMotion != 0 }
func (e mouseEvent) wheel() bool  { return e.button&mouseWheel != 0 }

// mouse sends an SGR mouse report to the program, translated, or to the UI.
func (p *Passthrough) mouse(s sequence, b []byte) {
	e := mouseEvent{s.numbers[0], s.numbers[1] - 1, s.numbers[2] - 1, s.final == 'm'}
	left, top, cols, rows := p.current.target.Bounds()
	e.x, e.y = e.x-left, e.y-top
	inside := e.x >= 0 && e.y >= 0 && e.x < cols && e.y < rows
	m := p.current.target.Modes()
	forPane := p.forProgram(e, inside && m.Mouse != MouseOff)
	switch {
	case forPane && cols > 0 && rows > 0:
		e.x, e.y = clamp(e.x, 0, cols-1), clamp(e.y, 0, rows-1)
		p.forPane = appendMouse(p.forPane, e, m)
	case inside && e.wheel() && m.Mouse == MouseOff && m.AltScreen && m.AltScroll:
		p.wheelKeys(e, m)
	default:
		p.forUI = append(p.forUI, b...)
	}
}

// forProgram decides who gets an event; wanted is what its place says.
func (p *Passthrough) forProgram(e mouseEvent, wanted bool) bool {
	if e.wheel() {
		return wanted
	}
	owner := p.state.grabbed
	switch {
	case e.release:
		p.state.grabbed = grabNone
	case !e.motion() && owner == grabNone:
		p.state.grabbed = grabUI
		if wanted {
			p.state.grabbed = grabPane
		}
	}
	if owner == grabNone {
		return wanted
	}
	return owner == grabPane
}

// wheelKeys sends cursor keys for the wheel, as terminals do for pagers.
func (p *Passthrough) wheelKeys(e mouseEvent, m Modes) {
	var final byte
	switch e.button &^ mouseModifiers {
	case mouseWheel:
		final = 'A'
	case mouseWheel + 1:
		final = 'B'
	default:
		return
	}
	intro := byte('[')
	if m.AppCursor {
		intro = 'O'
	}
	for range wheelLines {
		p.forPane = append(p.forPane, 0x1b, intro, final)
	}
}

// appendMouse appends the report that a program in these modes expects, or
// nothing when it did not ask for this event.
func appendMouse(dst []byte, e mouseEvent, m Modes) []byte {
	if !wantsMouse(e, m.Mouse) {
		return dst
	}
	button := e.button
	if m.Mouse == MouseX10 {
		button &^= mouseModifiers
	}
	switch m.MouseEncoding {
	case MouseEncodingSGR, MouseEncodingSGRPixels:
		x, y := e.x+1, e.y+1
		if m.MouseEncoding == MouseEncodingSGRPixels {
			x, y = e.x*cellWidth+cellWidth/2, e.y*cellHeight+cellHeight/2
		}
		final := byte('M')
		if e.release {
			final = 'm'
		}
		return fmt.Appendf(dst, "\x1b[<%d;%d;%d%c", button, x, y, final)
	}
	if e.release {
		button = button&^3 | mouseNoButton
	}
	return appendOldMouse(dst, button, e.x+1, e.y+1, m.MouseEncoding)
}

// appendOldMouse appends a report in one of the encodings that say only that
// some button was released. Places that they cannot express are not reported.
func appendOldMouse(dst []byte, button, x, y int, encoding MouseEncoding) []byte {
	switch encoding {
	case MouseEncodingURXVT:
		return fmt.Appendf(dst, "\x1b[%d;%d;%dM", button+32, x, y)
	case MouseEncodingUTF8:
		if x > 2015 || y > 2015 {
			return dst
		}
		dst = append(dst, "\x1b[M"...)
		for _, v := range []int{button, x, y} {
			dst = utf8.AppendRune(dst, rune(v+32))
		}
		return dst
	}
	if x > 223 || y > 223 || button > 223 {
		return dst
	}
	return append(dst, 0x1b, '[', 'M', byte(button+32), byte(x+32), byte(y+32))
}

// wantsMouse reports whether a tracking mode includes an event.
func wantsMouse(e mouseEvent, tracking MouseTracking) bool {
	switch tracking {
	case MouseX10:
		return !e.release && !e.motion()
	case MouseNormal:
		return !e.motion()
	case MouseButton:
		return !e.motion() || e.button&3 != mouseNoButton
	case MouseAny:
		return true
	}
	return false
}
