package rootfs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/unpack"
	"aquarium/runtime/userns"
)

func TestImportRefusesAndLeavesNothing(t *testing.T) {
	t.Parallel()
	good := tarOf(t, [2]string{"bin/sh", "#!/bin/sh\n"})
	canceled, cancel := context.WithCancel(context.Background())
	cancel()
	tests := []struct {
		name, as string
		ctx      context.Context
		archive  io.Reader
		limits   unpack.Limits
		want     string
	}{
		{"traversal", "x", nil, bytes.NewReader(tarOf(t, [2]string{"../x", ""})), unpack.Limits{}, `import "x": entry "../x": the name leads out of the target`},
		{"cut off", "x", nil, bytes.NewReader(good[:600]), unpack.Limits{}, "cut off"},
		{"empty", "x", nil, bytes.NewReader(nil), unpack.Limits{}, "the archive is empty"},
		{"bad name", "../x", nil, bytes.NewReader(good), unpack.Limits{}, "must begin with a letter or a digit"},
		{"too many", "x", nil, bytes.NewReader(tarOf(t, [2]string{"a", ""}, [2]string{"b", ""})), unpack.Limits{Entries: 1}, "made to fill the disk"},
		{"canceled", "x", canceled, bytes.NewReader(good), unpack.Limits{}, `import "x": canceled`},
		{"stream fails", "x", nil, io.MultiReader(bytes.NewReader(good[:1024]), failing{}), unpack.Limits{}, "the line went dead"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			c := newStore(t)
			ctx := test.ctx
			if ctx == nil {
				ctx = t.Context()
			}
			_, err := c.ImportArchive(ctx, test.as, test.archive, 0, ImportOptions{Limits: test.limits})
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("the error is %v, want one with %q", err, test.want)
			}
			if got := c.left(t); got != "0 0 0" {
				t.Errorf("names, layers and work are %s, want none", got)
			}
		})
	}
}

// canceling cancels when it has been read for a while.
type canceling struct {
	io.Reader
	cancel context.CancelFunc
	left   int
}

func (c *canceling) Read(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		c.cancel()
	}
	return c.Reader.Read(p)
}

