package rootfs

import (
	"io"
	"sync"
	"time"
)

// Meter turns bytes into progress reports. The meters of several items may share one receiver.
type Meter struct {
	report   func(Progress)
	mutex    sync.Mutex
	progress Progress
	last     time.Time   // of the last report
	due      *time.Timer // reports what came since, should nothing more come
	stopped  bool
}

// meterInterval is the time between two reports.
const meterInterval = 100 * time.Millisecond

// NewMeter returns a meter for one item; report may be nil. It is to be stopped.
func NewMeter(report func(Progress), stage, item string, total int64) *Meter {
	return &Meter{report: report, progress: Progress{Stage: stage, Item: item, Total: total}}
}

// Add counts n more bytes.
func (m *Meter) Add(n int64) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.progress.Done += n
	if m.report == nil || m.stopped {
		return
	}
	switch since := time.Since(m.last); {
	case since >= meterInterval:
		m.tell()
	case m.due == nil:
		m.due = time.AfterFunc(meterInterval-since, m.tellLate)
	}
}

// tell reports. The caller holds the mutex.
func (m *Meter) tell() {
	if m.due != nil {
		m.due.Stop()
		m.due = nil
	}
	m.last = time.Now()
	m.report(m.progress)
}

func (m *Meter) tellLate() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if m.due != nil && !m.stopped {
		m.tell()
	}
}

// Finish reports the item as complete.
func (m *Meter) Finish() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.progress.Total = m.progress.Done
	if m.report != nil {
		m.tell()
	}
}

// Stop ends the reports: when it returns none is under way, and no more come.
func (m *Meter) Stop() {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.stopped = true
	if m.due != nil {
		m.due.Stop()
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
