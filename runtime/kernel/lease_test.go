package kernel_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"aquarium/runtime/kernel"
)

// TestOpenFound opens a file while somebody holds a lease on it, and after. It
// has this process to itself: a child that another test is just starting would
// have the file open for writing, too, and there is no lease on such a one.
func TestOpenFound(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	holder, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	if _, err := unix.FcntlInt(holder.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		t.Fatal(err)
	}
	found, err := syscall.Open(path, kernel.O_PATH|syscall.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(found)
	if fd, err := kernel.OpenFound(found); err != kernel.ErrLeased {
		t.Fatalf("with a lease: %d, %v, want %v", fd, err, kernel.ErrLeased)
	}
	if _, err := unix.FcntlInt(holder.Fd(), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		t.Fatal(err)
	}
	fd, err := kernel.OpenFound(found)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(fd)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("it is open with flags %#x, %v, want without O_NONBLOCK", flags, err)
	}
	text := make([]byte, 8)
	if n, err := syscall.Read(fd, text); err != nil || string(text[:n]) != "text" {
		t.Errorf("it reads %q, %v", text[:n], err)
	}
}