func TestImportCanceledHalfWay(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	ctx, cancel := context.WithCancel(context.Background())
	archive := tarOf(t, [2]string{"a", strings.Repeat("x", 8<<20)}, [2]string{"b", "x"})
	_, err := c.ImportArchive(ctx, "x", &canceling{bytes.NewReader(archive), cancel, 1 << 20}, 0, ImportOptions{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if got := c.left(t); got != "0 0 0" {
		t.Errorf("names, layers and work are %s, want none", got)
	}
}

type failing struct{}

func (failing) Read([]byte) (int, error) { return 0, errors.New("the line went dead") }

func TestOneNameTakenByMany(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	results := make(chan error)
	for i := range 8 {
		archive := tarOf(t, [2]string{"a", fmt.Sprint(i)})
		go func() {
			_, err := c.ImportArchive(context.Background(), "same", bytes.NewReader(archive), 0, ImportOptions{})
			results <- err
		}()
	}
	won := 0
	for range 8 {
		if err := <-results; err == nil {
			won++
		} else if err.Error() != `store "same": the name is taken` {
			t.Errorf("the error is %v", err)
		}
	}
	if won != 1 {
		t.Errorf("%d imports got the name", won)
	}
	if _, err := c.Prune(); err != nil {
		t.Fatal(err)
	}
	if got := c.left(t); got != "1 1 0" {
		t.Errorf("names, layers and work are %s, want 1 1 0", got)
	}
}

func TestExportIsReproducible(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	r := c.mustImport(t, "one", tarOf(t, [2]string{"b/", ""}, [2]string{"b/file", "content"}, [2]string{"a", strings.Repeat("x", 300_000)}))
	var first, second bytes.Buffer
	if err := errors.Join(c.ExportTar(t.Context(), r, &first, nil), c.ExportTar(t.Context(), r, &second, nil)); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first.Bytes(), second.Bytes()) {
		t.Error("two exports differ")
	}
	again := c.mustImport(t, "again", first.Bytes())
	var third bytes.Buffer
	if err := c.ExportTar(t.Context(), again, &third, nil); err != nil || !bytes.Equal(first.Bytes(), third.Bytes()) {
		t.Errorf("an export of an import differs, %v", err)
	}
	list, err := exec.Command("tar", "--list", "--file", writeTemp(t, first.Bytes())).Output()
	if err != nil || string(list) != "./\na\nb/\nb/file\n" {
		t.Errorf("tar lists %q, %v", list, err)
	}
}

func writeTemp(t *testing.T, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestImportDirectory(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	dir := busyboxTree(t, workspace(t))
	tree(t, dir, map[string]string{"link": "-> /etc/passwd", "d/file": "x"})
	if err := errors.Join(os.Link(filepath.Join(dir, "d/file"), filepath.Join(dir, "d/hard")), unix.Mkfifo(filepath.Join(dir, "fifo"), 0o600),
		unix.Mknod(filepath.Join(dir, "socket"), unix.S_IFSOCK|0o600, 0), unix.Setxattr(filepath.Join(dir, "d"), "user.colour", []byte("blue"), 0)); err != nil {
		t.Fatal(err)
	}
	r, err := c.ImportDirectory(t.Context(), "copy", dir, ImportOptions{})
	if err != nil || r.Problem != "" {
		t.Fatalf("it is %+v, %v", r, err)
	}
	d, err := c.Document("copy")
	if err != nil || d.Source != dir {
		t.Fatalf("the document is %+v, %v", d, err)
	}
	copied := c.layerTree(d.Layers[0])
	var hard, file unix.Stat_t
	if err := errors.Join(unix.Lstat(filepath.Join(copied, "d/hard"), &hard), unix.Lstat(filepath.Join(copied, "d/file"), &file)); err != nil || hard.Ino != file.Ino {
		t.Errorf("the hard link is none: %v", err)
	}
	if target, _ := os.Readlink(filepath.Join(copied, "link")); target != "/etc/passwd" {
		t.Errorf("the link leads to %q", target)
	}
	if _, err := os.Lstat(filepath.Join(copied, "socket")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the socket: %v", err)
	}
	if _, err := c.ImportDirectory(t.Context(), "x", filepath.Dir(c.dataDir), ImportOptions{}); err == nil || !strings.Contains(err.Error(), "the data directory is inside it") {
		t.Errorf("a copy into itself: %v", err)
	}
	if _, err := c.ImportDirectory(t.Context(), "x", "/nowhere", ImportOptions{}); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("a copy of nothing: %v", err)
	}
}

// What is mounted within a directory is not copied, whatever it is.
func TestImportStopsAtMounts(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	base := workspace(t)
	dir := busyboxTree(t, filepath.Join(base, "tree"))
	tree(t, base, map[string]string{"tree/proc/": "", "tree/d/below/": "", "other/secret": "x"})
	archive := filepath.Join(base, "out.tar")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{"--mount"}
	if !isRoot() {
		arguments = append(arguments, "--map-root-user")
	}
	script := `mount --bind "$1/other" "$1/tree/d/below" && mount -t tmpfs none "$1/tree/proc" && touch "$1/tree/proc/secret" && exec "$2" > "$3"`
	cmd := exec.Command("unshare", append(arguments, "/bin/sh", "-c", script, "sh", base, program, archive)...)
	cmd.Env = append(os.Environ(), packVariable+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	list, err := exec.Command("tar", "--list", "--file", archive).Output()
	if err != nil || string(list) != "./\nbin/\nbin/busybox\nbin/sh\nd/\nd/below/\nproc/\n" {
		t.Errorf("the archive holds %q, %v", list, err)
	}
}

// packVariable makes the test binary pack that directory to its standard output.
const packVariable = "AQUARIUM_ROOTFS_TEST_PACK"

func playPack(dir string) error {
	return packOverlays(context.Background(), os.Stdout, []Overlay{{Dest: "/", Lower: []string{dir}}}, userns.Map{})
}

// A root that is put together, as that of host is, becomes one layer.
func TestImportOfPartsTogether(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	base := tree(t, workspace(t), map[string]string{"skeleton/usr/": "", "skeleton/root/": "", "mask/bin/new": "m", "usr/bin/sh": "s", "usr/lib/x": "x"})
	in := func(name string) string { return filepath.Join(base, name) }
	r, err := c.importTrees(t.Context(), "x", []Overlay{{"/", []string{in("skeleton")}}, {"/usr", []string{in("mask"), in("usr")}}}, ImportOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.ExportTar(t.Context(), r, &b, nil); err != nil {
		t.Fatal(err)
	}
	list, err := exec.Command("tar", "--list", "--file", writeTemp(t, b.Bytes())).Output()
	if err != nil || string(list) != "./\nroot/\nusr/\nusr/bin/\nusr/bin/new\nusr/bin/sh\nusr/lib/\nusr/lib/x\n" {
		t.Errorf("it holds %q, %v", list, err)
	}
}

// importVariable makes the test binary import its standard input into the store of that directory.
const importVariable = "AQUARIUM_ROOTFS_TEST_IMPORT"

func playImport(dataDir string) error {
	_, err := Open(dataDir).ImportArchive(context.Background(), "killed", os.Stdin, 0, ImportOptions{})
	return err
}

func TestImportKilled(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), importVariable+"="+c.dataDir)
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	archive := tarOf(t, [2]string{"first", "x"}, [2]string{"large", strings.Repeat("x", 1<<20)})
	if _, err := stdin.Write(archive[:len(archive)-4096]); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		if found, _ := filepath.Glob(filepath.Join(c.dataDir, "tmp/*/tree/first")); len(found) == 1 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the import did not begin")
		}
	}
	// What lives is not cleared.
	if p, err := c.Prune(); err != nil || p.Interrupted != 0 {
		t.Errorf("during the import pruned %+v, %v", p, err)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	cmd.Wait()
	if got := c.left(t); got != "0 0 1" {
		t.Errorf("after the kill names, layers and work are %s, want 0 0 1", got)
	}
	c.mustImport(t, "killed", archive)
	if got := c.left(t); got != "1 1 0" {
		t.Errorf("after the next import names, layers and work are %s, want 1 1 0", got)
	}
}

