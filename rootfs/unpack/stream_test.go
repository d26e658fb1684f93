package unpack

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestDamagedStreams(t *testing.T) {
	t.Parallel()
	whole := archive(t, reg("a", strings.Repeat("content ", 1000)), reg("b", "x"))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(whole)
	w.Close()
	flipped := bytes.Clone(zipped.Bytes())
	flipped[len(flipped)/2] ^= 0xff
	wrongSum := bytes.Clone(zipped.Bytes())
	wrongSum[len(wrongSum)-8] ^= 0xff
	for name, test := range map[string]struct {
		data []byte
		want string
	}{
		"empty":                {nil, "the archive is empty"},
		"cut in content":       {whole[:1000], "cut off"},
		"cut between entries":  {whole[:512+8192], "cut off"},
		"cut in header":        {whole[:300], "cut off"},
		"not a tar":            {bytes.Repeat([]byte("no tar at all "), 100), "damaged, or not a tar"},
		"gzip cut":             {zipped.Bytes()[:zipped.Len()/2], "cut off"},
		"gzip damaged":         {flipped, "gzip"},
		"gzip wrong checksum":  {wrongSum, "gzip"},
		"gzip header only":     {[]byte{0x1f, 0x8b, 8}, "gzip"},
		"zstd header only":     {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0, 0}, "cut off"},
		"xz header only":       {[]byte("\xfd7zXZ\x00"), "xz"},
		"bzip2 header only":    {[]byte("BZh9"), "cut off"},
		"zstd window too wide": {[]byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf8, 1, 0, 0, 0}, "zstd"},
	} {
		t.Run(name, func(t *testing.T) {
			a := newArena(t)
			s, err := Open(bytes.NewReader(test.data), Limits{})
			if err == nil {
				defer s.Close()
				_, err = Apply(context.Background(), a.target, s, Options{})
			}
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
		})
	}
}

func TestBombs(t *testing.T) {
	t.Parallel()
	small := Limits{Entries: 10, Free: 1 << 20, Ratio: 100}
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	header := tar.Header{Name: "zeros", Typeflag: tar.TypeReg, Size: 16 << 20}
	bomb := tar.NewWriter(w)
	bomb.WriteHeader(&header)
	bomb.Write(make([]byte, header.Size))
	bomb.Close()
	w.Close()
	apply := func(data []byte, limits Limits) error {
		s, err := Open(bytes.NewReader(data), limits)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = Apply(context.Background(), newArena(t).target, s, Options{Limits: limits})
		return err
	}
	if err := apply(zipped.Bytes(), small); !errors.Is(err, ErrTooMuch) {
		t.Errorf("16 MiB out of %d bytes: %v", zipped.Len(), err)
	}
	if err := apply(zipped.Bytes(), Unlimited); err != nil {
		t.Errorf("without limits: %v", err)
	}
	together := Limits{Entries: 10, Free: 20 << 20, Ratio: 100, Together: &Tally{}}
	if err := apply(zipped.Bytes(), together); err != nil {
		t.Errorf("16 MiB within 20: %v", err)
	}
	if err := apply(zipped.Bytes(), together); !errors.Is(err, ErrTooMuch) {
		t.Errorf("twice 16 MiB within 20: %v", err)
	}
	var many []entry
	for i := range 11 {
		many = append(many, reg(fmt.Sprint(i), ""))
	}
	if err := apply(archive(t, many...), small); !errors.Is(err, ErrTooMuch) {
		t.Errorf("11 entries: %v", err)
	}
	if err := apply(archive(t, reg("a", strings.Repeat("x", 4<<20))), small); err != nil {
		t.Errorf("large, but not out of proportion: %v", err)
	}
	if err := apply(sparseTar(t), Limits{}); !errors.Is(err, ErrTooMuch) {
		t.Errorf("a sparse file of 1 TiB: %v", err)
	}
}

