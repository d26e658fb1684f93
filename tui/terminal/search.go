package terminal

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// search is what was last searched for, and where it was found.
type search struct {
	query  string
	fold   bool // the query has no capital letters: they do not matter
	found  bool
	at     point // start of the current hit
	line   int   // hits of this line and those it goes on in are in cached
	valid  bool
	cached []match
	gen    uint64
}

// match is a stretch of text that was found: both ends are included.
type match struct{ from, to point }

// hit is a match, or a part of it, on one line: columns [from, to).
type hit struct {
	from, to int
	current  bool
}

// Search looks for text, upwards from the bottom of the view and then from the
// end of the text, and scrolls to the first match. Capitals matter only when the query has some. Text that is
// soft-wrapped is found across lines. It reports whether there is a match.
func (p *Pane) Search(query string) (found bool) {
	p.change(func() {
		p.search = search{query: query, fold: strings.ToLower(query) == query}
		p.search.at = point{p.firstLine() + p.screen.rows, 0}
		found = query != "" && p.searchUp()
		if query != "" && !found {
			p.search.at = point{p.lastLine() + 1, 0}
			found = p.searchUp()
		}
	})
	return found
}

// PrevMatch goes to the match before the current one, NextMatch to the one
// after it. They report whether there is one.
func (p *Pane) PrevMatch() (found bool) {
	p.change(func() { found = p.search.query != "" && p.searchUp() })
	return found
}

// NextMatch goes to the match after the current one.
func (p *Pane) NextMatch() (found bool) {
	p.change(func() { found = p.search.query != "" && p.searchDown() })
	return found
}

// ClearSearch ends the search. The view stays.
func (p *Pane) ClearSearch() { p.change(func() { p.search = search{} }) }

func (p *Pane) searchUp() bool {
	start := min(p.search.at.line, p.lastLine())
	for n := p.searchStart(start); n >= p.oldestLine(); n-- {
		if p.joined(n - 1) {
			continue
		}
		matches := p.matches(n)
		for i := len(matches) - 1; i >= 0; i-- {
			if matches[i].from.before(p.search.at) {
				p.goTo(matches[i])
				return true
			}
		}
	}
	return false
}

func (p *Pane) searchDown() bool {
	start := max(p.search.at.line, p.oldestLine())
	for n := p.searchStart(start); n <= p.lastLine(); n++ {
		if p.joined(n - 1) {
			continue
		}
		for _, m := range p.matches(n) {
			if p.search.at.before(m.from) {
				p.goTo(m)
				return true
			}
		}
	}
	return false
}

func (p *Pane) goTo(m match) {
	p.search.at, p.search.found = m.from, true
	p.reveal(m.from.line)
}

// joined reports whether lines n and n+1 are searched as one. A line without
// end is cut now and then, so that one search stays cheap.
func (p *Pane) joined(n int) bool { return (n+1)%256 != 0 && p.wraps(n) }

func (p *Pane) searchStart(n int) int {
	for p.joined(n - 1) {
		n--
	}
	return n
}

// matches finds the query in the line that begins at line n, soft wraps included.
func (p *Pane) matches(n int) []match {
	if text, ok := p.plainLine(n); ok && !contains(text, p.search.query, p.search.fold) {
		return nil
	}
	var text []byte
	var places []point // of every byte of text
	for line := n; ; line++ {
		cells, _, pool := p.line(line)
		for x, c := range cells {
			if c.ch&glyphTail != 0 {
				continue
			}
			if c.ch == 0 {
				text = append(text, ' ')
			} else {
				text = pool.appendText(text, c.ch)
			}
			for len(places) < len(text) {
				places = append(places, point{line, x})
			}
		}
		if !p.joined(line) {
			break
		}
	}
	return findAll(text, places, p.search.query, p.search.fold)
}

// plainLine returns the text of a line of the history that is kept as it will
// be searched: most are, and most do not match.
func (p *Pane) plainLine(n int) ([]byte, bool) {
	line := p.screen.history.line(n)
	if len(line) == 0 || line[0] != headASCII {
		return nil, false
	}
	return line[1:], true
}

// contains reports whether ASCII text contains the query.
func contains(text []byte, query string, fold bool) bool {
	first := query[0]
	upper := first
	if fold && first >= 'a' && first <= 'z' {
		upper -= 'a' - 'A'
	}
	for i, c := range text {
		if (c == first || c == upper) && matchAt(text[i:], query, fold) > 0 {
			return true
		}
	}
	return false
}

func findAll(text []byte, places []point, query string, fold bool) []match {
	var out []match
	for i := 0; i < len(text); {
		n := matchAt(text[i:], query, fold)
		if n > 0 {
			out = append(out, match{places[i], places[i+n-1]})
			i += n
			continue
		}
		_, size := utf8.DecodeRune(text[i:])
		i += size
	}
	return out
}

// matchAt returns how many bytes of text match the query from its start, or 0.
func matchAt(text []byte, query string, fold bool) int {
	n := 0
	for _, q := range query {
		r, size := utf8.DecodeRune(text[n:])
		if size == 0 || r != q && !(fold && unicode.ToLower(r) == q) {
			return 0
		}
		n += size
	}
	return n
}

// hits returns the columns of line n that the search found.
func (s *search) hits(p *Pane, n int) []hit {
	if !s.found {
		return nil
	}
	start := p.searchStart(n)
	if !s.valid || s.line != start || s.gen != p.generation {
		s.cached, s.line, s.gen, s.valid = p.matches(start), start, p.generation, true
	}
	var out []hit
	for _, m := range s.cached {
		if m.from.line > n || m.to.line < n {
			continue
		}
		h := hit{0, p.screen.cols, m.from == s.at}
		if m.from.line == n {
			h.from = m.from.col
		}
		if m.to.line == n {
			h.to = m.to.col + 1
		}
		out = append(out, h)
	}
	return out
}
