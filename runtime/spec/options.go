// Package spec describes a sandbox as data: the options a user gives (the
// flags of `aquarium run`, the launch form), and the OCI runtime
// configuration they become. What OCI has no word for goes into aquarium.*
// annotations. The package does nothing; package launch turns a configuration
// into steps.
package spec

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf8"
)

// RootSwitch is how a sandbox's root becomes "/".
type RootSwitch string

// The two root switches of the lesson.
const (
	PivotRoot RootSwitch = "pivot_root"
	Chroot    RootSwitch = "chroot" // for teaching: not isolation
)

// Network is what a sandbox's network namespace is connected to.
type Network string

// The networks. A sandbox with the host's shares its network namespace.
const (
	NoNetwork     Network = "none" // also ""
	HostNetwork   Network = "host"
	BridgeNetwork Network = "bridge"
)

// Namespaces lists the kinds that --share takes, by the names that
// /proc/PID/ns uses.
var Namespaces = []string{"uts", "pid", "mnt", "net", "ipc", "user", "cgroup", "time"}

// Options is what a user says about a sandbox to launch.
type Options struct {
	Name        string   // "" lets one be made up
	Rootfs      string   // catalogue name or directory
	Command     []string // empty: the rootfs's default
	TTY         bool     // a pseudo-terminal; otherwise three pipes
	Interactive bool     // keep standard input open
	Remove      bool     // delete the sandbox and its layer when it stops
	RootSwitch  RootSwitch
	Share       []string // namespaces kept from the host
	Network     Network
	UserNS      UserNS
	Hostname    string   // "" is the name
	Env         []string // "NAME=value"
	Workdir     string
	User        string   // "user[:group]", names or numbers
	Volumes     []string // "SRC:DST[:ro]"
	ReadOnly    bool     // the root cannot be written
	Writable    bool     // write into the rootfs itself, no layer of its own
	Init        bool     // a reaper is PID 1, and the program its child
	NoProc      bool     // /proc is not mounted
	CapAdd      []string // "CAP_" may be left out; "ALL"
	CapDrop     []string
	Unconfined  bool     // no system call filter
	Memory      int64    // bytes, swap included; 0 is no limit
	CPUs        float64  // processors' worth of time; 0 is no limit
	Pids        int64    // processes and threads; 0 is DefaultPids, where that can be set; NoLimit is none
	Ulimits     []string // "NAME=SOFT[:HARD]"
	Stepped     bool     // wait before each step
	WhatIf      bool     // steps may be left out: launch in an outer mount namespace; see checkWhatIf
	Tied        bool     // it ends when who launched it does, or lets go of it
	Scrollback  int64    // bytes of output kept; 0 is the default
	Cols, Rows  int      // the terminal's first size, in cells; 0 is 80×24
}

// CheckName refuses a sandbox or rootfs name that is not of the contract's form.
func CheckName(name string) error {
	if !validName(name) {
		return &Refusal{fmt.Sprintf("name %s: not a valid name", abbreviate(name)), "a name has 1 to 63 letters, digits, '_', '.' or '-', and begins with a letter or digit"}
	}
	return nil
}

// validName matches [a-zA-Z0-9][a-zA-Z0-9_.-]{0,62} by hand: compiling the
// expression would cost every start of the binary a quarter of a millisecond.
func validName(name string) bool {
	for i, c := range []byte(name) {
		alphanumeric := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9'
		if !alphanumeric && (i == 0 || c != '_' && c != '.' && c != '-') {
			return false
		}
	}
	return name != "" && len(name) <= 63
}

// abbreviate quotes hostile text so that an error stays one short line.
func abbreviate(s string) string {
	if len(s) > 40 {
		return fmt.Sprintf("%q…", s[:40])
	}
	return fmt.Sprintf("%q", s)
}

// Refusal is an error with a way out.
type Refusal struct{ What, Way string }

func (r *Refusal) Error() string { return r.What }

// Hint is the way out, for a "hint:" line.
func (r *Refusal) Hint() string { return r.Way }

// Shares tells whether a namespace kind is kept from the host.
func (o Options) Shares(kind string) bool {
	return slices.Contains(o.Share, kind) || kind == "net" && o.Network == HostNetwork
}

