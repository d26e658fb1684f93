package rootfs

import (
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

const mib = 1 << 20

// In a bubble, time is what the test says.
func TestPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var p Pace
		p.Take(Progress{Stage: "unpack", Item: "there", Done: 30 * mib, Total: 30 * mib})
		p.Take(Progress{Stage: "unpack", Item: "a", Total: 10 * mib})
		p.Take(Progress{Stage: "unpack", Item: "b", Total: 60 * mib})
		time.Sleep(time.Hour) // waiting does not make it slow
		p.Take(Progress{Stage: "unpack", Item: "a", Total: 10 * mib})
		for second := range 4 {
			time.Sleep(time.Second)
			p.Take(Progress{Stage: "unpack", Item: "a", Done: int64(second+1) * 2 * mib, Total: 10 * mib})
		}
		if got, want := p.Items()[1].Text(), "unpack a  8.0 MiB of 10.0 MiB (80%)  2.0 MiB/s  1s left"; got != want {
			t.Errorf("a is %q, want %q", got, want)
		}
		sum, finished := p.Sum()
		if got, want := sum.Amount()+", "+sum.Speed()+", "+sum.Remaining(), "38.0 MiB of 100.0 MiB (38%), 2.0 MiB/s, 31s left"; got != want || finished != 1 {
			t.Errorf("together %q with %d finished, want %q with 1", got, finished, want)
		}
		p.Take(Progress{Stage: "read", Done: 5})
		if got, want := p.Together("unpack").Text(), "unpack 1 of 3  38.0 MiB of 100.0 MiB (38%)  2.0 MiB/s  31s left"; got != want {
			t.Errorf("the stage is %q, want %q", got, want)
		}
		if got := p.Together("read").Text(); got != "read  5 B" {
			t.Errorf("what is alone is %q", got)
		}
		if waits := p.Items()[2].Text(); waits != "unpack b  0 B of 60.0 MiB (0%)" {
			t.Errorf("b is %q", waits)
		}
		time.Sleep(36 * time.Second) // it stalls
		if got := p.Items()[1].Speed(); got != "204.8 KiB/s" {
			t.Errorf("a minute later its speed is %q", got)
		}
		p.Take(Progress{Stage: "unpack", Item: "a", Done: mib, Total: 10 * mib}) // begun again
		time.Sleep(time.Second)
		p.Take(Progress{Stage: "unpack", Item: "a", Done: 4 * mib, Total: 10 * mib})
		if got := p.Items()[1].Speed(); got != "3.0 MiB/s" {
			t.Errorf("after a new begin its speed is %q", got)
		}
	})
}

func TestPaceOfWhatCountsNothing(t *testing.T) {
	t.Parallel()
	var p Pace
	p.Take(Progress{Stage: "Retrieving libc6"})
	p.Take(Progress{Stage: "Unpacking libc6"})
	if len(p.Items()) != 0 || p.Word() != "Unpacking libc6" {
		t.Errorf("items %v, word %q", p.Items(), p.Word())
	}
	if sum, _ := p.Sum(); sum.Amount() != "" || sum.Speed() != "" || sum.Remaining() != "" {
		t.Errorf("the sum is %+v", sum)
	}
	p.Take(Progress{Stage: "unpack", Done: 5})
	if sum, finished := p.Sum(); sum.Amount() != "5 B" || finished != 0 {
		t.Errorf("of unknown size: %q, %d finished", sum.Amount(), finished)
	}
}

func TestPacedTextIsVisible(t *testing.T) {
	t.Parallel()
	digest := "sha256:" + strings.Repeat("0123456789abcdef", 4)
	for _, c := range []struct {
		now  Progress
		want string
	}{
		{Progress{Stage: "unpack", Item: digest}, "unpack 0123456789ab"},
		{Progress{Stage: "\x1b[31m", Item: "\x1b]0;x\a" + strings.Repeat("y", 99)}, `\x1b[31m \x1b]0;x\x07yyyyyyy`},
		{Progress{Stage: "read", Done: 3 << 30, Total: 2 << 30}, "read  3.0 GiB of 2.0 GiB (100%)"},
		{Progress{Stage: "read", Done: 1 << 62, Total: 1<<63 - 1}, "read  4096.0 PiB of 8192.0 PiB (50%)"},
	} {
		if got := (Paced{Progress: c.now}).Text(); got != c.want {
			t.Errorf("%+v is %q, want %q", c.now, got, c.want)
		}
	}
}

// What comes just before nothing more does is reported all the same, and when the meter is stopped
// nothing is.
func TestMeterTellsLate(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var told []int64
		m := NewMeter(func(p Progress) { told = append(told, p.Done) }, "read", "", 0)
		m.Add(1)
		m.Add(2)
		m.Add(3)
		time.Sleep(meterInterval)
		synctest.Wait()
		m.Add(4)
		m.Add(5)
		m.Stop()
		time.Sleep(time.Second)
		if want := []int64{1, 6}; !slices.Equal(told, want) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}
