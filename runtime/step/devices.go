package step

import (
	"fmt"
	"syscall"

	"aquarium/runtime/kernel"
	"aquarium/runtime/observe"
)

// Device is a node of /dev: its name and its numbers.
type Device struct {
	Name  string `json:"name"`
	Major uint32 `json:"major"`
	Minor uint32 `json:"minor"`
}

func (d Device) path() string { return "/dev/" + d.Name }

func (d Device) opening() Call { return call("open", d.path(), raw("O_PATH|O_NOFOLLOW")) }

// nullDevice is what hides files.
var nullDevice = Device{"null", 1, 3}

// open opens the host's device by path only, and makes sure that it is what
// its name says (CVE-2025-31133): ENODEV otherwise.
func (d Device) open() (int, error) {
	fd, err := syscall.Open(d.path(), kernel.O_PATH|syscall.O_NOFOLLOW|syscall.O_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	var stat syscall.Stat_t
	err = syscall.Fstat(fd, &stat)
	if err == nil && (stat.Mode&syscall.S_IFMT != syscall.S_IFCHR || stat.Rdev != uint64(d.number())) {
		err = syscall.ENODEV
	}
	if err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return fd, nil
}

// number is makedev(3).
func (d Device) number() int { return int(d.Major<<8 | d.Minor&0xff | d.Minor&^0xff<<12) }

// BindDevices shows devices of the host's in the directory Dir below Root.
type BindDevices struct {
	Root    string   `json:"root"`
	Dir     string   `json:"dir"`
	Devices []Device `json:"devices"`
}

func (b *BindDevices) size() int { return len(b.Devices) }

// deviceFlags are those of a device that is bound. It can be read and written
// all the same, but it is the host's file: its mode and owner stay.
const deviceFlags = syscall.MS_BIND | syscall.MS_RDONLY | syscall.MS_NOSUID | syscall.MS_NOEXEC

func (b *BindDevices) point(d Device) point {
	return point{root: b.Root, target: b.Dir + "/" + d.Name, create: kernel.File}
}

// bound lets the device be opened too that comes from a mount where none can
// be, as all are in an outer mount namespace.
func (b *BindDevices) bound(source string) bound {
	one := newBound(source, deviceFlags)
	one.attributes.attr.Clear = kernel.MOUNT_ATTR_NODEV
	return one
}

func (b *BindDevices) moving(d Device) Call {
	return moving(raw(d.Name), b.Root+b.Dir+"/"+d.Name)
}

// Calls implements Op.
func (b *BindDevices) Calls() []Call {
	var calls []Call
	for _, d := range b.Devices {
		calls = append(calls, b.moving(d))
	}
	d := b.Devices[0]
	calls = append(calls, d.opening().when("before it, and so for each: see that it is that device"))
	calls = append(calls, b.bound(d.path()).opening().when(d.Name),
		b.bound(d.path()).attributes.callOn(raw(d.Name)).when("the file itself is the host's, and stays as it is"))
	return append(calls, b.point(d).making()...)
}

// Changes implements Op.
func (b *BindDevices) Changes() []observe.Change {
	changes := make([]observe.Change, len(b.Devices))
	for i, d := range b.Devices {
		changes[i] = observe.Change{Kind: "mount", Name: b.Dir + "/" + d.Name, After: fmt.Sprintf("character device %d:%d", d.Major, d.Minor)}
	}
	return changes
}

// Do implements Op.
func (b *BindDevices) Do(w *World) error {
	for _, d := range b.Devices {
		if err := b.bind(w, d); err != nil {
			return err
		}
	}
	return nil
}

func (b *BindDevices) bind(w *World, d Device) error {
	fd, err := d.open()
	if err != nil {
		return failed(d.opening(), err)
	}
	defer syscall.Close(fd)
	tree, err := b.bound(kernel.FDPath(fd)).open()
	if err != nil {
		return err
	}
	defer syscall.Close(tree)
	return b.point(d).receive(w, tree, b.moving(d))
}
