package terminal

import (
	"strings"
	"testing"
)

// fed returns a screen of 10×5 that was shown some output.
func fed(output string) *Screen {
	s := New(10, 5, Options{})
	s.Write([]byte(output))
	return s
}

const abc = "abcdefghij\r\nklmnopqrst\r\nuvwxyzABCD\r\nEFGHIJKLMN\r\nOPQRSTUVWX"

// TestControlFunctions has one entry for each control function, and for each
// mistake that other emulators make with it. Rows are joined by "|".
func TestControlFunctions(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"BS", "abc\b\bX", "aXc"},
		{"BS stops at the left", "a\b\b\bX", "X"},
		{"CR", "abc\rX", "Xbc"},
		{"HT", "\tX", "        X"},
		{"HT at the margin", "\t\t\tX", "         X"},
		{"LF VT FF", "a\nb\vc\fd", "a| b|  c|   d"},
		{"SO SI", "\x1b)0\x0eq\x0fq", "─q"},
		{"SS2 SS3", "\x1b*0\x1b+0\x1bNqq\x1bOqq", "─q─q"},
		{"LS2 LS3", "\x1b*0\x1bnq\x0fq", "─q"},
		{"IND", "ab\x1bDc", "ab|  c"},
		{"NEL", "ab\x1bEc", "ab|c"},
		{"RI", "a\r\nb\x1bMc", "ac|b"},
		{"RI scrolls", "a\x1bM\rb", "b|a"},
		{"HTS TBC", "\x1b[5G\x1bH\r\tX\x1b[5G\x1b[g\r\tY", "    X   Y"},
		{"TBC 3", "\x1b[3g\tX", "         X"},
		{"CBT", "\x1b[10G\x1b[ZX", "        X"},
		{"CHT", "\x1b[IX", "        X"},
		{"CUU CUD CUF CUB", "\x1b[3;3H\x1b[AX\x1b[2BY\x1b[3DZ\x1b[2CW", "|  X|| Z YW"},
		{"CUP HVP", "\x1b[2;3HX\x1b[4;1fY", "|  X||Y"},
		{"CUP beyond", "\x1b[99;99HX", "||||         X"},
		{"CNL CPL", "ab\x1b[2Ec\x1b[Fd", "ab|d|c"},
		{"CHA HPA VPA", "\x1b[4Ga\x1b[2`b\x1b[3dc", " b a||  c"},
		{"HPR VPR", "a\x1b[2ab\x1b[2ec", "a  b||    c"},
		{"ICH", "abc\x1b[2G\x1b[2@", "a  bc"},
		{"DCH", "abcdef\x1b[2G\x1b[2P", "adef"},
		{"DCH through a wide character", "a日b\x1b[3G\x1b[P", "a b"},
		{"ICH through a wide character", "a日b\x1b[3G\x1b[@", "a   b"},
		{"ICH pushes half a wide character out", "12345678日\x1b[G\x1b[@", " 12345678"},
		{"ECH", abc + "\x1b[HX\x1b[3X", "X   efghij|klmnopqrst|uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"EL 0", abc + "\x1b[2;4H\x1b[K", "abcdefghij|klm|uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"EL 1", abc + "\x1b[2;4H\x1b[1K", "abcdefghij|    opqrst|uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"EL 2", abc + "\x1b[2;4H\x1b[2K", "abcdefghij||uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"EL 0 while a wrap is pending", "0123456789\x1b[KX", "0123456789|X"},
		{"ED 0", abc + "\x1b[2;4H\x1b[J", "abcdefghij|klm"},
		{"ED 1 keeps the rest of the line", abc + "\x1b[2;4H\x1b[1J", "|    opqrst|uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"ED 2", abc + "\x1b[2J", ""},
		{"ED 3 keeps the screen", abc + "\r\nlast\x1b[3J", "klmnopqrst|uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX|last"},
		{"IL", abc + "\x1b[2;4H\x1b[L*", "abcdefghij|*|klmnopqrst|uvwxyzABCD|EFGHIJKLMN"},
		{"DL", abc + "\x1b[2;4H\x1b[M*", "abcdefghij|*vwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"SU", abc + "\x1b[2S", "uvwxyzABCD|EFGHIJKLMN|OPQRSTUVWX"},
		{"SD", abc + "\x1b[2T", "||abcdefghij|klmnopqrst|uvwxyzABCD"},
		{"SL SR", "abc\x1b[2 @\r\ndef\x1b[ A", " c| def"},
		{"DECSTBM", abc + "\x1b[2;4r\x1b[4;1H\n*", "abcdefghij|uvwxyzABCD|EFGHIJKLMN|*|OPQRSTUVWX"},
		{"DECSTBM, SD", abc + "\x1b[2;4r\x1b[T", "abcdefghij||klmnopqrst|uvwxyzABCD|OPQRSTUVWX"},
		{"DECSLRM", "\x1b[?69h\x1b[3;5sabcdefgh", "abcde|  fgh"},
		{"DECSLRM, scrolling", abc + "\x1b[?69h\x1b[3;5s\x1b[5;3H\n", "abmnofghij|klwxypqrst|uvGHIzABCD|EFQRSJKLMN|OP   TUVWX"},
		{"DECOM", "\x1b[2;4r\x1b[?6hX\x1b[9;1HY", "|X||Y"},
		{"DECAWM off", "\x1b[?7l0123456789ab", "012345678b"},
		{"DECAWM pending", "0123456789\rX", "X123456789"},
		{"IRM", "abc\r\x1b[4hX\x1b[4lY", "XYbc"},
		{"IRM, wide", "abc\r\x1b[4h日", "日abc"},
		{"LNM", "ab\x1b[20h\ncd", "ab|cd"},
		{"DECALN", "\x1b#8", "EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE|EEEEEEEEEE"},
		{"DECSTR", "\x1b[4h\x1b[?6h\x1b[2;3r\x1b[!pab\x1b[Hc", "c|ab"},
		{"RIS", abc + "\x1b[?6h\x1bcX", "X"},
		{"DECSC DECRC", "ab\x1b7\x1b[4;4H\x1b8c", "abc"},
		{"SCOSC SCORC", "ab\x1b[s\x1b[4;4H\x1b[uc", "abc"},
		{"DECRC without DECSC", "abc\x1b8X", "Xbc"},
		{"DECBI DECFI", "abc\r\x1b6X\x1b[10G\x1b9Y", "abc      Y"},
		{"DECIC DECDC", "abc\r\nabc\x1b[1;2H\x1b['}\x1b[1;1H\x1b['~", " bc| bc"},
		{"REP", "a日\x1b[2bx\x1b[2b", "a日日日xxx"},
		{"REP after a control", "a\r\n\x1b[3b", "a|aaa"},
		{"DECFRA", "\x1b[42;2;2;3;4$x", "| ***| ***"},
		{"DECERA", abc + "\x1b[2;2;4;9$z", "abcdefghij|k        t|u        D|E        N|OPQRSTUVWX"},
		{"DECSERA DECSCA", "a\x1b[1\"qb\x1b[\"qc\x1b[1;1;1;3${", " b"},
		{"DECSEL", "a\x1b[1\"qb\x1b[\"qc\x1b[?2K", " b"},
		{"DECSED", "a\x1b[1\"qb\x1b[\"qc\x1b[?2J", " b"},
		{"SPA EPA", "a\x1bVb\x1bWc\x1b[2J", " b"},
		{"DECCRA", abc + "\x1b[1;1;2;3;1;3;3;1$v", "abcdefghij|klmnopqrst|uvabczABCD|EFklmJKLMN|OPQRSTUVWX"},
		{"DECCRA over itself", abc + "\x1b[1;1;2;10;1;2;1;1$v", "abcdefghij|abcdefghij|klmnopqrst|EFGHIJKLMN|OPQRSTUVWX"},
		{"mode 47", "a\x1b[?47h\x1b[Hb\x1b[?47lc", "ac"},
		{"mode 1049 left without being entered", "abc\x1b[?1049lX", "abcX"},
		{"mode 47 keeps the alternate screen", "\x1b[?47h\x1b[Hb\x1b[?47l\x1b[?47h", "b"},
		{"mode 1049 clears it", "\x1b[?47h\x1b[Hb\x1b[?47l\x1b[?1049h", ""},
		{"mode 45", "0123456789ab\x1b[?45h\b\b\bX", "012345678X|ab"},
		{"XTSAVE XTRESTORE", "\x1b[?7s\x1b[?7l\x1b[?7r0123456789a", "0123456789|a"},
		{"CAN and SUB", "a\x1b[3\x18b\x1b[3\x1ac", "abc"},
		{"ESC in a sequence", "a\x1b[3\x1b[Cb", "a b"},
		{"controls in a sequence", "ab\x1b[\r2Cc", "abc"},
		{"C1 in UTF-8", "a\u009b2Cb\u0085c", "a  b|c"},
		{"DCS APC PM SOS are not shown", "a\x1bPq#1\x1b\\b\x1b_G\x1b\\c\x1b^x\x1b\\d\x1bXx\x1b\\e", "abcde"},
		{"unknown sequences are not shown", "a\x1b[>5;6zb\x1b[?1;2;3|c\x1b[1$^d\x1b%Ge", "abcde"},
		{"invalid UTF-8", "a\xffb\xe6\x97c", "a\ufffdb\ufffdc"},
		{"combining mark on ASCII", "e\u0301", "e\u0301"},
		{"combining mark after a wrap", "0123456789\u0301a", "0123456789\u0301|a"},
		{"combining mark on a wide character", "日\u0301x", "日\u0301x"},
		{"wide character at the margin", "012345678日", "012345678|日"},
		{"wide over half of a wide", "日本\x1b[2G月", " 月"},
		{"variation selector widens", "❤\ufe0fx", "❤\ufe0fx"},
		{"variation selector at the margin", "012345678❤\ufe0fx", "012345678|❤\ufe0fx"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := fed(c.in)
			if got := shown(s); got != c.want {
				t.Errorf("got  %q\nwant %q", got, c.want)
			}
			checkScreen(t, s)
			slow := New(10, 5, Options{})
			for i := range len(c.in) {
				slow.Write([]byte{c.in[i]})
			}
			if got := shown(slow); got != c.want {
				t.Errorf("byte by byte: got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestReplies(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"DA1", "\x1b[c", "\x1b[?64;1;6;21;22;28c"},
		{"DECID", "\x1bZ", "\x1b[?64;1;6;21;22;28c"},
		{"DA2", "\x1b[>c", "\x1b[>41;354;0c"},
		{"DA3", "\x1b[=c", "\x1bP!|00000000\x1b\\"},
		{"DSR 5", "\x1b[5n", "\x1b[0n"},
		{"CPR", "\x1b[3;4H\x1b[6n", "\x1b[3;4R"},
		{"CPR in origin mode", "\x1b[2;4r\x1b[?6h\x1b[2;3H\x1b[6n", "\x1b[2;3R"},
		{"DECXCPR", "\x1b[?6n", "\x1b[?1;1;1R"},
		{"DECRQM", "\x1b[4$p\x1b[?7$p\x1b[?2004$p\x1b[?4242$p", "\x1b[4;2$y\x1b[?7;1$y\x1b[?2004;2$y\x1b[?4242;0$y"},
		{"DECRQSS r", "\x1b[2;4r\x1bP$qr\x1b\\", "\x1bP1$r2;4r\x1b\\"},
		{"DECRQSS m", "\x1b[1;4:3;38;5;200m\x1bP$qm\x1b\\", "\x1bP1$r0;1;4:3;38;5;200m\x1b\\"},
		{"DECRQSS q", "\x1b[4 q\x1bP$q q\x1b\\", "\x1bP1$r4 q\x1b\\"},
		{"DECRQSS unknown", "\x1bP$qx\x1b\\", "\x1bP0$r\x1b\\"},
		{"XTVERSION", "\x1b[>q", "\x1bP>|aquarium\x1b\\"},
		{"window size", "\x1b[18t\x1b[14t", "\x1b[8;5;10t\x1b[4;100;100t"},
		{"title is not echoed", "\x1b]2;rm -rf\a\x1b[21t", "\x1b]l\x1b\\"},
		{"OSC 4, BEL", "\x1b]4;1;?\a", "\x1b]4;1;rgb:cdcd/0000/0000\a"},
		{"OSC 4, ST", "\x1b]4;1;#102030\x1b\\\x1b]4;1;?\x1b\\", "\x1b]4;1;rgb:1010/2020/3030\x1b\\"},
		{"OSC 104", "\x1b]4;1;#102030\a\x1b]104;1\a\x1b]4;1;?\a", "\x1b]4;1;rgb:cdcd/0000/0000\a"},
		{"OSC 10 11 12", "\x1b]10;?;?\a\x1b]12;?\a", "\x1b]10;rgb:e5e5/e5e5/e5e5\a\x1b]11;rgb:0000/0000/0000\a\x1b]12;rgb:e5e5/e5e5/e5e5\a"},
		{"OSC 52 is not answered", "\x1b]52;c;?\a", ""},
		{"kitty", "\x1b[>5u\x1b[?u\x1b[=2;2u\x1b[?u\x1b[<u\x1b[?u", "\x1b[?5u\x1b[?7u\x1b[?0u"},
		{"kitty, each screen its own", "\x1b[>5u\x1b[?1049h\x1b[?u\x1b[?1049l\x1b[?u", "\x1b[?0u\x1b[?5u"},
		{"modifyOtherKeys", "\x1b[>4;2m\x1b[?4m", "\x1b[>4;2m"},
		{"DECRQCRA", "AB\x1b[7;1;1;1;1;2*y", "\x1bP7!~FF7D\x1b\\"},
		{"ENQ", "\x05", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := string(fed(c.in).TakeReplies()); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

func TestSGR(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"1;2;3;4;5;7;8;9", "0;1;2;3;5;7;8;9;4"},
		{"1;22", "0"}, {"3;23", "0"}, {"4;24", "0"}, {"5;25", "0"}, {"7;27", "0"}, {"8;28", "0"}, {"9;29", "0"},
		{"21", "0;4:2"}, {"4:3", "0;4:3"}, {"4:0", "0"}, {"53", "0;53"}, {"53;55", "0"},
		{"31;42", "0;31;42"}, {"91;102", "0;91;102"}, {"31;39", "0"},
		{"38;5;200", "0;38;5;200"}, {"38:5:200", "0;38;5;200"}, {"38;5;9", "0;91"},
		{"38;2;1;2;3", "0;38;2;1;2;3"}, {"38:2:1:2:3", "0;38;2;1;2;3"}, {"38:2::1:2:3", "0;38;2;1;2;3"},
		{"48;2;1;2;3;1", "0;1;48;2;1;2;3"}, {"58:2::1:2:3;4", "0;4;58:2::1:2:3"}, {"58;5;3", "0;58:5:3"}, {"58;5;3;59", "0"},
		{"38;5;300", "0"}, {"38;2;256;0;0", "0"}, {"38", "0"}, {"38;5", "0;30"}, {";1", "0;1"}, {"1;", "0"},
		{"1:2;3", "0;1;3"}, {"99999999999;1", "0;1"},
	} {
		s := fed("\x1b[" + c.in + "m")
		if got := s.penNumbers(); got != c.want {
			t.Errorf("SGR %s: got %s, want %s", c.in, got, c.want)
		}
	}
}

func TestSetColours(t *testing.T) {
	p := NewPane(10, 5, Options{})
	defer p.Close()
	p.SetColours(0x102030, 0xfffefd)
	p.Feed([]byte("\x1bc"))
	s := p.screen
	s.Write([]byte("\x1b]10;?\a\x1b]11;?\a"))
	if got, want := string(s.TakeReplies()), "\x1b]10;rgb:1010/2020/3030\a\x1b]11;rgb:ffff/fefe/fdfd\a"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOuterSequences(t *testing.T) {
	if got, want := AttachKeys(Modes{KittyFlags: 5, ModifyOtherKeys: 2}), "\x1b[>4;2m\x1b[=5;1u"; got != want {
		t.Errorf("attach %q, want %q", got, want)
	}
	if got, want := DetachKeys(1), "\x1b[>4;2m\x1b[=1;1u"; got != want {
		t.Errorf("detach %q, want %q", got, want)
	}
	if got, want := SetClipboard("hi"), "\x1b]52;c;aGk=\x1b\\"; got != want {
		t.Errorf("clipboard %q, want %q", got, want)
	}
}

func TestOSC(t *testing.T) {
	s := fed("\x1b]2;a;b\x07")
	if s.title != "a;b" {
		t.Errorf("title %q", s.title)
	}
	s = fed("\x1b]0;a\u202eb\tc" + strings.Repeat("x", 1000) + "\x1b\\")
	if want := "abc" + strings.Repeat("x", maxTitleRunes-3); s.title != want {
		t.Errorf("title %q", s.title)
	}
	s = fed("\x1b]8;id=7;http://example.org/a;b\x1b\\x")
	if e := s.pool.extras.get(s.cur.pen.ext); e.uri != "http://example.org/a;b" || e.id != "7" {
		t.Errorf("link %+v", e)
	}
	s = fed("\x1b]52;c;aGVsbG8=\x1b\\\x1b]7;file://host/dir\x07")
	if len(s.clipboard) != 1 || string(s.clipboard[0].Text) != "hello" || s.directory != "file://host/dir" {
		t.Errorf("clipboard %q, directory %q", s.clipboard, s.directory)
	}
}

// TestScrollback tells what goes to the history and what does not.
func TestScrollback(t *testing.T) {
	for _, c := range []struct{ name, in, want string }{
		{"LF", abc + "\r\n1\r\n2", "abcdefghij|klmnopqrst"},
		{"SU", abc + "\x1b[2S", "abcdefghij|klmnopqrst"},
		{"LF in a region", abc + "\x1b[1;4r\x1b[4;1H\n\n", ""},
		{"LF between side margins", abc + "\x1b[?69h\x1b[2;9s\x1b[5;2H\n\n", ""},
		{"DL", abc + "\x1b[H\x1b[2M", ""},
		{"ED 2", abc + "\x1b[2J", ""},
		{"RI", abc + "\x1b[H\x1bM\x1bM", ""},
		{"ED 3", abc + "\r\n1\x1b[3J", ""},
		{"RIS keeps it", abc + "\r\n1\x1bc", "abcdefghij"},
		{"alternate screen", abc + "\x1b[?1049h\n\n\n\n\n\n\n\x1b[?1049l", ""},
		{"attributes", "\x1b[1;31mred\x1b[m plain\r\n1\r\n2\r\n3\r\n4\r\n5", "red plain"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := strings.TrimRight(scrolledOff(fed(c.in)), "|"); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}
