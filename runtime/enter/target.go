package enter

import (
	"fmt"
	"os"
	"strconv"
)

// Target is a process whose namespaces can be joined. Its descriptors stay
// valid, and mean the same process, when the process ends.
type Target struct {
	PID        int
	Namespaces []Namespace // those that differ from this process's own
	Root       *os.File    // what the process sees as /
}

// Open opens the namespaces of process pid that differ from this process's.
// The error tells whether it is gone (os.ErrNotExist) or needs more
// privileges (os.ErrPermission); see PTRACE_MODE_READ_FSCREDS in ptrace(2).
func Open(pid int) (*Target, error) {
	t := &Target{PID: pid}
	dir := "/proc/" + strconv.Itoa(pid)
	for _, kind := range Kinds() {
		theirs := dir + "/ns/" + kind.Name
		same, err := sameNamespace(theirs, "/proc/self/ns/"+kind.Name)
		if os.IsNotExist(err) && kind.Name == "time" {
			continue // a kernel before 5.6
		}
		if err != nil {
			t.Close()
			return nil, fmt.Errorf("open %s namespace of process %d: %w", kind.Name, pid, err)
		}
		if same {
			continue
		}
		file, err := os.Open(theirs)
		if err != nil {
			t.Close()
			return nil, err
		}
		t.Namespaces = append(t.Namespaces, Namespace{kind, file})
	}
	root, err := os.Open(dir + "/root")
	if err != nil {
		t.Close()
		return nil, err
	}
	t.Root = root
	return t, nil
}

// Close lets go of the namespaces.
func (t *Target) Close() {
	for _, n := range t.Namespaces {
		n.File.Close()
	}
	if t.Root != nil {
		t.Root.Close()
	}
}

// Has tells whether the target has a namespace of its own of that kind.
func (t *Target) Has(kind string) bool {
	for _, n := range t.Namespaces {
		if n.Kind.Name == kind {
			return true
		}
	}
	return false
}

func sameNamespace(a, b string) (bool, error) {
	one, err := os.Stat(a)
	if err != nil {
		return false, err
	}
	two, err := os.Stat(b)
	if err != nil {
		return false, err
	}
	return os.SameFile(one, two), nil
}