// Directories without content take a block each.
func TestBombOfDirectories(t *testing.T) {
	t.Parallel()
	var many []entry
	for i := range 2000 {
		many = append(many, dir(fmt.Sprintf("d%d/", i)))
	}
	apply := func(data []byte, limits Limits) error {
		var zipped bytes.Buffer
		w := gzip.NewWriter(&zipped)
		w.Write(data)
		w.Close()
		s, err := Open(&zipped, limits)
		if err != nil {
			return err
		}
		defer s.Close()
		_, err = Apply(t.Context(), newArena(t).target, s, Options{Limits: limits, Made: s.Made})
		return err
	}
	small := Limits{Free: 4 << 20, Ratio: 100}
	if err := apply(archive(t, many...), small); !errors.Is(err, ErrTooMuch) {
		t.Errorf("2000 directories: %v", err)
	}
	if err := apply(archive(t, reg(strings.Repeat("d/", 2000)+"file", "")), small); !errors.Is(err, ErrTooMuch) {
		t.Errorf("2000 directories that are not listed: %v", err)
	}
	if err := apply(archive(t, many[:900]...), small); err != nil {
		t.Errorf("900 directories: %v", err)
	}
	together := Limits{Free: 12 << 20, Ratio: 100, Together: &Tally{}}
	if err := apply(archive(t, many...), together); err != nil {
		t.Errorf("2000 directories within 12 MiB: %v", err)
	}
	if err := apply(archive(t, many...), together); !errors.Is(err, ErrTooMuch) {
		t.Errorf("twice 2000 directories within 12 MiB: %v", err)
	}
}

// A limit in bytes holds for archives of every kind.
func TestLimitOfBytes(t *testing.T) {
	t.Parallel()
	data := archive(t, reg("a", strings.Repeat("x", 100_000)))
	var zipped bytes.Buffer
	w := gzip.NewWriter(&zipped)
	w.Write(data)
	w.Close()
	for what, data := range map[string][]byte{"plain": data, "gzip": zipped.Bytes()} {
		for limit, refused := range map[int64]bool{50_000: true, 200_000: false} {
			limits := Limits{Bytes: limit, Free: 1, Ratio: 1}
			s, err := Open(bytes.NewReader(data), limits)
			if err == nil {
				_, err = Apply(t.Context(), newArena(t).target, s, Options{Limits: limits, Made: s.Made})
				s.Close()
			}
			if errors.Is(err, ErrTooMuch) != refused {
				t.Errorf("%s, at most %d bytes: %v", what, limit, err)
			}
		}
	}
}

// sparseTar is a real tar's idea of a file of 1 TiB that holds nothing.
func sparseTar(t *testing.T) []byte {
	t.Helper()
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), nil, 0o644), os.Truncate(filepath.Join(dir, "f"), 1<<40)); err != nil {
		t.Fatal(err)
	}
	data, err := exec.Command("tar", "--sparse", "--create", "--directory", dir, "f").Output()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// Real programs' archives, of every compression, give what the same tar unpacks.
func TestFormats(t *testing.T) {
	t.Parallel()
	source := t.TempDir()
	content := bytes.Repeat([]byte("a line of text\n"), 10_000)
	if err := os.WriteFile(filepath.Join(source, "file"), content, 0o640); err != nil {
		t.Fatal(err)
	}
	for flag, format := range map[string]string{"--no-auto-compress": "", "--gzip": "gzip", "--xz": "xz", "--zstd": "zstd", "--bzip2": "bzip2"} {
		data, err := exec.Command("tar", "--create", flag, "--directory", source, ".").Output()
		if err != nil {
			t.Fatalf("tar %s: %v", flag, err)
		}
		a := newArena(t)
		s, err := Open(bytes.NewReader(data), Limits{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := Apply(context.Background(), a.target, s, Options{}); err != nil || s.Format != format {
			t.Errorf("%s: format %q, %v", flag, s.Format, err)
		}
		s.Close()
		if got, err := os.ReadFile(filepath.Join(a.target, "file")); !bytes.Equal(got, content) {
			t.Errorf("%s: %d bytes, %v", flag, len(got), err)
		}
	}
}
