package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
)

// TestDevices makes and opens device nodes wherever something can be written,
// as root with CAP_MKNOD too, by which the host's disks could be read and
// written; and changes the modes of those that are there, which are the host's.
func TestDevices(t *testing.T) {
	t.Parallel()
	for name, flags := range map[string][]string{
		"default":             nil,
		"written rootfs":      {"--writable"},
		"ids of its own":      {"--userns", "auto"},
		"with all privileges": {"--cap-add", "ALL", "--security-opt", "seccomp=unconfined"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := newPlace(t)
			p.attacker(t)
			shared := filepath.Join(p.dir, "shared")
			if err := os.Mkdir(shared, 0o777); err != nil {
				t.Fatal(err)
			}
			if os.Geteuid() == 0 { // as an image that root imports may have it
				if err := syscall.Mknod(filepath.Join(p.bb(), "zero"), syscall.S_IFCHR|0o666, 1<<8|5); err != nil {
					t.Fatal(err)
				}
			}
			before := modes(t)
			run := append(append([]string{"run", "--rm", "-v", shared + ":/shared"}, flags...), p.bb(), "/bin/attacker", "devices", "/", "/dev", "/dev/shm", "/shared")
			o := readOutcomes(t, p.run(t, run...))
			for attempt, errno := range o {
				switch {
				case strings.HasPrefix(attempt, "use "):
					if errno != 0 {
						t.Errorf("%s: %v, which every program may", attempt, errno)
					}
				case strings.HasPrefix(attempt, "make "):
					// That a node can be made is no harm by itself.
				case errno == 0:
					t.Errorf("%s: it was done", attempt)
				case os.Geteuid() == 0 && o[strings.Replace(attempt, "open", "make", 1)] == 0 && errno != syscall.EACCES && strings.HasPrefix(attempt, "open zero"):
					t.Errorf("%s: %v, want %v because of the mount", attempt, errno, syscall.EACCES)
				}
			}
			if after := modes(t); after != before {
				t.Errorf("the host's devices are\n%swere\n%s", after, before)
			}
		})
	}
}

// TestDevicesWork is the control: the same node opens where the mount lets it.
func TestDevicesWork(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("making a device node needs root")
	}
	p := newPlace(t)
	out, err := exec.Command(p.attacker(t), "nodes", p.dir).Output()
	if err != nil {
		t.Fatal(err)
	}
	o := readOutcomes(t, string(out))
	if made, opened := o["make zero in "+p.dir], o["open zero in "+p.dir]; made != 0 || opened != 0 {
		t.Errorf("outside, making a node gave %v and opening it %v", made, opened)
	}
}

// modes are modes and owners of the host's devices. Their times are anybody's
// to change: a terminal that is written to sets that of an open /dev/tty.
func modes(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("stat", "-c", "%n %A %u:%g %t:%T", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty").Output()
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// TestDevicesByDescriptors changes, as root, the device that standard input is
// where nobody types: through the descriptor it is the host's file. Owner and
// mode are those that it has, so that a defence that fails harms nobody.
func TestDevicesByDescriptors(t *testing.T) {
	t.Parallel()
	const script = `for fd in 0 1 2; do
	[ -c /proc/self/fd/$fd ] || continue
	echo "$fd is a device"
	chown 0:0 /proc/self/fd/$fd 2>&- && echo "its owner was set"
	chmod 666 /proc/self/fd/$fd 2>&- && echo "its mode was set"
done; cat; echo read`
	for name, flags := range map[string][]string{
		"default": nil, "with all privileges": {"--cap-add", "ALL", "--security-opt", "seccomp=unconfined"}, "ids of its own": {"--userns", "auto"},
	} {
		p := newPlace(t)
		p.run(t, slices.Concat([]string{"run", "-d", "--name", "alone"}, flags, []string{p.bb(), "sh", "-c", script})...)
		if out := p.run(t, "logs", "-f", "alone"); out != "0 is a device\nread\n" {
			t.Errorf("%s: it printed %q", name, out)
		}
	}
}
