package itself

import (
	"os"
	"slices"
	"testing"

	"aquarium/runtime/kernel"
)

// TestStartWithHighDescriptors starts this binary from a view, in a process
// with more and more open descriptors, for a child whose files are in each
// other's way.
func TestStartWithHighDescriptors(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	for range 30 {
		number, err := kernel.DupAbove(int(null.Fd()), 10)
		if err != nil {
			t.Fatal(err)
		}
		last := os.NewFile(uintptr(number), os.DevNull)
		defer last.Close()
		files := append(slices.Repeat([]*os.File{null}, 12), last)
		v := Open(files...)
		if !v.Guarded {
			t.Skip("the kernel refuses the mount that a view is made of")
		}
		child, err := os.StartProcess(v.Path, []string{os.Args[0], "-test.run=^$"}, &os.ProcAttr{Files: files})
		v.Close()
		if err != nil {
			t.Fatalf("start %s for a child that is given %d: %v", v.Path, number, err)
		}
		if state, err := child.Wait(); err != nil || !state.Success() {
			t.Errorf("it ended with %v, %v", state, err)
		}
	}
}
