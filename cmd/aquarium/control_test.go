package main

import (
	"errors"
	"strconv"
	"testing"

	"aquarium/runtime/spec"
)

// FuzzParseSignal: a signal that can be given is one, by its number too.
func FuzzParseSignal(f *testing.F) {
	for _, s := range []string{"TERM", "SIGTERM", "term", "15", "0", "-9", "65", "SIGSIGTERM", "RTMIN+3", "", "９", "\x1b[31m", "0x9", "+9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		number, err := parseSignal(s)
		if err != nil {
			if !errors.As(err, new(*spec.Refusal)) || len(err.Error()) > 300 {
				t.Errorf("%q: %v", s, err)
			}
			return
		}
		if again, err := parseSignal(strconv.Itoa(int(number))); err != nil || again != number || number < 1 || number > maxSignal {
			t.Errorf("%q is %d, which is %d, %v", s, number, again, err)
		}
	})
}
