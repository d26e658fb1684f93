package rootfs

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// Pace follows the progress of one piece of work: of each item and of all together, how much is
// done, how fast it goes, and how long it will take still. [Pace.Take] is a receiver of [Progress].
// It is safe for concurrent use; the zero value is ready.
type Pace struct {
	mutex sync.Mutex
	items []*pacedItem // in the order in which they were first heard of
	word  string
	moved int64 // bytes, since it was followed
	all   speed
}

// Paced is an item and its speed.
type Paced struct {
	Progress
	Rate float64       // bytes a second, over the last few seconds
	Left time.Duration // at that rate; 0 where nobody knows
}

type pacedItem struct {
	Progress
	speed
}

// Take notes a report, and returns its item as it is now. What has neither bytes nor an item is no
// item, but a word on what is being done.
func (p *Pace) Take(now Progress) Paced {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if now.Item == "" && now.Done == 0 && now.Total == 0 {
		p.word = now.Stage
		return Paced{Progress: now}
	}
	at := time.Now()
	item := p.find(now)
	if now.Done > item.Done {
		p.moved += now.Done - item.Done
	}
	item.Progress = now
	item.note(at, now.Done)
	p.all.note(at, p.moved)
	return item.paced(at)
}

// find returns the item of a report. What a new one has was there before: it has not moved.
func (p *Pace) find(now Progress) *pacedItem {
	for _, item := range p.items {
		if item.Stage == now.Stage && item.Item == now.Item {
			return item
		}
	}
	item := &pacedItem{Progress: now}
	p.items = append(p.items, item)
	return item
}

// Items returns all items, in the order in which they were first heard of.
func (p *Pace) Items() []Paced {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	at := time.Now()
	items := make([]Paced, len(p.items))
	for i, item := range p.items {
		items[i] = item.paced(at)
	}
	return items
}

// Word is what was last said to be done, by something that counts no bytes; it may be "".
func (p *Pace) Word() string {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.word
}

// Sum returns all items as one, and how many of them are finished. The total is known when all of
// theirs are.
func (p *Pace) Sum() (sum Paced, finished int) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.sum(p.items)
}

// Together returns the items of one stage as one, "unpack 1 of 3"; one that is alone is itself.
func (p *Pace) Together(stage string) Paced {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	items := slices.DeleteFunc(slices.Clone(p.items), func(i *pacedItem) bool { return i.Stage != stage })
	if len(items) == 1 {
		return items[0].paced(time.Now())
	}
	sum, finished := p.sum(items)
	sum.Stage, sum.Item = stage, fmt.Sprintf("%d of %d", finished, len(items))
	return sum
}

func (p *Pace) sum(items []*pacedItem) (sum Paced, finished int) {
	known := true
	for _, item := range items {
		sum.Done += item.Done
		sum.Total += item.Total
		known = known && item.Total > 0
		if item.Finished() {
			finished++
		}
	}
	if !known {
		sum.Total = 0
	}
	sum.Rate = p.all.rate(time.Now())
	sum.estimate()
	return sum, finished
}

func (i *pacedItem) paced(at time.Time) Paced {
	out := Paced{Progress: i.Progress, Rate: i.rate(at)}
	out.estimate()
	return out
}

func (p *Paced) estimate() {
	if missing := p.Total - p.Done; missing > 0 && p.Rate > 0 {
		p.Left = time.Duration(min(float64(missing)/p.Rate, maxLeft.Seconds()) * float64(time.Second))
	}
}

// maxLeft is the longest time that is estimated: slower is as good as never.
const maxLeft = 1000 * time.Hour

// Text is one line: what, how much, how fast, how long still.
func (p Paced) Text() string {
	parts := []string{strings.TrimSpace(Visible(p.Stage) + " " + p.Label())}
	for _, part := range []string{p.Amount(), p.Speed(), p.Remaining()} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "  ")
}

// Label is the item as it is shown: of a digest as much as tells it from others.
func (p Paced) Label() string {
	const longest = 19
	if isDigest(p.Item) {
		return strings.TrimPrefix(p.Item, "sha256:")[:shortLength]
	}
	return fmt.Sprintf("%.*s", longest, Visible(p.Item))
}

// Amount is how much is done, and of how much.
func (p Paced) Amount() string {
	switch {
	case p.Total > 0:
		return fmt.Sprintf("%s of %s (%d%%)", BytesText(p.Done), BytesText(p.Total), p.Percent())
	case p.Done > 0:
		return BytesText(p.Done)
	}
	return ""
}

// Percent is how much is done; 0 where nobody knows.
func (p Progress) Percent() int {
	if p.Total <= 0 {
		return 0
	}
	return int(min(100, 100*float64(p.Done)/float64(p.Total)))
}

// Speed is the rate as text; "" where nothing moves.
func (p Paced) Speed() string {
	if p.Rate < 1 {
		return ""
	}
	return BytesText(int64(p.Rate)) + "/s"
}

// Remaining is the time left as text; "" where nobody knows.
func (p Paced) Remaining() string {
	switch {
	case p.Left <= 0:
		return ""
	case p.Left >= maxLeft:
		return "hardly moves"
	}
	return p.Left.Round(time.Second).String() + " left"
}

// Finished tells whether the item is complete.
func (p Progress) Finished() bool { return p.Total > 0 && p.Done >= p.Total }

// BytesText writes a size in binary units.
func BytesText(n int64) string {
	const unit = 1024
	if n < unit {
		return fmt.Sprintf("%d B", n)
	}
	value, letters := float64(n)/unit, "KMGTP"
	for value >= unit && len(letters) > 1 {
		value, letters = value/unit, letters[1:]
	}
	return fmt.Sprintf("%.1f %ciB", value, letters[0])
}

// speed is how fast a number grows.
type speed struct{ samples []sample }

type sample struct {
	at   time.Time
	done int64
}

// speedWindow is how far back a rate looks: long enough that it does not jump, short enough that a
// transfer that stalls is seen to.
const speedWindow = 5 * time.Second

// note takes the number as it is now. As long as it is 0 it has not begun; when it falls it begins
// again.
func (s *speed) note(at time.Time, done int64) {
	if n := len(s.samples); n > 0 && (done == 0 || done < s.samples[n-1].done) {
		s.samples = s.samples[:0]
	}
	s.samples = append(s.samples, sample{at, done})
	for len(s.samples) > 2 && at.Sub(s.samples[1].at) >= speedWindow {
		s.samples = s.samples[1:]
	}
}

// rate is in units a second.
func (s *speed) rate(at time.Time) float64 {
	if len(s.samples) < 2 {
		return 0
	}
	first, last := s.samples[0], s.samples[len(s.samples)-1]
	took := at.Sub(first.at).Seconds()
	if took <= 0 {
		return 0
	}
	return float64(last.done-first.done) / took
}
