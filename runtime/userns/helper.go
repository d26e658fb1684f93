package userns

import (
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
)

// Arguments are those of a helper for a process: its name, the process's
// number, and the lines of the map; see newuidmap(1).
func Arguments(helper, pid string, maps []IDMap) []string {
	_, name := kernel.Split(helper)
	arguments := []string{name, pid}
	for _, m := range maps {
		arguments = append(arguments, strconv.Itoa(m.Inside), strconv.Itoa(m.Outside), strconv.Itoa(m.Count))
	}
	return arguments
}

// write has the helpers map the ids of a process's user namespace, side by
// side.
func (m Map) write(pid int) error {
	users := make(chan error, 1)
	go func() { users <- help(m.UIDHelper, Arguments(m.UIDHelper, strconv.Itoa(pid), m.UIDs)) }()
	err := help(m.GIDHelper, Arguments(m.GIDHelper, strconv.Itoa(pid), m.GIDs))
	if userErr := <-users; userErr != nil {
		return userErr
	}
	return err
}

// help runs a helper to its end. What it complains about is in the error, a
// *fork.Refused.
func help(path string, argv []string) error {
	refused := &fork.Refused{Call: "execve(" + strconv.Quote(path) + ")", Errno: syscall.EPERM}
	words, ok, err := run(path, argv)
	switch {
	case err != nil:
		refused.Errno = number(err)
	case ok:
		return nil
	default:
		refused.Detail = words
	}
	return refused
}

// maxWords bounds what is kept of a helper's complaint, in bytes.
const maxWords = 400

// run runs a program without input; words is what it says on standard error,
// on one line.
func run(path string, argv []string) (words string, ok bool, err error) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return "", false, err
	}
	defer null.Close()
	reader, writer, err := os.Pipe()
	if err != nil {
		return "", false, err
	}
	defer reader.Close()
	process, err := os.StartProcess(path, argv, &os.ProcAttr{Dir: "/", Env: []string{"LC_ALL=C"}, Files: []*os.File{null, null, writer}})
	writer.Close()
	if err != nil {
		return "", false, err
	}
	said, _ := io.ReadAll(io.LimitReader(reader, maxWords))
	state, err := process.Wait()
	return strings.Map(visible, strings.TrimSpace(string(said))), err == nil && state.Success(), err
}

// visible keeps what a terminal would act on out of a message.
func visible(r rune) rune {
	if r < ' ' || r == 0x7f {
		return ' '
	}
	return r
}

// number is the errno of an error of package os.
func number(err error) syscall.Errno {
	if path, ok := err.(*os.PathError); ok {
		err = path.Err
	}
	if errno, ok := err.(syscall.Errno); ok {
		return errno
	}
	return syscall.EIO
}
