package inspect

import (
	"bytes"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/runtime/enter"
)

// IPC is the view of a UTS and an IPC namespace.
type IPC struct {
	Hostname     string         `json:"hostname"`
	Domain       string         `json:"domain"` // of NIS: "(none)" unless set, see uname(2)
	Queues       []MessageQueue `json:"queues"`
	Semaphores   []SemaphoreSet `json:"semaphores"`
	SharedMemory []SharedMemory `json:"sharedMemory"`
	PosixQueues  []PosixQueue   `json:"posixQueues"`
	// Unknown are the parts that could not be read, each with its reason.
	Unknown []string `json:"unknown,omitempty"`
	Partial bool     `json:"partial,omitempty"`
}

// Object is what all System V objects have, see sysvipc(7). Users and
// processes are numbered as the host does, unless only the namespace's owner
// may look: then users are numbered as inside.
type Object struct {
	Key   int    `json:"key"`
	ID    int    `json:"id"`
	Mode  string `json:"mode"` // octal
	Owner int    `json:"owner"`
}

// MessageQueue is a System V message queue.
type MessageQueue struct {
	Object
	Bytes    int `json:"bytes"` // waiting in it
	Messages int `json:"messages"`
}

// SemaphoreSet is a System V semaphore set.
type SemaphoreSet struct {
	Object
	Semaphores int `json:"semaphores"`
}

// SharedMemory is a System V shared memory segment.
type SharedMemory struct {
	Object
	Bytes    int `json:"bytes"`
	Attached int `json:"attached"` // how often
	Creator  int `json:"creator"`  // process, as the host numbers it
}

// PosixQueue is a POSIX message queue, see mq_overview(7).
type PosixQueue struct {
	Name  string `json:"name"`
	Bytes int    `json:"bytes"` // waiting in it; -1 where that may not be read
}

// IPC reads names and objects of the process's UTS and IPC namespaces.
func (t *Target) IPC() (*IPC, error) {
	view := &IPC{Queues: []MessageQueue{}, Semaphores: []SemaphoreSet{}, SharedMemory: []SharedMemory{}, PosixQueues: []PosixQueue{}}
	if err := view.names(t); err != nil {
		return nil, t.failure("read hostname", err)
	}
	if err := view.objects(t); err != nil {
		return nil, t.failure("read System V objects", err)
	}
	if err := view.posix(t); err != nil {
		view.Unknown = append(view.Unknown, "POSIX queues: "+failure("mount mqueue", err).Error())
	}
	return view, nil
}

// names asks for the names that processes there get from uname(2).
func (v *IPC) names(t *Target) error {
	var called *enter.Visited
	var filled *enter.Filled
	var names unix.Utsname
	_, err := t.visit(func(visit *enter.Visit) {
		const size = 6 * len(names.Nodename) // struct new_utsname: six of the same length
		called, filled = visit.Fill(size, "uname()", unix.SYS_UNAME)
	}, "uts")
	if err == nil && called.Errno != 0 {
		err = called.Errno
	}
	if err != nil {
		return err
	}
	length := len(names.Nodename)
	cell := func(i int) string {
		text, _, _ := bytes.Cut(filled.Bytes[i*length:(i+1)*length], []byte{0})
		return string(text)
	}
	v.Hostname, v.Domain = cell(1), cell(5)
	return nil
}

// mostObjects is how many objects of one kind are read; the kernel's own
// bound is 2^24, the usual one 32,000.
const mostObjects = 32 << 10

// objects reads /proc/sysvipc, which is that of who opens it; see sysvipc(7).
func (v *IPC) objects(t *Target) error {
	files := [...]string{"msg", "sem", "shm"}
	var opened [len(files)]*enter.Visited
	_, err := t.visit(func(visit *enter.Visit) {
		for i, name := range files {
			opened[i] = visit.Open("/proc/sysvipc/"+name, unix.O_RDONLY)
		}
	}, "ipc")
	if err != nil {
		return err
	}
	for i, name := range files {
		if opened[i].Errno != 0 { // the kernel was built without
			v.Unknown = append(v.Unknown, name+": "+opened[i].Errno.Error())
			continue
		}
		content, more, err := readFD(opened[i].Value, mostTable)
		unix.Close(opened[i].Value)
		if err == nil {
			var rest bool
			rest, err = v.parseObjects(name, string(content))
			more = more || rest
		}
		if err != nil {
			v.Unknown = append(v.Unknown, name+": "+err.Error())
		}
		v.Partial = v.Partial || more
	}
	return nil
}

