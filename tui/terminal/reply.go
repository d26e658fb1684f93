package terminal

import "sync"

// maxQueued bounds the answers on their way to a program that does not read
// them. What does not fit is dropped, whole answers at a time.
const maxQueued = 64 << 10

// replyQueue carries answers to the program without ever making the parser wait.
type replyQueue struct {
	mu      sync.Mutex
	waiting [][]byte
	size    int
	wake    chan struct{}
	done    chan struct{}
	once    sync.Once
	started bool
}

func newReplyQueue() *replyQueue {
	return &replyQueue{wake: make(chan struct{}, 1), done: make(chan struct{})}
}

func (q *replyQueue) add(b []byte) {
	q.mu.Lock()
	if q.started && q.size+len(b) <= maxQueued {
		q.waiting = append(q.waiting, b)
		q.size += len(b)
	}
	q.mu.Unlock()
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// start begins handing answers to f. A second call changes nothing.
func (q *replyQueue) start(f func([]byte)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.started {
		return
	}
	q.started = true
	go q.run(f)
}

func (q *replyQueue) run(f func([]byte)) {
	for {
		select {
		case <-q.done:
			return
		case <-q.wake:
		}
		for _, b := range q.take() {
			f(b)
		}
	}
}

func (q *replyQueue) take() [][]byte {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.waiting
	q.waiting, q.size = nil, 0
	return w
}

func (q *replyQueue) close() { q.once.Do(func() { close(q.done) }) }
