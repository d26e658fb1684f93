package step

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"runtime"
	"strings"
	"syscall"
)

// explain looks at the file that execve(2) refused.
func (e *Exec) explain(refused *CallError) string {
	path := refused.path
	switch refused.Errno {
	case syscall.ENOENT, syscall.ENOTDIR:
		return explainAbsent(path)
	case syscall.EACCES:
		return explainForbidden(path)
	case syscall.ENOEXEC:
		return explainFormat(path)
	case syscall.E2BIG:
		return "arguments and environment together are longer than the kernel takes"
	case syscall.ETXTBSY:
		return "somebody has the file open for writing"
	}
	return ""
}

// explainAbsent: the file may be there, and something that it asks for not.
func explainAbsent(path string) string {
	if _, err := lstat(path); err != nil {
		if gone := firstMissing(path); gone != "" {
			return quote(gone) + " does not exist in the sandbox"
		}
		return ""
	}
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		target, _ := os.Readlink(path)
		return "it is a symlink to " + quote(target) + ", which does not exist in the sandbox"
	}
	interpreter, how := interpreterOf(path)
	if interpreter == "" {
		return ""
	}
	if syscall.Stat(interpreter, &stat) == nil {
		if deeper := explainAbsent(interpreter); deeper != "" {
			return how + " " + quote(interpreter) + ": " + deeper
		}
		return ""
	}
	return "the file is there, but " + how + " " + quote(interpreter) + " does not exist in the sandbox"
}

// interpreterOf is the program that a file asks the kernel to start in its
// place, and how it does.
func interpreterOf(path string) (interpreter, how string) {
	file, err := openFile(path)
	if err != nil {
		return "", ""
	}
	defer file.Close()
	head := make([]byte, 256) // the kernel looks at as much, BINPRM_BUF_SIZE
	n, _ := io.ReadFull(file, head)
	head = head[:n]
	if line, script := strings.CutPrefix(string(head), "#!"); script {
		line, _, _ = strings.Cut(line, "\n")
		name, _, _ := strings.Cut(strings.Trim(line, " \t"), " ")
		return name, "the interpreter of its #! line"
	}
	return elfInterpreter(file, head), "its ELF interpreter"
}

// openFile opens a regular file of an untrusted tree to be looked at.
func openFile(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.New("not a regular file")
	}
	return file, nil
}

// explainForbidden finds what execve(2) lists under EACCES.
func explainForbidden(path string) string {
	var stat syscall.Stat_t
	if syscall.Stat(path, &stat) != nil {
		return "user " + itoa(os.Geteuid()) + " may not search a directory on the way to it"
	}
	switch stat.Mode & syscall.S_IFMT {
	case syscall.S_IFDIR:
		return "it is a directory"
	case syscall.S_IFREG:
	default:
		return "it is not a regular file"
	}
	var filesystem syscall.Statfs_t
	if syscall.Statfs(path, &filesystem) == nil && filesystem.Flags&syscall.MS_NOEXEC != 0 {
		at := ""
		if m, ok := mountOf(path, ownMounts()); ok {
			at = " at " + quote(m.Point)
		}
		return "the mount" + at + " that it lies on is noexec"
	}
	if stat.Mode&0o111 == 0 {
		return "it has no x bit: its mode is " + string(octal(stat.Mode&0o7777))
	}
	if interpreter, how := interpreterOf(path); interpreter != "" {
		if why := explainForbidden(interpreter); why != "" {
			return how + " " + quote(interpreter) + ": " + why
		}
	}
	if !mayExecute(stat) {
		return "its mode " + string(octal(stat.Mode&0o7777)) + " does not let user " + itoa(os.Geteuid()) + " execute it: it belongs to " + itoa(int(stat.Uid)) + ":" + itoa(int(stat.Gid))
	}
	return ""
}

// mayExecute is the kernel's rule but for the supplementary groups.
func mayExecute(stat syscall.Stat_t) bool {
	switch {
	case os.Geteuid() == 0:
		return stat.Mode&0o111 != 0
	case int(stat.Uid) == os.Geteuid():
		return stat.Mode&0o100 != 0
	case int(stat.Gid) == os.Getegid():
		return stat.Mode&0o010 != 0
	}
	return stat.Mode&0o001 != 0
}

// explainFormat: another architecture, or no program at all.
func explainFormat(path string) string {
	file, err := openFile(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	head := make([]byte, 64)
	n, _ := io.ReadFull(file, head)
	head = head[:n]
	switch {
	case n == 0:
		return "the file is empty"
	case strings.HasPrefix(string(head), "#!"):
		return "it is a script, and the interpreter of its #! line cannot be executed"
	case !isELF(head):
		return "it is neither an ELF program nor a script that begins with #!"
	case head[elfData] == elfBig:
		return "it is a big-endian program, for another architecture than " + machineName()
	}
	if machine := binary.LittleEndian.Uint16(head[elfMachine:]); machine != ownMachine() {
		return "it is a program for " + elfMachineName(machine) + ", and this machine is " + machineName()
	}
	return "it is an ELF file for this machine, but not one that the kernel can start"
}

func machineName() string {
	return map[string]string{"amd64": "x86-64", "arm64": "AArch64"}[runtime.GOARCH]
}
