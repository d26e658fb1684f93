package elfcheck

import (
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"testing"
)

// The headers of a real program must read as debug/elf reads them.
func TestReadAgreesWithDebugELF(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/proc/self/exe", "/bin/sh", "/bin/ls"} {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		got, err := Read(f)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		full, err := elf.NewFile(f)
		if err != nil {
			t.Fatal(err)
		}
		want := File{Class: full.Class, Data: full.Data, Type: full.Type, Machine: full.Machine}
		for _, p := range full.Progs {
			if p.Type == elf.PT_INTERP {
				content, err := io.ReadAll(p.Open())
				if err != nil {
					t.Fatal(err)
				}
				want.Interpreter = string(bytes.TrimRight(content, "\x00"))
			}
		}
		if got != want {
			t.Errorf("%s: read %+v, want %+v", path, got, want)
		}
		if !got.Runs() || got.MachineName() != ThisMachine() {
			t.Errorf("%s does not run here, as %s on %s", path, got.MachineName(), ThisMachine())
		}
	}
}

func TestRunsOn(t *testing.T) {
	t.Parallel()
	tests := []struct {
		goarch  string
		machine elf.Machine
		class   elf.Class
		data    elf.Data
		want    bool
	}{
		{"amd64", elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB, true},
		{"amd64", elf.EM_X86_64, elf.ELFCLASS32, elf.ELFDATA2LSB, false}, // x32
		{"amd64", elf.EM_386, elf.ELFCLASS32, elf.ELFDATA2LSB, true},
		{"amd64", elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2LSB, false},
		{"arm64", elf.EM_ARM, elf.ELFCLASS32, elf.ELFDATA2LSB, true},
		{"arm64", elf.EM_AARCH64, elf.ELFCLASS64, elf.ELFDATA2MSB, false},
		{"386", elf.EM_X86_64, elf.ELFCLASS64, elf.ELFDATA2LSB, false},
		{"wasm", elf.EM_NONE, elf.ELFCLASS32, elf.ELFDATA2LSB, false},
	}
	for _, test := range tests {
		f := File{Class: test.class, Data: test.data, Type: elf.ET_DYN, Machine: test.machine}
		if got := f.RunsOn(test.goarch); got != test.want {
			t.Errorf("%s %s %s runs on %s: %v, want %v", test.machine, test.class, test.data, test.goarch, got, test.want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	program, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	edit := func(offset int, values ...byte) []byte {
		changed := bytes.Clone(program)
		copy(changed[offset:], values)
		return changed
	}
	tests := []struct {
		name string
		data []byte
		want error
	}{
		{"empty", nil, ErrNotELF},
		{"text", []byte("#!/bin/sh\necho hello\n"), ErrNotELF},
		{"magic alone", program[:4], ErrNotELF},
		{"cut in the header", program[:40], ErrDamaged},
		{"cut in the table", program[:100], ErrDamaged},
		{"no such class", edit(4, 9), ErrDamaged},
		{"no such byte order", edit(5, 9), ErrDamaged},
		{"table far away", edit(32, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f), ErrDamaged},
		{"table before the file", edit(32, 0, 0, 0, 0, 0, 0, 0, 0x80), ErrDamaged},
		{"too many entries", edit(56, 0xff, 0xff), ErrDamaged},
		{"entries too small", edit(54, 1, 0), ErrDamaged},
	}
	for _, test := range tests {
		if _, err := Read(bytes.NewReader(test.data)); !errors.Is(err, test.want) {
			t.Errorf("%s: the error is %v, want %v", test.name, err, test.want)
		}
	}
}

func FuzzRead(f *testing.F) {
	program, err := os.ReadFile("/bin/sh")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(program[:4096])
	f.Add([]byte("\x7fELF\x01\x02"))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Read(bytes.NewReader(data))
		if err != nil && !errors.Is(err, ErrNotELF) && !errors.Is(err, ErrDamaged) {
			t.Errorf("an error of no known kind: %v", err)
		}
		if len(file.Interpreter) > maxInterpreter {
			t.Errorf("an interpreter of %d bytes", len(file.Interpreter))
		}
	})
}
