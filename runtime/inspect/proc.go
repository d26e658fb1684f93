package inspect

import (
	"errors"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Bounds on what is read of one file, in bytes. What the kernel itself bounds
// is far below them.
const (
	mostText    = 64 << 10 // small files of /proc
	mostCommand = 16 << 10
	mostTable   = 64 << 20 // mount and socket tables
)

// errFormat is a file of /proc that is not as its manual page says.
var errFormat = errors.New("not as the manual page says")

// readAt reads at most so many bytes of a file in the directory dir, and
// tells whether there is more.
func readAt(dir int, name string, most int) (content []byte, more bool, err error) {
	fd, err := unix.Openat(dir, name, unix.O_RDONLY|unix.O_CLOEXEC|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, false, err
	}
	defer unix.Close(fd)
	return readFD(fd, most)
}

func readFD(fd, most int) (content []byte, more bool, err error) {
	const step = 4096
	buffer := make([]byte, 0, step)
	for {
		if len(buffer) > most {
			return buffer[:most], true, nil
		}
		if len(buffer) == cap(buffer) {
			buffer = append(buffer, make([]byte, cap(buffer))...)[:len(buffer)]
		}
		n, err := unix.Read(fd, buffer[len(buffer):cap(buffer)])
		switch {
		case err == unix.EINTR:
			continue
		case err != nil:
			return nil, false, err
		case n == 0:
			return buffer, false, nil
		}
		buffer = buffer[:len(buffer)+n]
	}
}

// text reads a small file of /proc/PID.
func (t *Target) text(name string) (string, error) {
	content, _, err := readAt(t.dir, name, mostText)
	return string(content), err
}

// link reads a magic link of /proc/PID.
func (t *Target) link(name string) (string, error) { return linkAt(t.dir, name) }

func linkAt(dir int, name string) (string, error) {
	buffer := make([]byte, unix.PathMax)
	n, err := unix.Readlinkat(dir, name, buffer)
	if err != nil {
		return "", err
	}
	return string(buffer[:n]), nil
}

// hostText reads a file of the host's /proc or /sys; "" where there is none.
func hostText(path string) string {
	content, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(content))
}

// processIDs lists the processes of the host's /proc, at most so many.
func processIDs(most int) (ids []int, more bool, err error) {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil, false, err
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return nil, false, err
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if len(ids) == most {
			return ids, true, nil
		}
		ids = append(ids, pid)
	}
	return ids, false, nil
}

// lines calls each for every line of text, without its end.
func lines(text string, each func(line string)) {
	for text != "" {
		line, rest, _ := strings.Cut(text, "\n")
		each(line)
		text = rest
	}
}
