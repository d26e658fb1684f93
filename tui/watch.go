package tui

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
)

// watcher tells when the lists have to be read again, and sleeps otherwise. It
// uses inotify(7) for the directories of the store, and pidfd_open(2) for
// supervisors: one that is killed writes nothing.
type watcher struct {
	store   *sandbox.Store
	notify  int            // inotify; -1 where the user has no instances left
	trees   map[int32]bool // watch descriptors of the directories with root filesystems
	epoll   int
	watched map[string]bool // running directories with a watch
	keepers map[int]int     // supervisor's pid to its pidfd
	wake    *os.File        // write end of a pipe, to end wait
	woken   *os.File
}

// blindPause is how long the watcher sleeps where it cannot be told of changes.
const blindPause = time.Second

// settlePause lets the writes that belong together come in: a launch makes six.
const settlePause = 15 * time.Millisecond

func newWatcher(store *sandbox.Store) (*watcher, error) {
	epoll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	woken, wake, err := os.Pipe()
	if err != nil {
		unix.Close(epoll)
		return nil, err
	}
	w := &watcher{store: store, epoll: epoll, wake: wake, woken: woken, trees: map[int32]bool{}, watched: map[string]bool{}, keepers: map[int]int{}}
	w.listen(int(woken.Fd()))
	w.notify, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK)
	if err != nil {
		w.notify = -1
		return w, nil
	}
	w.listen(w.notify)
	w.watch(store.Run)
	w.watch(filepath.Join(store.Data, "sandboxes"))
	w.watchTrees()
	return w, nil
}

func (w *watcher) listen(fd int) {
	unix.EpollCtl(w.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)})
}

// watch adds a directory and returns its watch descriptor. One that is not
// there is no error: its parent is watched too.
func (w *watcher) watch(dir string) (descriptor int, ok bool) {
	if w.notify < 0 {
		return 0, false
	}
	const what = unix.IN_CREATE | unix.IN_DELETE | unix.IN_MOVED_TO | unix.IN_MOVED_FROM | unix.IN_ONLYDIR
	descriptor, err := unix.InotifyAddWatch(w.notify, dir, what)
	return descriptor, err == nil
}

// watchTrees watches for new and removed root filesystems.
func (w *watcher) watchTrees() {
	for _, dir := range []string{w.store.Data, filepath.Join(w.store.Data, "rootfs")} {
		if descriptor, ok := w.watch(dir); ok {
			w.trees[int32(descriptor)] = true
		}
	}
}

// follow watches what belongs to each running sandbox: its directory, where
// the state is replaced, and its supervisor. It returns whether there is
// something new, which may have changed before it was watched.
func (w *watcher) follow(list []sandbox.Sandbox) (fresh bool) {
	keep := make(map[int]bool, len(list))
	dirs := make(map[string]bool, len(list))
	for _, sb := range list {
		if sb.Keeper <= 0 {
			continue
		}
		dir := filepath.Join(w.store.Run, sb.ID)
		dirs[dir] = true
		if !w.watched[dir] {
			w.watch(dir) // the kernel drops the watch with the directory
			fresh = true
		}
		keep[sb.Keeper] = true
		if _, ok := w.keepers[sb.Keeper]; !ok {
			if fd, err := unix.PidfdOpen(sb.Keeper, 0); err == nil {
				w.keepers[sb.Keeper] = fd
				w.listen(fd)
			}
			fresh = true
		}
	}
	w.watched = dirs
	for pid, fd := range w.keepers {
		if !keep[pid] {
			unix.Close(fd) // epoll forgets it
			delete(w.keepers, pid)
		}
	}
	return fresh
}

// change says what may be different.
type change struct {
	trees   bool // root filesystems too, not only sandboxes
	stopped bool // the watcher was stopped
}

// wait returns when something may have changed.
func (w *watcher) wait() change {
	timeout := -1
	if w.notify < 0 {
		timeout = int(blindPause.Milliseconds())
	}
	var events [16]unix.EpollEvent
	n, err := unix.EpollWait(w.epoll, events[:], timeout)
	for err == unix.EINTR {
		n, err = unix.EpollWait(w.epoll, events[:], timeout)
	}
	if err != nil {
		return change{stopped: true}
	}
	for _, event := range events[:n] {
		if int(event.Fd) == int(w.woken.Fd()) {
			return change{stopped: true}
		}
		w.forget(int(event.Fd))
	}
	time.Sleep(settlePause)
	return change{trees: w.drain()}
}

// forget closes the descriptor of a supervisor that has ended.
func (w *watcher) forget(fd int) {
	for pid, pidfd := range w.keepers {
		if pidfd == fd {
			unix.EpollCtl(w.epoll, unix.EPOLL_CTL_DEL, fd, nil)
			unix.Close(fd)
			delete(w.keepers, pid)
		}
	}
}

// drain reads all events and returns whether one was about root filesystems.
func (w *watcher) drain() (trees bool) {
	if w.notify < 0 {
		return false
	}
	var buffer [16 << 10]byte
	for {
		n, err := unix.Read(w.notify, buffer[:])
		if n <= 0 || err != nil {
			break
		}
		for at := 0; at+unix.SizeofInotifyEvent <= n; {
			descriptor := int32(binary.NativeEndian.Uint32(buffer[at:]))
			trees = trees || w.trees[descriptor]
			at += unix.SizeofInotifyEvent + int(binary.NativeEndian.Uint32(buffer[at+12:]))
		}
	}
	if trees {
		w.watchTrees() // the directory of stored ones may be new
	}
	return trees
}

// run reports sandboxes and root filesystems now and after each change, until
// it is stopped. The sandboxes come first: they are read faster.
func (w *watcher) run(sandboxes func([]sandbox.Sandbox, error), trees func([]rootfs.Rootfs, error)) {
	now := change{trees: true}
	for !now.stopped {
		list, err := w.store.List()
		if w.follow(list) {
			list, err = w.store.List()
		}
		sandboxes(list, err)
		if now.trees {
			trees(w.store.Catalogue.List())
		}
		now = w.wait()
	}
}
