// Package rootfs finds, checks and keeps the directory trees that sandboxes see as "/".
//
// A catalogue lists three kinds of them: the built-in `host`, which is this machine's own "/" seen
// through copy-on-write with private things hidden; those stored below the data directory; and
// directories named on the command line.
//
//	DATA/rootfs/NAME/                  a plain tree, if there is no rootfs.json in it
//	DATA/rootfs/NAME/rootfs.json       a document: which layers, which defaults, from where
//	DATA/layers/sha256/HEX/tree/       one layer, in the form that overlayfs mounts
//	DATA/layers/sha256/HEX/layer.json  its digest, size and origin
//	DATA/l/SHORT                       a link to a layer's tree: many long names do not fit in one mount(2)
//	DATA/host/RECIPE/                  what the host root is put together from
//	DATA/tmp/                          work in progress; becomes visible by one rename
//	DATA/partial/HEX                   as much of a blob as has come from a registry, for a day
//
// Nothing in a tree is trusted: paths are resolved inside it, only regular files are opened, and
// nothing from it is ever executed.
package rootfs

// HostName is the name of the built-in root filesystem.
const HostName = "host"

// Kind says where a root filesystem comes from.
type Kind int

// The kinds, in the order in which a catalogue lists them.
const (
	Host      Kind = iota // this machine's own "/", copy-on-write
	Stored                // kept below the data directory
	Directory             // a directory named by the user
)

func (k Kind) String() string {
	return [...]string{"host", "stored", "directory"}[k]
}

// MarshalText writes the kind as its word.
func (k Kind) MarshalText() ([]byte, error) { return []byte(k.String()), nil }

// Rootfs is a directory tree that a sandbox sees as "/".
type Rootfs struct {
	// Name is the catalogue name; for a listed directory, its absolute, cleaned path. It may hold
	// any bytes that a file name can: show it through [Visible].
	Name string `json:"name"`
	// Path is an absolute directory: "/" for the host, the document's directory for a stack of layers.
	Path string `json:"path"`
	Kind Kind   `json:"kind"`
	// Problem says in one sentence why no sandbox could start here; it is "" when one can.
	Problem string `json:"problem,omitempty"`
	// NeedsCommand says that the problem is only that there is nothing to start: a launch that names
	// a program of this root filesystem is none the worse for it.
	NeedsCommand bool     `json:"needsCommand,omitempty"`
	Defaults     Defaults `json:"defaults"`
}

// Defaults are what a launch uses where the user says nothing. Empty fields mean that the root
// filesystem has no opinion.
type Defaults struct {
	Command    []string `json:"command,omitempty"`
	Env        []string `json:"env,omitempty"` // KEY=value
	User       string   `json:"user,omitempty"`
	Workdir    string   `json:"workdir,omitempty"`
	StopSignal string   `json:"stopSignal,omitempty"` // as in images: "SIGTERM" or a number
}
