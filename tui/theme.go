package tui

import (
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// theme is how things look: attributes, the sixteen colours that every
// terminal's owner has chosen, and the glyphs that the locale can show. Colour
// repeats what a glyph or a word says already; with NO_COLOR the renderer drops
// it and nothing is lost.
type theme struct {
	ascii bool // the locale is not UTF-8

	plain, bold, muted, good, bad, warn, focus ansi.Style
	cursor                                     ansi.Style // the selected row of the focused list
	marked                                     ansi.Style // the selected row of another list
	key                                        ansi.Style // a key in the footer

	line, column, teeLeft, teeUp, teeDown, ellipsis string
	pointer, running, stopped, waiting, paused      string
	problem                                         string
}

func newTheme(utf8 bool) theme {
	style := func() ansi.Style { return ansi.Style{} }
	t := theme{
		ascii: !utf8,
		plain: style(),
		bold:  style().Bold(),
		muted: style().Faint(),
		good:  style().ForegroundColor(ansi.Green),
		bad:   style().ForegroundColor(ansi.Red),
		warn:  style().ForegroundColor(ansi.Yellow),
		focus: style().Bold().ForegroundColor(ansi.Cyan),

		cursor: style().Reverse(true),
		marked: style().Bold(),
		key:    style().Bold(),

		line: "─", column: "│", teeLeft: "┤", teeUp: "┴", teeDown: "┬", ellipsis: "…",
		pointer: "▸", running: "●", stopped: "○", waiting: "◌", paused: "‖",
		problem: "!",
	}
	if !utf8 {
		t.line, t.column, t.teeLeft, t.teeUp, t.teeDown, t.ellipsis = "-", "|", "+", "+", "+", "~"
		t.pointer, t.running, t.stopped, t.waiting, t.paused = ">", "*", "o", ".", "="
	}
	return t
}

// arrow leads from what is inside to what it is outside.
func (t theme) arrow() string {
	if t.ascii {
		return ">"
	}
	return "→"
}

// utf8Locale tells whether the environment asks for UTF-8, as setlocale(3)
// reads it. Without any setting, as in many containers, terminals are modern.
func utf8Locale(getenv func(string) string) bool {
	for _, name := range []string{"LC_ALL", "LC_CTYPE", "LANG"} {
		if value := getenv(name); value != "" {
			value = strings.ToLower(value)
			return strings.Contains(value, "utf-8") || strings.Contains(value, "utf8")
		}
	}
	return true
}

// paint styles text, keeping the empty style free of escapes.
func paint(style ansi.Style, s string) string {
	if len(style) == 0 || s == "" {
		return s
	}
	return style.Styled(s)
}
