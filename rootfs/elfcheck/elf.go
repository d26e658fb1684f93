// Package elfcheck reads just enough of an ELF file to tell whether this machine can start it.
//
// Unlike debug/elf it reads the header and the program headers only, so that a thousand root
// filesystems are looked at in milliseconds; see elf(5).
package elfcheck

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
)

// Limits of what is read from a file that nobody vouches for.
const (
	maxProgramHeaders = 256
	maxInterpreter    = 4096 // PATH_MAX
)

// ErrNotELF is returned for a file that is not an ELF executable at all.
var ErrNotELF = errors.New("not an ELF file")

// ErrDamaged is returned for an ELF file whose headers contradict themselves.
var ErrDamaged = errors.New("damaged ELF file")

// File is what matters of an executable.
type File struct {
	Class       elf.Class
	Data        elf.Data
	Type        elf.Type
	Machine     elf.Machine
	Interpreter string // the dynamic loader's path, "" for a static executable
}

// Read reads the headers of an ELF file.
func Read(r io.ReaderAt) (File, error) {
	var ident [elf.EI_NIDENT]byte
	if _, err := r.ReadAt(ident[:], 0); err != nil {
		return File{}, ErrNotELF
	}
	if string(ident[:4]) != elf.ELFMAG {
		return File{}, ErrNotELF
	}
	f := File{Class: elf.Class(ident[elf.EI_CLASS]), Data: elf.Data(ident[elf.EI_DATA])}
	var order binary.ByteOrder
	switch f.Data {
	case elf.ELFDATA2LSB:
		order = binary.LittleEndian
	case elf.ELFDATA2MSB:
		order = binary.BigEndian
	default:
		return File{}, ErrDamaged
	}
	switch f.Class {
	case elf.ELFCLASS32:
		return f.read(r, order, header32)
	case elf.ELFCLASS64:
		return f.read(r, order, header64)
	}
	return File{}, ErrDamaged
}

// layout says where the fields are that differ between the two classes, in bytes.
type layout struct {
	size, phoff, phentsize, phnum int
	entry, offset, filesz         int // within a program header
	wide                          bool
}

var (
	header32 = layout{size: 52, phoff: 28, phentsize: 42, phnum: 44, entry: 32, offset: 4, filesz: 16}
	header64 = layout{size: 64, phoff: 32, phentsize: 54, phnum: 56, entry: 56, offset: 8, filesz: 32, wide: true}
)

func (l layout) address(order binary.ByteOrder, b []byte) int64 {
	if l.wide {
		return int64(order.Uint64(b))
	}
	return int64(order.Uint32(b))
}

func (f File) read(r io.ReaderAt, order binary.ByteOrder, l layout) (File, error) {
	header := make([]byte, l.size)
	if _, err := r.ReadAt(header, 0); err != nil {
		return File{}, ErrDamaged
	}
	f.Type = elf.Type(order.Uint16(header[16:]))
	f.Machine = elf.Machine(order.Uint16(header[18:]))
	count := int(order.Uint16(header[l.phnum:]))
	size := int(order.Uint16(header[l.phentsize:]))
	offset := l.address(order, header[l.phoff:])
	if count > maxProgramHeaders || count > 0 && size < l.entry || offset < 0 {
		return File{}, ErrDamaged
	}
	table := make([]byte, count*size)
	if _, err := r.ReadAt(table, offset); err != nil && count > 0 {
		return File{}, ErrDamaged
	}
	for i := range count {
		entry := table[i*size:]
		if elf.ProgType(order.Uint32(entry)) != elf.PT_INTERP {
			continue
		}
		path, err := interpreter(r, l.address(order, entry[l.offset:]), l.address(order, entry[l.filesz:]))
		if err != nil {
			return File{}, err
		}
		f.Interpreter = path
		break
	}
	return f, nil
}

func interpreter(r io.ReaderAt, offset, size int64) (string, error) {
	if offset < 0 || size < 2 || size > maxInterpreter {
		return "", ErrDamaged
	}
	path := make([]byte, size)
	if _, err := r.ReadAt(path, offset); err != nil {
		return "", ErrDamaged
	}
	path, _, terminated := bytes.Cut(path, []byte{0})
	if !terminated || len(path) == 0 {
		return "", ErrDamaged
	}
	return string(path), nil
}

// machine is what the kernel of a GOARCH starts: its own programs, and often older 32-bit ones.
type machine struct {
	native elf.Machine
	class  elf.Class
	data   elf.Data
	also   elf.Machine // EM_NONE if there is none
}

var machines = map[string]machine{
	"386":     {elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_NONE},
	"amd64":   {elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_386},
	"arm":     {elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB, elf.EM_NONE},
	"arm64":   {elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_ARM},
	"loong64": {elf.EM_LOONGARCH, elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_NONE},
	"ppc64le": {elf.EM_PPC64, elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_NONE},
	"riscv64": {elf.EM_RISCV, elf.ELFCLASS64, elf.ELFDATA2LSB, elf.EM_NONE},
	"s390x":   {elf.EM_S390, elf.ELFCLASS64, elf.ELFDATA2MSB, elf.EM_NONE},
}

// Runs reports whether the kernel of this machine starts the file without an emulator.
func (f File) Runs() bool { return f.RunsOn(runtime.GOARCH) }

// RunsOn is Runs for a machine of another GOARCH; an architecture unknown here runs nothing.
func (f File) RunsOn(goarch string) bool {
	m, known := machines[goarch]
	if !known || f.Data != m.data || f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return false
	}
	return f.Machine == m.native && f.Class == m.class || f.Machine == m.also && m.also != elf.EM_NONE
}

// MachineName is the architecture in the words of uname(1), such as "x86_64" or "aarch64".
func (f File) MachineName() string { return machineName(f.Machine, f.Class, f.Data) }

// ThisMachine is the architecture of this machine in the words of uname(1).
func ThisMachine() string {
	m, known := machines[runtime.GOARCH]
	if !known {
		return runtime.GOARCH
	}
	return machineName(m.native, m.class, m.data)
}

func machineName(m elf.Machine, class elf.Class, data elf.Data) string {
	switch m {
	case elf.EM_X86_64:
		return "x86_64"
	case elf.EM_386:
		return "i386"
	case elf.EM_AARCH64:
		return "aarch64"
	case elf.EM_ARM:
		return "arm"
	case elf.EM_RISCV:
		if class == elf.ELFCLASS64 {
			return "riscv64"
		}
		return "riscv32"
	case elf.EM_PPC64:
		if data == elf.ELFDATA2LSB {
			return "ppc64le"
		}
		return "ppc64"
	case elf.EM_S390:
		return "s390x"
	case elf.EM_LOONGARCH:
		return "loongarch64"
	case elf.EM_MIPS:
		return "mips"
	}
	return m.String()
}
