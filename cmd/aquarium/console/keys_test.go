package console

import (
	"bytes"
	"testing"
)

func TestKeys(t *testing.T) {
	tests := []struct {
		name   string
		reads  []string // one per read of the terminal
		send   string
		detach bool
	}{
		{"plain text", []string{"ls -l\r"}, "ls -l\r", false},
		{"every control character", []string{"\x00\x01\x02\x03\x1a\x1b\x1c\x7f"}, "\x00\x01\x02\x03\x1a\x1b\x1c\x7f", false},
		{"not utf-8", []string{"\xff\xfe\xc3"}, "\xff\xfe\xc3", false},
		{"detach", []string{"\x1dd"}, "", true},
		{"detach in two reads", []string{"\x1d", "d"}, "", true},
		{"what comes before it", []string{"ab\x1ddcd"}, "ab", true},
		{"prefix waits", []string{"a\x1d"}, "a", false},
		{"literal", []string{"\x1d]x"}, "\x1dx", false},
		{"literal in two reads", []string{"\x1d", "]x"}, "\x1dx", false},
		{"any other key", []string{"\x1dxd"}, "\x1dxd", false},
		{"prefix twice", []string{"\x1d\x1dd"}, "\x1d\x1dd", false},
		{"prefix and an arrow", []string{"\x1d\x1b[A"}, "\x1d\x1b[A", false},
		{"capital D is another key", []string{"\x1dD"}, "\x1dD", false},
		{"cut escape sequence", []string{"\x1b", "[A"}, "\x1b[A", false},
		{"kitty: detach", []string{"\x1b[93;5u", "d"}, "", true},
		{"kitty: with a release, and d as a sequence", []string{"\x1b[93;5:1u", "\x1b[93;5:3u", "\x1b[100;1:1u"}, "", true},
		{"kitty: with num lock", []string{"\x1b[93;133u", "\x1b[100;129u"}, "", true},
		{"kitty: literal", []string{"\x1b[93;5u", "\x1b[93u"}, "\x1b[93;5u", false},
		{"kitty: another key", []string{"\x1b[93;5u", "\x1b[120u"}, "\x1b[93;5u\x1b[120u", false},
		{"kitty: alt is not the prefix", []string{"\x1b[93;7ud"}, "\x1b[93;7ud", false},
		{"kitty: releases go through", []string{"\x1b[97;1:3u"}, "\x1b[97;1:3u", false},
		{"modifyOtherKeys: detach", []string{"\x1b[27;5;93~d"}, "", true},
		{"pasted text is text", []string{"\x1b[200~a\x1ddb\x1b[201~c"}, "\x1b[200~a\x1ddb\x1b[201~c", false},
		{"a paste in several reads", []string{"\x1b[200~a\x1d", "d", "\x1b[201~\x1dd"}, "\x1b[200~a\x1dd\x1b[201~", true},
		{"endless sequence", []string{"\x1b[1;1;1;1;1;1;1;1"}, "\x1b[1;1;1;1;1;1;1;1", false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			k := keys{prefix: DefaultPrefix}
			var got []byte
			detached := false
			for _, read := range test.reads {
				send, detach := k.take([]byte(read))
				got = append(got, send...)
				if detached = detach; detach {
					break
				}
			}
			if string(got) != test.send || detached != test.detach {
				t.Errorf("sends %q, detaches %v; want %q, %v", got, detached, test.send, test.detach)
			}
		})
	}
}

// FuzzKeys: without the prefix in any of its forms, all goes through as it is.
func FuzzKeys(f *testing.F) {
	f.Add([]byte("text\x1b[A\x1b[200~paste"), uint8(3))
	f.Add([]byte("\x1b[27;5;93\x1b[100;1:3u"), uint8(1))
	f.Fuzz(func(t *testing.T, input []byte, size uint8) {
		if bytes.IndexByte(input, byte(DefaultPrefix)) >= 0 || bytes.Contains(input, []byte("93")) {
			return
		}
		k := keys{prefix: DefaultPrefix}
		var got []byte
		for rest := input; len(rest) > 0; {
			n := min(len(rest), int(size)+1)
			send, detach := k.take(rest[:n])
			if detach {
				t.Fatalf("%q detaches", input)
			}
			got = append(got, send...)
			rest = rest[n:]
		}
		if !bytes.Equal(got, input) {
			t.Fatalf("sends %q of %q", got, input)
		}
	})
}

func TestParsePrefix(t *testing.T) {
	tests := []struct {
		text string
		want Prefix // 0: refused
		show string
	}{
		{"ctrl-]", 0x1d, "Ctrl-]"}, {"ctrl-a", 1, "Ctrl-A"}, {"Ctrl-A", 1, "Ctrl-A"}, {"^A", 1, "Ctrl-A"}, {"^a", 1, "Ctrl-A"},
		{"^\\", 0x1c, `Ctrl-\`}, {"ctrl-_", 0x1f, "Ctrl-_"},
		{"", 0, ""}, {"a", 0, ""}, {"^", 0, ""}, {"ctrl-", 0, ""}, {"ctrl-ab", 0, ""}, {"ctrl-1", 0, ""}, {"ctrl-é", 0, ""},
	}
	for _, test := range tests {
		got, err := ParsePrefix(test.text)
		if got != test.want || (err != nil) != (test.want == 0) {
			t.Errorf("ParsePrefix(%q) = %v, %v; want %v", test.text, got, err, test.want)
		}
		if err == nil && got.String() != test.show {
			t.Errorf("%q shows as %q, want %q", test.text, got, test.show)
		}
	}
}

// FuzzParsePrefix: a key that can be given can be shown, and is the same then;
// and typed, it and d detach.
func FuzzParsePrefix(f *testing.F) {
	for _, s := range []string{"ctrl-]", "^a", "Ctrl-@", "^[", "ctrl-", "^", "x", "ctrl-é", "^\xff", "CTRL-_", "ctrl-p,ctrl-q"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePrefix(s)
		if err != nil {
			return
		}
		if again, err := ParsePrefix(p.String()); err != nil || again != p || p >= ' ' {
			t.Errorf("%q is %d, shown as %s, which is %d, %v", s, p, p, again, err)
		}
		k := keys{prefix: p}
		if send, detach := k.take([]byte{'x', byte(p), 'd', 'y'}); !detach || string(send) != "x" {
			t.Errorf("%s and d send %q, and detach: %v", p, send, detach)
		}
	})
}
