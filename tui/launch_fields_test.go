package tui

import (
	"os/exec"
	"reflect"
	"regexp"
	"slices"
	"testing"

	tea "charm.land/bubbletea/v2"

	"aquarium/runtime/spec"
)

// notLaunchFlags are those of `aquarium run` that are about looking at what is
// launched, not about the sandbox; and --bundle, which takes the place of a
// root filesystem and most options.
var notLaunchFlags = []string{"--bundle", "--detach", "--detach-keys", "--dry-run", "--help"}

// TestLaunchFormHasEveryOption fills in one field after the other, and looks
// which option it sets and that the command line below the form says so.
func TestLaunchFormHasEveryOption(t *testing.T) {
	t.Parallel()
	set := make(map[string]string)
	usual := formOptions(t, newLaunchDialog(theme{}, "host"))
	for i := range launchFields() {
		d := newLaunchDialog(theme{}, "host")
		f := d.fields[i]
		switch e := f.edit.(type) {
		case interface{ insert(string) }:
			e.insert("7")
		default:
			e.press(tea.KeyPressMsg{Code: tea.KeySpace})
		}
		o := formOptions(t, d)
		for n := range reflect.TypeOf(o).NumField() {
			name := reflect.TypeOf(o).Field(n).Name
			if !reflect.DeepEqual(reflect.ValueOf(o).Field(n).Interface(), reflect.ValueOf(usual).Field(n).Interface()) {
				if other := set[name]; other != "" {
					t.Errorf("%s is set by %s and by %s", name, other, f.label)
				}
				set[name] = f.label
			}
		}
		if now := commandLine(o); now == commandLine(usual) {
			t.Errorf("with the field %s the command line is still %s", f.label, now)
		}
	}
	for n := range reflect.TypeOf(usual).NumField() {
		name := reflect.TypeOf(usual).Field(n).Name
		if set[name] == "" && !slices.Contains([]string{"Rootfs", "Tied", "Cols", "Rows"}, name) {
			t.Errorf("no field of the form sets the option %s", name)
		}
	}
}

// formOptions is what the fields say, whether it can be launched or not.
func formOptions(t *testing.T, d *launchDialog) spec.Options {
	t.Helper()
	o := spec.Options{Rootfs: d.rootfs}
	for _, f := range d.fields {
		if err := f.store(&o); err != nil {
			t.Errorf("field %s: %v", f.label, err)
		}
	}
	return o
}

// TestLaunchFormHasEveryFlag compares the form with what `aquarium run --help`
// lists.
func TestLaunchFormHasEveryFlag(t *testing.T) {
	t.Parallel()
	help, err := exec.Command(program(t), "run", "--help").CombinedOutput()
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	for _, f := range launchFields() {
		fields = append(fields, f.flag)
	}
	known := 0
	for _, m := range regexp.MustCompile(`(?m)^ +(?:(-\w), )?(--[a-z-]+)`).FindAllStringSubmatch(string(help), -1) {
		switch {
		case slices.Contains(fields, m[2]), m[1] != "" && slices.Contains(fields, m[1]):
			known++
		case !slices.Contains(notLaunchFlags, m[2]):
			t.Errorf("the form has no field for %s", m[2])
		}
	}
	if named := len(fields) - 1; known != named { // the command has no flag
		t.Errorf("%d of %d fields have a flag of run", known, named)
	}
}

// TestLaunchFormSteps begins a stepped launch from the form.
func TestLaunchFormSteps(t *testing.T) {
	t.Parallel()
	bb := busybox(t)
	h := newHome(t, bb)
	u := h.open(t, 80, 24, bb)
	u.sees("Root filesystems (2)")
	u.types("jo")
	u.sees("Launch /")
	u.toField("Memory")
	u.types("2")
	u.sees("too little to launch with")
	u.types("G")
	u.sees("--memory 2G")
	u.types("\x15") // not everyone may have that
	u.sees("aquarium run -it /")
	u.toField("Step")
	u.types(" ")
	u.sees("aquarium run -it --step /")
	u.types("\r")
	u.sees("Plan: ", "Now: before step 1 of")
	u.types("a")
	u.sees("is aborted: nothing of it is left", "Sandboxes (0)")
}
