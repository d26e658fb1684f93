package step

import (
	"encoding/binary"
	"io"
	"runtime"
	"strings"
)

// Package debug/elf would cost every init its start-up; what is needed of an
// ELF file is two numbers and one string. Offsets and values are those of
// elf(5), for 64-bit files, and for the machine also of 32-bit ones.
const (
	elfClass   = 4 // index of the class in the identification
	elfData    = 5
	elf64      = 2
	elfBig     = 2
	elfMachine = 18
	elfPhoff   = 32
	elfPhsize  = 54
	elfPhnum   = 56

	programInterpreter = 3 // PT_INTERP
)

func isELF(head []byte) bool {
	return len(head) >= 64 && string(head[:4]) == "\x7fELF"
}

// elfInterpreter is the path in the PT_INTERP segment, "" where there is none.
func elfInterpreter(file io.ReaderAt, head []byte) string {
	if !isELF(head) || head[elfClass] != elf64 || head[elfData] == elfBig {
		return ""
	}
	offset := int64(binary.LittleEndian.Uint64(head[elfPhoff:]))
	size := int64(binary.LittleEndian.Uint16(head[elfPhsize:]))
	const headerSize = 56 // of one program header
	if size < headerSize || offset < 0 {
		return ""
	}
	header := make([]byte, headerSize)
	for i := range int64(binary.LittleEndian.Uint16(head[elfPhnum:])) {
		if _, err := file.ReadAt(header, offset+i*size); err != nil {
			return ""
		}
		if binary.LittleEndian.Uint32(header) == programInterpreter {
			return elfString(file, binary.LittleEndian.Uint64(header[8:]), binary.LittleEndian.Uint64(header[32:]))
		}
	}
	return ""
}

func elfString(file io.ReaderAt, offset, size uint64) string {
	const pathMax = 4096
	if size > pathMax || offset > 1<<62 {
		return ""
	}
	content := make([]byte, size)
	if _, err := file.ReadAt(content, int64(offset)); err != nil {
		return ""
	}
	path, _, _ := strings.Cut(string(content), "\x00")
	return path
}

// elfMachines names e_machine by the words of elf.h.
var elfMachines = map[uint16]string{
	3: "x86 (32 bit)", 8: "MIPS", 20: "PowerPC (32 bit)", 21: "PowerPC", 22: "S/390", 40: "ARM (32 bit)",
	62: "x86-64", 183: "AArch64", 243: "RISC-V", 258: "LoongArch",
}

func elfMachineName(machine uint16) string {
	if name, ok := elfMachines[machine]; ok {
		return name
	}
	return "an architecture with ELF number " + itoa(int(machine))
}

func ownMachine() uint16 {
	return map[string]uint16{"amd64": 62, "arm64": 183}[runtime.GOARCH]
}
