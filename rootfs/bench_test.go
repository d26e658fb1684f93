package rootfs

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// benchmarkArchive is a tar of the size and shape of a small distribution: this machine's own
// documentation, programs and libraries, as far as 100 MB go.
func benchmarkArchive(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "archive.tar")
	script := `cd /usr && find bin share/doc lib/python3* -type f -size -400k -print0 2>/dev/null | head -z -n 9000 | tar --create --null --files-from - --file "$1"`
	if out, err := exec.Command("sh", "-c", script, "sh", path).CombinedOutput(); err != nil {
		b.Fatalf("%v: %s", err, out)
	}
	return path
}

// BenchmarkImport compares an import with `tar -x` of the same archive: look at the ratio. It works
// in memory where it can, because a disk's own moods are larger than the difference.
func BenchmarkImport(b *testing.B) {
	archive := benchmarkArchive(b)
	info, err := os.Stat(archive)
	if err != nil {
		b.Fatal(err)
	}
	measure := func(name string, unpack func(b *testing.B, dir string)) {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(info.Size())
			for b.Loop() {
				b.StopTimer()
				dir, err := os.MkdirTemp(memoryDir(), "rootfs-bench-")
				if err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				unpack(b, dir)
				b.StopTimer()
				if err := os.RemoveAll(dir); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
	measure("tar", func(b *testing.B, dir string) {
		if out, err := exec.Command("tar", "--extract", "--file", archive, "--directory", dir).CombinedOutput(); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
	})
	measure("aquarium", func(b *testing.B, dir string) {
		f, err := os.Open(archive)
		if err != nil {
			b.Fatal(err)
		}
		defer f.Close()
		if _, err := Open(dir).ImportArchive(b.Context(), "x", f, 0, ImportOptions{}); err != nil {
			b.Fatal(err)
		}
	})
}

func memoryDir() string {
	if info, err := os.Stat("/dev/shm"); err == nil && info.IsDir() {
		return "/dev/shm"
	}
	return ""
}
