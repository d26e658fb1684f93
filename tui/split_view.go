package tui

// gutter is what stands between the two sides.
const gutter = 3

func (s *splitScreen) view(w, h int) tabView {
	if s.probe != nil {
		return s.probe.view(w, h)
	}
	s.merge()
	t := s.theme
	half := (w - gutter - 1) / 2
	left := t.rule(" "+paint(t.bold, "Host")+" ", s.host.note(), half+1)
	right := t.rule(" "+paint(t.focus, visible(s.box.who.name)+": "+s.box.facet.name)+" ", s.box.note(), w-half-1-gutter)
	rows := []string{left + t.line + t.teeDown + t.line + right}
	s.list.resize(h - 2)
	switch {
	case s.box.err != nil && len(s.box.page.sheet.lines) == 0:
		rows = append(rows, indented(lookProblem(s.box.who, s.box.err), w)...)
	case s.host.err != nil && len(s.host.page.sheet.lines) == 0:
		rows = append(rows, indented(lookProblem(s.host.who, s.host.err), w)...)
	case s.box.overdue || s.host.overdue:
		rows = append(rows, "", "  does not answer: still waiting.")
	case s.host.known && s.box.known && len(s.list.shown) == 0:
		rows = append(rows, "", paint(t.muted, "  no differences, or none that match the filter"))
	}
	layouts := map[*section][]int{}
	layout := func(sec *section) []int {
		if layouts[sec] == nil {
			layouts[sec] = sec.layout(half)
		}
		return layouts[sec]
	}
	rows = append(rows, s.list.rows(t, w, true, func(i int) string { return s.draw(s.pairs[i], half, layout) })...)
	rows = t.padRows(rows, w, h-1)
	glyphs := t.marks()
	legend := " " + glyphs[markDiffers] + " differs   " + glyphs[markHostOnly] + " only on the host   " + glyphs[markBoxOnly] + " only here   = the same"
	return tabView{rows: append(rows, paint(t.muted, t.fit(legend, w)))}
}

// marks are the signs between the sides.
func (t theme) marks() [4]string {
	if t.ascii {
		return [4]string{"=", "#", "<", ">"}
	}
	return [4]string{"=", "≠", "<", ">"}
}

func (s *splitScreen) draw(p pair, half int, layout func(*section) []int) string {
	t := s.theme
	if p.heading != "" {
		return paint(t.bold, p.heading)
	}
	side := func(sec *section, r *row) string {
		if r == nil {
			return spaces(half)
		}
		return t.fit(sec.draw(t, r.cells, layout(sec)), half)
	}
	m := p.mark()
	left, right := side(p.hostT, p.host), side(p.boxT, p.box)
	glyph := " " + t.marks()[m] + " "
	switch m {
	case markSame:
		return paint(t.muted, left+glyph+right)
	case markDiffers:
		return left + paint(t.warn, glyph) + right
	case markHostOnly:
		return paint(t.muted, left) + glyph + right
	}
	return left + paint(t.good, glyph) + paint(t.good, right)
}
