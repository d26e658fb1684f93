package rootfs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/elfcheck"
	"aquarium/rootfs/inside"
)

// shells are the programs tried, in order, where a root filesystem says nothing about its command.
var shells = [][]string{
	{"/bin/bash"}, {"/usr/bin/bash"}, {"/bin/sh"}, {"/usr/bin/sh"}, {"/bin/ash"},
	{"/bin/zsh"}, {"/usr/bin/zsh"}, {"/usr/bin/fish"},
	{"/bin/busybox", "sh"}, {"/usr/bin/busybox", "sh"},
}

// maxScriptDepth is how often a "#!" interpreter may itself be a script (execve(2)).
const maxScriptDepth = 4

// findShell returns the first shell that could start, or why the first one there could not.
func findShell(t files) ([]string, error) {
	var first error
	for _, command := range shells {
		err := checkProgram(t, command[0])
		if err == nil {
			return command, nil
		}
		if first == nil && !errors.Is(err, os.ErrNotExist) {
			first = err
		}
	}
	if first == nil {
		first = errors.New("it has no shell: neither /bin/sh nor any other")
	}
	return nil, first
}

// usualPath is where programs are looked for when the environment does not say.
const usualPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// checkCommand returns why the command that a root filesystem names could not start.
func checkCommand(t files, d Defaults) error {
	if len(d.Command) == 0 {
		return nil
	}
	program := d.Command[0]
	if strings.Contains(program, "/") {
		if !path.IsAbs(program) {
			program = path.Join("/", d.Workdir, program)
		}
		return checkProgram(t, program)
	}
	search := usualPath
	for _, variable := range d.Env {
		if value, isPath := strings.CutPrefix(variable, "PATH="); isPath {
			search = value
		}
	}
	for dir := range strings.SplitSeq(search, ":") {
		err := checkProgram(t, path.Join("/", dir, program))
		if !errors.Is(err, os.ErrNotExist) {
			return err
		}
	}
	return fmt.Errorf("its command %s is not there", Visible(program))
}

// checkProgram returns why the kernel could not start the program at path inside the tree. The
// error is fs.ErrNotExist only where path itself is missing, not where its loader is.
func checkProgram(t files, path string) error {
	return checkProgramDepth(t, path, 0)
}

func checkProgramDepth(t files, path string, depth int) error {
	f, err := t.OpenFile(path)
	if err != nil {
		return plainCause(path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return plainCause(path, err)
	}
	if info.Mode().Perm()&0o111 == 0 {
		return fmt.Errorf("%s is not executable", Visible(path))
	}
	program, err := elfcheck.Read(f)
	if errors.Is(err, elfcheck.ErrNotELF) {
		return checkScript(t, f, path, depth)
	}
	if err != nil {
		return fmt.Errorf("%s is a damaged executable", Visible(path))
	}
	if !program.Runs() && !emulated(program) {
		return fmt.Errorf("%s is for %s, this machine is %s", Visible(path), program.MachineName(), elfcheck.ThisMachine())
	}
	return checkLoader(t, path, program.Interpreter)
}

func checkLoader(t files, path, loader string) error {
	if loader == "" {
		return nil
	}
	st, err := t.Stat(loader)
	if err != nil || st.Mode&unix.S_IFMT != unix.S_IFREG {
		return fmt.Errorf("%s needs the loader %s, which is not there", Visible(path), Visible(loader))
	}
	return nil
}

// checkScript follows a "#!" line; anything else is not something that execve starts.
func checkScript(t files, f io.ReaderAt, path string, depth int) error {
	head := make([]byte, 256) // BINPRM_BUF_SIZE
	n, _ := f.ReadAt(head, 0)
	line, isScript := bytes.CutPrefix(head[:n], []byte("#!"))
	line, _, _ = bytes.Cut(line, []byte("\n"))
	fields := strings.Fields(string(line))
	if !isScript || len(fields) == 0 {
		return fmt.Errorf("%s is neither an executable nor a script", Visible(path))
	}
	if depth == maxScriptDepth {
		return fmt.Errorf("%s is a script run by scripts without end", Visible(path))
	}
	err := checkProgramDepth(t, fields[0], depth+1)
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("%s needs the interpreter %s, which is not there", Visible(path), Visible(fields[0]))
	}
	return err
}

// plainCause says in words why a program's file could not be opened.
func plainCause(path string, err error) error {
	switch {
	case errors.Is(err, os.ErrNotExist):
		return &missing{path}
	case errors.Is(err, inside.ErrNotRegular):
		return fmt.Errorf("%s is not a regular file", Visible(path))
	case errors.Is(err, unix.ELOOP):
		return fmt.Errorf("%s is a symbolic link that leads in a circle", Visible(path))
	case errors.Is(err, os.ErrPermission):
		return fmt.Errorf("%s is not readable: permission denied", Visible(path))
	}
	return fmt.Errorf("%s: %w", Visible(path), fail("open", Visible(path), err).Cause)
}

// missing is a program that is not there at all.
type missing struct{ path string }

func (m *missing) Error() string        { return Visible(m.path) + " is not there" }
func (m *missing) Is(target error) bool { return target == os.ErrNotExist }

// qemuNames are the binfmt_misc entries that Linux distributions register for user-mode emulation.
var qemuNames = map[string]string{
	"x86_64": "qemu-x86_64", "i386": "qemu-i386", "aarch64": "qemu-aarch64", "arm": "qemu-arm",
	"riscv64": "qemu-riscv64", "ppc64le": "qemu-ppc64le", "s390x": "qemu-s390x", "loongarch64": "qemu-loongarch64",
}

// emulated reports whether binfmt_misc hands such programs to an emulator that was opened at
// registration (flag F), and is therefore found from inside any root (kernel: binfmt-misc.rst).
func emulated(f elfcheck.File) bool {
	name, known := qemuNames[f.MachineName()]
	if !known {
		return false
	}
	entry, err := os.ReadFile("/proc/sys/fs/binfmt_misc/" + name)
	if err != nil || !bytes.HasPrefix(entry, []byte("enabled")) {
		return false
	}
	_, flags, found := bytes.Cut(entry, []byte("\nflags: "))
	flags, _, _ = bytes.Cut(flags, []byte("\n"))
	return found && bytes.ContainsRune(flags, 'F')
}