// Check refuses options that contradict each other or cannot be.
func (o Options) Check() error {
	if o.Name != "" {
		if err := CheckName(o.Name); err != nil {
			return err
		}
	}
	if o.RootSwitch != PivotRoot && o.RootSwitch != Chroot {
		return &Refusal{fmt.Sprintf("root switch %q: unknown", o.RootSwitch), "it is pivot_root or chroot"}
	}
	switch o.Network {
	case "", NoNetwork, HostNetwork:
	case BridgeNetwork:
		if slices.Contains(o.Share, "net") {
			return &Refusal{"network bridge: it needs a network namespace of the sandbox's own", "leave net out of --share"}
		}
	default:
		return &Refusal{fmt.Sprintf("network %s: unknown", abbreviate(string(o.Network))), "it is none, host or bridge"}
	}
	for _, kind := range o.Share {
		if !slices.Contains(Namespaces, kind) {
			return &Refusal{fmt.Sprintf("share %s: unknown namespace kind", abbreviate(kind)), "the kinds are " + strings.Join(Namespaces, ", ")}
		}
	}
	if err := o.checkUserNS(); err != nil {
		return err
	}
	if o.Shares("mnt") && (o.RootSwitch != Chroot || !o.Writable) {
		return &Refusal{"share mnt: a sandbox in the host's mount namespace can neither pivot_root nor have a layer of its own", "add --root-switch chroot --writable"}
	}
	if err := o.checkWhatIf(); err != nil {
		return err
	}
	if len(o.Hostname) > 64 || strings.ContainsFunc(o.Hostname, isControl) {
		return &Refusal{fmt.Sprintf("hostname %s: not valid", abbreviate(o.Hostname)), "the kernel takes at most 64 bytes, see sethostname(2)"}
	}
	for _, entry := range o.Env {
		if name, _, ok := strings.Cut(entry, "="); !ok || name == "" || strings.ContainsRune(entry, 0) {
			return &Refusal{fmt.Sprintf("environment %s: not NAME=value", abbreviate(entry)), "write -e NAME=value"}
		}
	}
	for _, arg := range append(o.Command, o.Workdir, o.User) {
		if strings.ContainsRune(arg, 0) {
			return &Refusal{fmt.Sprintf("argument %s: holds a NUL byte", abbreviate(arg)), "arguments are C strings"}
		}
	}
	for _, text := range slices.Concat(o.Command, o.Env, o.Volumes, []string{o.Workdir, o.User, o.Hostname, o.Rootfs}) {
		if err := CheckText(text); err != nil {
			return err
		}
	}
	for _, v := range o.Volumes {
		if _, err := ParseVolume(v); err != nil {
			return err
		}
	}
	if err := o.checkLimits(); err != nil {
		return err
	}
	for _, u := range o.Ulimits {
		if _, err := ParseUlimit(u); err != nil {
			return err
		}
	}
	_, err := o.Capabilities()
	return err
}

// CheckText refuses what cannot be written down: arguments, variables and
// paths go through documents in JSON, which is UTF-8 and would change them.
func CheckText(text string) error {
	if !utf8.ValidString(text) {
		return &Refusal{fmt.Sprintf("%s: not UTF-8", abbreviate(text)), "config.json can hold nothing else; inside, `printf` and `xargs` make any bytes of plain ones"}
	}
	return nil
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

// Volume is a directory or file of the host, seen in the sandbox.
type Volume struct {
	Source, Destination string // absolute
	ReadOnly            bool
}

// ParseVolume reads "SRC:DST[:ro|rw]".
func ParseVolume(s string) (Volume, error) {
	parts := strings.Split(s, ":")
	bad := func(why string) (Volume, error) {
		return Volume{}, &Refusal{fmt.Sprintf("volume %s: %s", abbreviate(s), why), "write -v SRC:DST or -v SRC:DST:ro, both absolute paths"}
	}
	if len(parts) < 2 || len(parts) > 3 {
		return bad("not SRC:DST[:ro]")
	}
	v := Volume{Source: parts[0], Destination: filepath.Clean(parts[1])}
	if len(parts) == 3 {
		if parts[2] != "ro" && parts[2] != "rw" {
			return bad("the third part is ro or rw")
		}
		v.ReadOnly = parts[2] == "ro"
	}
	if !filepath.IsAbs(v.Source) || !filepath.IsAbs(v.Destination) || strings.ContainsRune(s, 0) {
		return bad("the paths are not absolute")
	}
	if v.Destination == "/" {
		return bad("the destination is the root itself")
	}
	return v, nil
}
