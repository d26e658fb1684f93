package tui

import (
	"errors"
	"io/fs"
	"slices"
	"strings"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// What is wrong with a form is mended where it was typed: the keys go to the
// field that an error is about, if that can be told.

// blame goes to the field that an error of the task is about.
func (f *form) blame(err error) {
	for i, field := range f.fields {
		if field.blame != nil && f.present(i) && field.blame(err) {
			f.at = i
			return
		}
	}
}

// aboutName tells whether an error is about the name of a root filesystem that
// is to be made.
func aboutName(err error) bool {
	var refused *rootfs.Error
	var taken *nameTakenError
	return errors.As(err, &refused) && refused.Verb == "name" || errors.Is(err, rootfs.ErrTaken) || errors.As(err, &taken)
}

// aboutSource takes what is not about the name as being about where it comes
// from.
func aboutSource(err error) bool { return !aboutName(err) }

// always takes every error, in forms where no other field can be wrong.
func always(error) bool { return true }

// nameTakenError is a name that another job is about to take.
type nameTakenError struct{ formError }

// blame goes to the field that an error of the launch is about.
func (d *launchDialog) blame(err error) {
	at := d.wrong(err)
	if at < 0 {
		label := launchLabel(err)
		at = slices.IndexFunc(d.fields, func(f field) bool { return f.label == label })
	}
	if at >= 0 {
		d.at = at
	}
}

// wrong finds the field with which the options are refused for the first time
// in the words of err; -1 where there is none.
func (d *launchDialog) wrong(err error) int {
	o := spec.Options{Rootfs: d.rootfs, RootSwitch: spec.PivotRoot}
	for i, f := range d.fields {
		refused := f.store(&o)
		if refused == nil {
			refused = o.Check()
		}
		if refused != nil && refused.Error() == err.Error() {
			return i
		}
	}
	return -1
}

// launchLabel is the label of the field that a launch has failed by; "" where
// that cannot be told.
func launchLabel(err error) string {
	var failed *sandbox.LaunchError
	if !errors.As(err, &failed) {
		if errors.Is(err, fs.ErrExist) { // a name that another sandbox has
			return "Name"
		}
		return ""
	}
	switch {
	case strings.HasPrefix(failed.Report.Call, "execve("):
		return "Command"
	case strings.HasPrefix(failed.Report.Call, "look up user "), strings.HasPrefix(failed.Report.Call, "look up group "):
		return "User"
	case strings.HasPrefix(failed.Report.Detail, "the source "):
		return "Volumes"
	}
	return ""
}
