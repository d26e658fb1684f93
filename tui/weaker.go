package tui

import "strings"

// weakerSign marks a sandbox that holds less than a default one.
const weakerSign = "!"

// weakerMark is a column beside the status mark.
func weakerMark(t theme, weaker []string) string {
	if len(weaker) == 0 {
		return " "
	}
	return paint(t.warn, weakerSign)
}

// notIsolation says what makes a sandbox weaker than a default one, "" where
// nothing does.
func notIsolation(weaker []string) string {
	if len(weaker) == 0 {
		return ""
	}
	return "not isolation: " + visible(strings.Join(weaker, ", "))
}