func TestNoSpaceLeft(t *testing.T) {
	t.Parallel()
	needNamespaces(t)
	base := workspace(t)
	archive := writeTemp(t, tarOf(t, [2]string{"large", strings.Repeat("x", 4<<20)}))
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	arguments := []string{"--mount"}
	if !isRoot() {
		arguments = append(arguments, "--map-root-user")
	}
	script := `mount -t tmpfs -o size=1m none "$1" && exec "$2" < "$3"`
	cmd := exec.Command("unshare", append(arguments, "/bin/sh", "-c", script, "sh", base, program, archive)...)
	cmd.Env = append(os.Environ(), importVariable+"="+filepath.Join(base, "data"))
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), `import "killed": entry "large": write: no space left on device`) {
		t.Errorf("the import says %s, %v", out, err)
	}
}

// What cannot be read is named.
func TestImportOfWhatIsClosed(t *testing.T) {
	t.Parallel()
	if isRoot() {
		t.Skip("root reads everything: for an ordinary user")
	}
	for name, mode := range map[string]os.FileMode{"file": 0, "dir": os.ModeDir} {
		dir := t.TempDir()
		path := filepath.Join(dir, "in", name)
		err := os.Mkdir(filepath.Dir(path), 0o755)
		if err == nil && mode.IsDir() {
			err = os.Mkdir(path, 0)
		} else if err == nil {
			err = os.WriteFile(path, nil, 0)
		}
		if err != nil {
			t.Fatal(err)
		}
		_, err = newStore(t).ImportDirectory(t.Context(), "x", dir, ImportOptions{})
		if want := fmt.Sprintf("import \"x\": read %q: permission denied", path); err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}