// parseObjects reads a file of /proc/sysvipc: a line of column names, and one
// of numbers for each object.
func (v *IPC) parseObjects(kind, text string) (more bool, err error) {
	head, rest, _ := strings.Cut(text, "\n")
	columns := strings.Fields(head)
	count := 0
	lines(rest, func(line string) {
		if count++; count > mostObjects {
			more = true
			return
		}
		row, bad := newRow(columns, line)
		if bad != nil {
			err = bad
			return
		}
		switch kind {
		case "msg":
			v.Queues = append(v.Queues, MessageQueue{row.object("msqid"), row["cbytes"], row["qnum"]})
		case "sem":
			v.Semaphores = append(v.Semaphores, SemaphoreSet{row.object("semid"), row["nsems"]})
		case "shm":
			v.SharedMemory = append(v.SharedMemory, SharedMemory{row.object("shmid"), row["size"], row["nattch"], row["cpid"]})
		}
	})
	return more, err
}

// sysvRow is one line by column. Numbers are decimal, but for the mode.
type sysvRow map[string]int

func newRow(columns []string, line string) (sysvRow, error) {
	fields := strings.Fields(line)
	if len(fields) < len(columns) {
		return nil, errFormat
	}
	row := make(sysvRow, len(columns))
	for i, column := range columns {
		base := 10
		if column == "perms" {
			base = 8
		}
		number, err := strconv.ParseInt(fields[i], base, 64)
		if err != nil {
			return nil, errFormat
		}
		row[column] = int(number)
	}
	return row, nil
}

func (r sysvRow) object(id string) Object {
	const permissions = 0o777 // above them are flags of the kernel's
	return Object{Key: r["key"], ID: r[id], Mode: strconv.FormatInt(int64(r["perms"]&permissions), 8), Owner: r["uid"]}
}

// Commands of fsconfig(2).
const fsconfigCreate = 6

// posix lists POSIX queues. They are the files of a filesystem, of which each
// IPC namespace has one; it is mounted where nobody sees it, see fsmount(2).
func (v *IPC) posix(t *Target) error {
	var context, created, mounted *enter.Visited
	_, err := t.visit(func(visit *enter.Visit) {
		context = visit.Call(`fsopen("mqueue", FSOPEN_CLOEXEC)`, unix.SYS_FSOPEN, visit.Text("mqueue"), unix.FSOPEN_CLOEXEC)
		visit.Feed(2)
		created = visit.Call("fsconfig(FSCONFIG_CMD_CREATE)", unix.SYS_FSCONFIG, 0, fsconfigCreate)
		mounted = visit.Call("fsmount(FSMOUNT_CLOEXEC)", unix.SYS_FSMOUNT, 0, unix.FSMOUNT_CLOEXEC, unix.MOUNT_ATTR_RDONLY|unix.MOUNT_ATTR_NOEXEC)
	}, "ipc", "mnt")
	if err != nil {
		return err
	}
	if context.Errno == 0 {
		defer unix.Close(context.Value)
	}
	for _, call := range []*enter.Visited{context, created, mounted} {
		if call.Errno != 0 {
			return call.Errno
		}
	}
	defer unix.Close(mounted.Value)
	return v.listQueues(mounted.Value)
}

func (v *IPC) listQueues(mounted int) error {
	fd, err := unix.Openat(mounted, ".", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	dir := os.NewFile(uintptr(fd), "mqueue")
	defer dir.Close()
	queues, err := dir.Readdirnames(mostObjects)
	if err != nil && err != io.EOF {
		return err
	}
	v.Partial = v.Partial || len(queues) == mostObjects
	slices.Sort(queues)
	for _, name := range queues {
		content, _, err := readAt(fd, name, mostText)
		bytes := -1
		if err == nil {
			bytes = queueSize(string(content))
		}
		v.PosixQueues = append(v.PosixQueues, PosixQueue{"/" + name, bytes})
	}
	return nil
}

// queueSize reads "QSIZE:129 NOTIFY:2 SIGNO:0 NOTIFY_PID:8260", see mq_overview(7).
func queueSize(text string) int {
	for _, field := range strings.Fields(text) {
		if value, ok := strings.CutPrefix(field, "QSIZE:"); ok {
			if size, err := strconv.Atoi(value); err == nil {
				return size
			}
		}
	}
	return -1
}
