package terminal

import (
	"bytes"
	"encoding/base64"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	maxTitleRunes = 256
	maxTitles     = 10
	maxClipboards = 4 // requests kept until they are taken
)

// ClipboardRequest is a program's wish to set the clipboard (OSC 52). Whether
// it is granted is for the user to say.
type ClipboardRequest struct {
	Selection string // letters of "cpqs01234567", "" for the default
	Text      []byte // decoded; empty clears it
}

// osc acts on an operating system command.
func (s *Screen) osc(data []byte, bell bool) {
	number, rest, _ := bytes.Cut(data, []byte(";"))
	n, err := strconv.Atoi(string(number))
	if err != nil {
		return
	}
	switch n {
	case 0:
		s.icon = cleanTitle(rest)
		s.title = s.icon
	case 1:
		s.icon = cleanTitle(rest)
	case 2:
		s.title = cleanTitle(rest)
	case 4, 5:
		s.colours(string(rest), n == 5, bell)
	case 7:
		s.directory = cleanTitle(rest)
	case 8:
		s.hyperlink(string(rest))
	case 10, 11, 12, 13, 14, 15, 16, 17, 18, 19:
		s.dynamicColours(n, string(rest), bell)
	case 52:
		s.requestClipboard(rest)
	case 104:
		s.resetColours(string(rest), 0)
	case 105:
		s.resetColours(string(rest), specialColours)
	case 110, 111, 112, 113, 114, 115, 116, 117, 118, 119:
		s.palette.dynamic[n-110] = 0
		s.grid.touch()
	}
}

// cleanTitle is text fit to be shown: valid, without control characters, and short.
func cleanTitle(b []byte) string {
	var out strings.Builder
	n := 0
	for len(b) > 0 && n < maxTitleRunes {
		r, size := utf8.DecodeRune(b)
		b = b[size:]
		if !unicode.IsPrint(r) && r != ' ' {
			continue
		}
		out.WriteRune(r)
		n++
	}
	return out.String()
}

func (s *Screen) pushTitle() {
	if len(s.titles) == maxTitles {
		s.titles = append(s.titles[:0], s.titles[1:]...)
	}
	s.titles = append(s.titles, s.title)
}

func (s *Screen) popTitle() {
	if n := len(s.titles); n > 0 {
		s.title = s.titles[n-1]
		s.titles = s.titles[:n-1]
	}
}

// hyperlink is OSC 8: parameters, a semicolon, an address; no address ends the link.
func (s *Screen) hyperlink(data string) {
	parameters, uri, ok := strings.Cut(data, ";")
	if !ok {
		return
	}
	id := ""
	for _, part := range strings.Split(parameters, ":") {
		if v, ok := strings.CutPrefix(part, "id="); ok && len(v) <= 256 {
			id = v
		}
	}
	if uri == "" || len(uri) > maxLinkBytes || strings.ContainsFunc(data, unicode.IsControl) {
		uri, id = "", ""
	}
	e := s.pool.extras.get(s.cur.pen.ext)
	e.uri, e.id = uri, id
	s.cur.pen.ext = s.internExtra(e)
}

// requestClipboard is OSC 52. Questions are not answered: the clipboard is the user's.
func (s *Screen) requestClipboard(data []byte) {
	selection, payload, ok := bytes.Cut(data, []byte(";"))
	if !ok || string(payload) == "?" || strings.Trim(string(selection), "cpqs01234567") != "" {
		return
	}
	text, err := base64.StdEncoding.DecodeString(string(payload))
	if err != nil {
		text = nil // as xterm does: anything else clears it
	}
	if len(s.clipboard) == maxClipboards {
		s.clipboard = append(s.clipboard[:0], s.clipboard[1:]...)
	}
	s.clipboard = append(s.clipboard, ClipboardRequest{Selection: string(selection), Text: text})
}
