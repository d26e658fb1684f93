package ids

import (
	"slices"
	"testing"
)

func TestParse(t *testing.T) {
	t.Parallel()
	text := "fish:100000:65536\n# a comment\nreef:1:2\n1000:300000:10\nfish:200000:1\nfish:x:1\nfish:1\nfish:1:2:3\nfish:-1:5\n" +
		"fish:4294967295:1\nfish:4294967294:1\nfish:5:0\nfish:4000000000:4000000000\nfish:400000:7"
	want := []Range{{100000, 65536}, {300000, 10}, {200000, 1}, {4294967294, 1}, {400000, 7}}
	if got := Parse(text, "fish", 1000); !slices.Equal(got, want) {
		t.Errorf("ranges %v, want %v", got, want)
	}
	if got := Parse(text, "", -1); got != nil {
		t.Errorf("nobody has %v", got)
	}
}

func FuzzParse(f *testing.F) {
	f.Add("fish:100000:65536\n1000:1:1\n", "fish", 1000)
	f.Add("fish:4294967294:1", "fish", 0)
	f.Add(":::\n::\n", "", -1)
	f.Fuzz(func(t *testing.T, text, name string, number int) {
		for _, r := range Parse(text, name, number) {
			if r.Start < 0 || r.Count <= 0 || r.end() > limit {
				t.Errorf("%q gives %v, which are no ids", text, r)
			}
		}
	})
}
