package rootfs

import (
	"io"
	"sync"
	"time"
)

// Meter turns bytes into progress reports. The zero of several meters may share one receiver.
type Meter struct {
	report   func(Progress)
	mutex    sync.Mutex
	progress Progress
	last     time.Time
}

// meterInterval is the time between two reports.
const meterInterval = 100 * time.Millisecond

// NewMeter returns a meter for one item; report may be nil.
func NewMeter(report func(Progress), stage, item string, total int64) *Meter {
	return &Meter{report: report, progress: Progress{Stage: stage, Item: item, Total: total}}
}

// Add counts n more bytes.
func (m *Meter) Add(n int64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.progress.Done += n
	if now := time.Now(); m.report != nil && now.Sub(m.last) >= meterInterval {
		m.last = now
		m.report(m.progress)
	}
}

// Finish reports the item as complete.
func (m *Meter) Finish() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.progress.Total = m.progress.Done
	if m.report != nil {
		m.report(m.progress)
	}
}

// Reader counts what is read of r.
func (m *Meter) Reader(r io.Reader) io.Reader { return &meteredReader{m, r} }

// Writer counts what is written to w.
func (m *Meter) Writer(w io.Writer) io.Writer { return &meteredWriter{m, w} }

type meteredReader struct {
	meter *Meter
	r     io.Reader
}

func (r *meteredReader) Read(p []byte) (int, error) {
	n, err := r.r.Read(p)
	r.meter.Add(int64(n))
	return n, err
}

type meteredWriter struct {
	meter *Meter
	w     io.Writer
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	n, err := w.w.Write(p)
	w.meter.Add(int64(n))
	return n, err
}
