package step

import (
	"strings"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Overlay mounts an overlay of more layers than fit into the one page of
// options that mount(2) takes: fsconfig(2) is given them one by one. The
// kernel takes layers so since Linux 6.8. Nodes of devices in them are not to be
// opened.
type Overlay struct {
	Target  string   `json:"target"`
	Lower   []string `json:"lower"` // the topmost first
	Upper   string   `json:"upper"`
	Work    string   `json:"work"`
	Options []Option `json:"options,omitempty"`
}

// Option is an option of a filesystem; one without a value is a flag.
type Option struct {
	Key   string `json:"key"`
	Value string `json:"value,omitempty"`
}

// lowerAppend is the key that adds one layer below those there are.
const lowerAppend = "lowerdir+"

// parameters are all options, in the order in which the kernel is told.
func (o *Overlay) parameters() []Option {
	var all []Option
	for _, dir := range o.Lower {
		all = append(all, Option{lowerAppend, dir})
	}
	all = append(all, Option{"upperdir", o.Upper}, Option{"workdir", o.Work})
	return append(all, o.Options...)
}

func (o Option) call() Call {
	if o.Value == "" {
		return call("fsconfig", raw("fd"), raw("FSCONFIG_SET_FLAG"), o.Key, null, 0)
	}
	return call("fsconfig", raw("fd"), raw("FSCONFIG_SET_STRING"), o.Key, o.Value, 0)
}

func (o Option) set(fd int) error {
	if o.Value == "" {
		return kernel.Fsconfig(fd, kernel.FSCONFIG_SET_FLAG, o.Key, "")
	}
	return kernel.Fsconfig(fd, kernel.FSCONFIG_SET_STRING, o.Key, o.Value)
}

func (*Overlay) opening() Call {
	return call("fsopen", "overlay", raw("FSOPEN_CLOEXEC"))
}

func (*Overlay) creating() Call {
	return call("fsconfig", raw("fd"), raw("FSCONFIG_CMD_CREATE"), null, null, 0)
}

func (*Overlay) mounting() Call {
	return call("fsmount", raw("fd"), raw("FSMOUNT_CLOEXEC"), raw("MOUNT_ATTR_NODEV"))
}

func (o *Overlay) moving() Call {
	return call("move_mount", raw("mount"), "", raw("AT_FDCWD"), o.Target, raw("MOVE_MOUNT_F_EMPTY_PATH|MOVE_MOUNT_T_SYMLINKS"))
}

// Calls implements Op.
func (o *Overlay) Calls() []Call {
	calls := []Call{o.opening()}
	for _, p := range o.parameters() {
		calls = append(calls, p.call())
	}
	return append(calls, o.creating(), o.mounting(), o.moving())
}

// Changes implements Op.
func (o *Overlay) Changes() []observe.Change {
	return []observe.Change{{Kind: "mount", Name: o.Target, After: observe.Mount{Type: "overlay", Source: "overlay"}.What()}}
}

// Do implements Op.
func (o *Overlay) Do(*World) error {
	fd, err := kernel.Fsopen("overlay")
	if err != nil {
		return failed(o.opening(), err)
	}
	defer syscall.Close(fd)
	for _, p := range o.parameters() {
		if err := p.set(fd); err != nil {
			return said(fd, failed(p.call(), err))
		}
	}
	if err := kernel.Fsconfig(fd, kernel.FSCONFIG_CMD_CREATE, "", ""); err != nil {
		return said(fd, failed(o.creating(), err))
	}
	mount, err := kernel.Fsmount(fd, kernel.MOUNT_ATTR_NODEV)
	if err != nil {
		return said(fd, failed(o.mounting(), err))
	}
	defer syscall.Close(mount)
	return failed(o.moving(), kernel.MoveMount(mount, o.Target))
}

// said adds to a refusal what the kernel wrote about it.
func said(fd int, err error) error {
	refused, ok := err.(*CallError)
	if !ok {
		return err
	}
	refused.Detail = kernel.FsopenMessages(fd)
	// Before Linux 6.5 the options of this API, too, were collected in one page.
	if strings.Contains(refused.Detail, "Legacy") || strings.Contains(refused.Detail, "Unknown parameter '"+lowerAppend) {
		refused.Detail = "this kernel is older than 6.8, the first that takes so many layers"
	}
	return err
}

func (o *Overlay) size() int { return len(o.Lower) }
