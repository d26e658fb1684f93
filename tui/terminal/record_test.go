package terminal

import (
	"bytes"
	"compress/gzip"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/creack/pty"
)

var record = flag.Bool("record", false, "record the sessions in testdata anew")

// session is a program and how it is used: keys to send once text has shown.
type session struct {
	name string
	argv []string
	keys []keystroke
}

type keystroke struct{ after, send string }

// sessions are the programs in testdata/sessions. Each recording ends while
// the program still shows something.
var sessions = []session{
	{"vim", []string{"vim", "-u", "NONE", "-N", "-c", "set mouse=a hls nu ls=2 ruler | syntax on", "print.go"}, []keystroke{
		{"package", "/func\r"}, {"func", "nn"}, {"func", "\x06\x06\x02"}, {"", ":split\r"}, {"", "ddp\x16jjj"}, {"", ":set list\r"}}},
	{"nvim", []string{"nvim", "-u", "NONE", "-c", "set nu cursorline | syntax on", "sgr.go"}, []keystroke{
		{"package", "/pen\r"}, {"pen", "n\x06\x06\x02"}, {"", ":vsplit\r"}, {"", "VGd"}, {"", "u"}}},
	{"htop", []string{"unshare", "-fp", "--mount-proc", "htop"}, []keystroke{{"PID", "t"}, {"", "jjj"}, {"", "\x1b[21~"}}[:2]},
	{"top", []string{"unshare", "-fp", "--mount-proc", "top"}, []keystroke{{"PID", "z"}, {"", "x"}, {"", "V"}}},
	{"less", []string{"less", "-N", "parser.go"}, []keystroke{{"package", " "}, {"", "/case\r"}, {"case", "nn"}, {"", "kkkkkk"}, {"", "b"}}},
	{"mc", []string{"mc", "-a"}, []keystroke{{"Name", "\x1b[B\x1b[B"}, {"", "\x1b[20~"}, {"", "\x1b[B\x1b[B"}}},
	{"mc-lines", []string{"mc"}, []keystroke{{"Name", "\x1b[B\x1b[B"}, {"", "\x1b[13~"}}},
	{"nano", []string{"nano", "cursor.go"}, []keystroke{{"package", "\x16\x16"}, {"", "hello\r\x0b\x0b"}, {"", "\x17case\r"}}},
	{"python", []string{"python3", "-q"}, []keystroke{{">>>", "print('\\n'.join(str(2**i) for i in range(200)))\r"}, {">>>", "help(str.join)\r"}, {"", "q"}, {">>>", "1/0\r"}}},
	{"git-log", []string{"git", "-c", "color.ui=always", "log", "--graph", "--stat"}, []keystroke{{"commit", " "}, {"", " "}, {"", "k"}}},
	{"tmux", []string{"tmux", "-f", "tmux.conf", "new-session"}, []keystroke{
		{"$", "ls --color=always -la / | head -60\r"}, {"", "\x02%"}, {"", "seq 300\r"}, {"300", "\x02\""}, {"", "vim -u NONE doc.go\r"}, {"package", "\x02o"}, {"", "\x02["}, {"", "kkkkk"}}},
	{"bash", []string{"env", "PS1=\\[\\e[1;32m\\]$ \\[\\e[m\\]", "bash", "--norc"}, []keystroke{
		{"$", "ls -la --color=always /usr\r"}, {"$", "seq 100 | column\r"}, {"$", "echo a very long line that is edited in the middle and wraps around the right margin of the screen because it is long"}, {"", "\x01\x1bf\x1bfinserted \x05\x17\x17"}, {"", "\x12seq"}}},
	{"ncurses", []string{"infocmp", "-1"}, nil},
	{"man", []string{"man", "-P", "less", "ls"}, []keystroke{{"NAME", " "}, {"", "/color\r"}, {"color", "n"}}},
	{"unicode", []string{"sh", "-c", "printf '漢字かな交じり文\\n한글 텍스트\\ne\\314\\201 a\\314\\210\\n┌─┬─┐\\n│ │ │\\n└─┴─┘\\n'; for i in 1 2 3 4 5 6 7 8 9 10; do printf '全角文字で折り返しを確認する長い行です。'; done; exec sleep 60"}, nil},
}

// TestRecord writes testdata/sessions anew when asked to with -record.
func TestRecord(t *testing.T) {
	if !*record {
		return
	}
	if err := os.MkdirAll("testdata/sessions", 0o755); err != nil {
		t.Fatal(err)
	}
	dir := recordingPlace(t)
	for _, size := range sizes {
		for _, s := range sessions {
			if _, err := exec.LookPath(s.argv[0]); err != nil {
				t.Fatalf("record %s: %v", s.name, err)
			}
			data := recordSession(t, s, dir, size.cols, size.rows)
			var z bytes.Buffer
			w, _ := gzip.NewWriterLevel(&z, gzip.BestCompression)
			w.Write(data)
			w.Close()
			writeFile(t, fmt.Sprintf("testdata/sessions/%s-%dx%d.gz", s.name, size.cols, size.rows), z.Bytes())
		}
	}
}

// recordingPlace is a directory with files to look at, and a git repository.
func recordingPlace(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	sources, err := filepath.Glob("[a-s]*.go")
	if err != nil {
		t.Fatal(err)
	}
	git := func(args ...string) {
		cmd := exec.Command("git", append([]string{"-c", "user.name=A", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v: %s", args, err, out)
		}
	}
	git("init", "-q")
	writeFile(t, filepath.Join(dir, "tmux.conf"), []byte("set -g default-command \"env PS1='$ ' bash --norc\"\n"))
	for _, name := range sources {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		writeFile(t, filepath.Join(dir, name), text)
		git("add", name)
		git("commit", "-q", "-m", "add "+name)
	}
	return dir
}

// recordSession runs a program on a pane and returns what it wrote until it
// had reacted to the last key.
func recordSession(t *testing.T, s session, dir string, cols, rows int) []byte {
	t.Helper()
	pane := NewPane(cols, rows, Options{})
	defer pane.Close()
	cmd := exec.Command(s.argv[0], s.argv[1:]...)
	cmd.Dir = dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "TERM=xterm-256color", "LC_ALL=C.UTF-8", "HOME=" + dir, "TMUX_TMPDIR=" + dir}
	tty, err := pty.StartWithSize(cmd, &pty.Winsize{Cols: uint16(cols), Rows: uint16(rows)})
	if err != nil {
		t.Fatal(err)
	}
	pane.OnReply(func(b []byte) { tty.Write(b) })
	out := make(chan []byte)
	go func() {
		defer close(out)
		for {
			buf := make([]byte, 64<<10)
			n, err := tty.Read(buf)
			if err != nil {
				return
			}
			out <- buf[:n]
		}
	}()
	var data []byte
	settle := func() {
		for {
			select {
			case b, ok := <-out:
				if !ok {
					return
				}
				pane.Feed(b)
				data = append(data, b...)
			case <-time.After(700 * time.Millisecond):
				return
			}
		}
	}
	settle()
	for _, k := range s.keys {
		if !strings.Contains(strings.Join(pane.Text(), "\n"), k.after) {
			t.Errorf("%s: %q is not on the screen:\n%s", s.name, k.after, strings.Join(pane.Text(), "\n"))
		}
		tty.WriteString(k.send)
		settle()
	}
	cmd.Process.Kill()
	tty.Close()
	for range out {
	}
	cmd.Wait()
	exec.Command("tmux", "-S", filepath.Join(dir, fmt.Sprintf("tmux-%d", os.Getuid()), "default"), "kill-server").Run()
	return data
}
