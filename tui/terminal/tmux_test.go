package terminal

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// shared are control functions that tmux has too. Left out are those where it
// goes another way than xterm: CHT (not known to it), DECSTBM in origin mode
// (the cursor goes to the top of the screen, not of the region), IL and DL
// outside the region (done all the same) or without a return to the left
// margin, mode 1049 twice (not cleared again). Text that wraps at the bottom in
// a colour (the new row is not filled with it), cutting wide characters in two
// (what is left has no style, or is not there), BS at the left of a wrapped row
// (goes up) and REP at the right margin (stops) are kept out too.
var shared = []string{
	"\x1b[%dA", "\x1b[%dB", "\x1b[%dC", "\x1b[%dD", "\x1b[%dE", "\x1b[%dF", "\x1b[%dG", "\x1b[%d;%dH", "\x1b[%dd",
	"\x1b[J", "\x1b[1J", "\x1b[2J", "\x1b[K", "\x1b[1K", "\x1b[2K", "\x1b[%dX", "\x1b[%dZ", "\x1b[%dS", "\x1b[%dT",
	"\x1b[3%dm", "\x1b[4%dm", "\x1b[9%dm", "\x1b[m", "\x1b[7m", "\x1b[1;4m", "\x1b[27;22m", "\x1b[38;5;%dm", "\x1b[48;2;%d;20;30m", "\x1b[4:3m",
	"\x1bH", "\x1b[g", "\x1b7", "\x1bM", "\x1bD", "\x1bE", "\x1b(0lqk\x1b(B", "a", "hello world", "e\u0301",
	"\r\n", "\n", "\r", "\x1b[20Gab\b", "\t", "\x1b[20Gx\x1b[%db", "\x1b[4hins\x1b[4l",
	"\x1b[49m0123456789012345678901234567890123456789",
	"\x1b[49msome longer text that wraps at the margin of a screen, perhaps twice even: 0123456789012345678901234567890123456789",
}

var (
	inRegion = []string{"\x1b[%dP", "\x1b[%d@", "\x1b[%d;1%dr", "\x1b[r", "\x1b[%d;1H\n\n", "\x1b[1%d;1H\n"}
	onScreen = []string{"\x1b[m日本語", "\x1b[%dL\r", "\x1b[%dM\r", "\x1b[24;1H\n", "\x1b[?1049h\x1b[Hother\x1b[?1049l"}
)

// TestRandomOutputBesideTmux compares screens after random output, cell by cell.
func TestRandomOutputBesideTmux(t *testing.T) {
	if _, err := exec.LookPath("tmux"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("tmux is not installed")
		}
		t.Skip("tmux is not installed")
	}
	for seed := range uint64(30) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(seed, 2))
			pieces := append(append([]string{}, shared...), [][]string{inRegion, onScreen}[seed%2]...)
			var out strings.Builder
			for range 40 {
				piece := pieces[random.IntN(len(pieces))]
				for strings.Contains(piece, "%d") {
					piece = strings.Replace(piece, "%d", fmt.Sprint(1+random.IntN(7)), 1)
				}
				out.WriteString(piece)
			}
			compareWithTmux(t, []byte(out.String()), 80, 24)
			if t.Failed() {
				t.Logf("output %q", out.String())
			}
		})
	}
}
