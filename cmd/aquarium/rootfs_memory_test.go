package main

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// TestImportIsSmall imports 2 GB and asks the kernel what the process came to
// at most, a moment before it ends.
//
//	go test ./cmd/aquarium -run ImportIsSmall -v
func TestImportIsSmall(t *testing.T) {
	t.Parallel()
	const limit = 100 << 20
	for name, pack := range map[string]func(io.Writer) io.WriteCloser{
		"tar":    func(w io.Writer) io.WriteCloser { return uncompressed{w} },
		"tar.gz": func(w io.Writer) io.WriteCloser { return fastest(t, w) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := filepath.Join(t.TempDir(), "home")
			c := newPlace(t).command("rootfs", "import", "large", "-")
			c.Env = append(c.Env, "AQUARIUM_HOME="+home)
			stdin, err := c.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			said := new(strings.Builder)
			c.Stdout, c.Stderr = said, said
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			stream := pack(stdin)
			writeErr := writeLarge(stream, 2<<30)
			// What the pipe still holds is less than was measured for.
			peak := highWater(t, c.Process.Pid)
			for _, end := range []io.Closer{stream, stdin} {
				if err := end.Close(); err != nil && writeErr == nil {
					writeErr = err
				}
			}
			if err := c.Wait(); err != nil || writeErr != nil {
				t.Fatalf("import: %v, %v: %s", err, writeErr, said)
			}
			t.Logf("an import of 2 GB took %.1f MB at most", float64(peak)/1e6)
			if peak > limit {
				t.Errorf("that is more than %d MB", limit>>20)
			}
		})
	}
}

type uncompressed struct{ io.Writer }

func (uncompressed) Close() error { return nil }

func fastest(t *testing.T, w io.Writer) io.WriteCloser {
	z, err := gzip.NewWriterLevel(w, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

// writeLarge writes a tar of so many bytes: large files, mostly holes, and many
// small ones.
func writeLarge(w io.Writer, size int64) error {
	const large, megabyte = 64 << 20, 1 << 20
	content := make([]byte, megabyte)
	for i := range 32 << 10 {
		content[i] = byte(i*i>>7 ^ i) // a little that does not compress away
	}
	archive := tar.NewWriter(w)
	for n := int64(0); n < size/large; n++ {
		if err := archive.WriteHeader(&tar.Header{Name: fmt.Sprintf("large/%d", n), Typeflag: tar.TypeReg, Mode: 0o644, Size: large}); err != nil {
			return err
		}
		for range large / megabyte {
			if _, err := archive.Write(content); err != nil {
				return err
			}
		}
		for i := range 300 {
			h := &tar.Header{Name: fmt.Sprintf("small/%d/%d", n, i), Typeflag: tar.TypeReg, Mode: 0o644, Size: 1000}
			if err := archive.WriteHeader(h); err != nil {
				return err
			}
			if _, err := archive.Write(content[:h.Size]); err != nil {
				return err
			}
		}
	}
	return archive.Close()
}

// highWater is the most memory, in bytes, that a process and those it has
// started have had resident; see VmHWM in proc_pid_status(5). Without root
// another process unpacks.
func highWater(t *testing.T, pid int) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "\nVmHWM:")
	number, _, _ := strings.Cut(strings.TrimSpace(rest), " kB")
	kilobytes, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		t.Fatalf("VmHWM of %d: %v", pid, err)
	}
	total := kilobytes << 10
	tasks, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	if err != nil || len(tasks) == 0 {
		t.Fatalf("children of %d: %v", pid, err)
	}
	for _, task := range tasks {
		children, _ := os.ReadFile(task) // of a thread that has ended: none
		for child := range strings.FieldsSeq(string(children)) {
			number, err := strconv.Atoi(child)
			if err != nil {
				t.Fatal(err)
			}
			total += highWater(t, number)
		}
	}
	return total
}
