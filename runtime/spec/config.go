package spec

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/userns"
)

// Annotations: what OCI's config.json has no word for.
const (
	AnnotationName       = "aquarium.name"
	AnnotationRootfs     = "aquarium.rootfs"      // the name or path it was launched from
	AnnotationRootSwitch = "aquarium.root-switch" // pivot_root or chroot
	AnnotationOverlays   = "aquarium.overlays"    // JSON array of Overlay
	AnnotationCopied     = "aquarium.copied"      // JSON array of Overlay: what the root is a copy of, where no overlay can be mounted
	AnnotationCopiedWhy  = "aquarium.copied-why"  // why not
	AnnotationMountpoint = "aquarium.mountpoint"  // directory on which the root is put together
	AnnotationRemove     = "aquarium.remove"      // "true": delete when stopped
	AnnotationStdin      = "aquarium.stdin"       // "true": keep standard input open
	AnnotationStepped    = "aquarium.stepped"     // "true": wait before each step
	AnnotationInit       = "aquarium.init"        // "true": a reaper is PID 1, the program its child
	AnnotationWhatIf     = "aquarium.what-if"     // "true": and leave some out
	AnnotationScrollback = "aquarium.scrollback"  // bytes
	AnnotationNetwork    = "aquarium.network"     // JSON network.Lease: what the sandbox has of the bridge
	AnnotationGroups     = "aquarium.cgroups"     // JSON array of cgroup.Group
	AnnotationSeccomp    = "aquarium.seccomp"     // SeccompDefault, or none
	AnnotationShifted    = "aquarium.shifted"     // "true": root's sandbox with ids of its own, the rootfs shown with owners shifted
	AnnotationSingleID   = "aquarium.single-id"   // why an ordinary user's namespace has one id
	AnnotationNote       = "aquarium.note"        // what could not be as it should, in a line
	AnnotationBundle     = "aquarium.bundle"      // directory of the bundle of somebody's that it was launched from

	// Absolute paths of the programs that map ids: they are run, so a bundle
	// of somebody else's must not bring them.
	AnnotationUIDHelper = "aquarium.newuidmap"
	AnnotationGIDHelper = "aquarium.newgidmap"
)

// SeccompBundle stands for the profile in the configuration itself.
const SeccompBundle = "the bundle's"

// FromBundle tells whether a configuration is somebody's bundle's: it means
// exactly what the OCI specification says.
func FromBundle(s *specs.Spec) bool { return s.Annotations[AnnotationBundle] != "" }

// SeccompDefault names Docker's default profile, for the sandbox's
// capabilities. The annotation stands for the whole profile, which would make
// up most of the document.
const SeccompDefault = "docker-default"

// Overlay is one overlay mount that is part of the root.
type Overlay struct {
	Dest  string   `json:"dest"`  // inside the root; "/" is the root itself
	Lower []string `json:"lower"` // topmost first
	Upper string   `json:"upper"`
	Work  string   `json:"work"`
}

// Root says where a sandbox's root comes from.
type Root struct {
	Path       string    // the rootfs directory, for a root without overlays
	Mountpoint string    // an empty directory to mount on
	Overlays   []Overlay // none when the rootfs itself is written
	// Copied is what Path is a copy of, which the sandbox writes in place of
	// overlays, and CopiedWhy why it has none.
	Copied    []Overlay
	CopiedWhy string
}

// Caller is who launches: it decides whether a user namespace is needed.
type Caller struct {
	UID, GID   int
	Privileged bool // may do without a user namespace: CAP_SYS_ADMIN in the initial one
	// IDs is what a user namespace maps. Without any an ordinary user's has one
	// id only, the caller's own, and NoIDs says why; a privileged caller's
	// sandbox has no user namespace.
	IDs   userns.Map
	NoIDs string
	// MostFiles is the caller's hard limit on open files, 0 where it is not
	// known, and OOMScore what its oom_score_adj is.
	MostFiles uint64
	OOMScore  int
	// Throttles are the directories of /sys that tell how hot this machine's
	// processors run; other machines have other ones.
	Throttles []string
}

// DefaultPath is the PATH of a sandbox.
const DefaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// New makes the OCI configuration of a sandbox. Options are checked by Check
// first; Name and Command are set.
func New(o Options, root Root, caller Caller) (*specs.Spec, error) {
	capabilities, err := o.Capabilities()
	if err != nil {
		return nil, err
	}
	hostname := o.Hostname
	if hostname == "" {
		hostname = o.Name
	}
	oomScore := min(caller.OOMScore+OOMScore, mostOOMScore)
	s := &specs.Spec{
		Version:  specs.Version,
		Hostname: hostname,
		Root:     &specs.Root{Path: root.Path, Readonly: o.ReadOnly},
		Process: &specs.Process{
			Terminal:        o.TTY,
			ConsoleSize:     &specs.Box{Width: uint(orDefault(o.Cols, 80)), Height: uint(orDefault(o.Rows, 24))},
			Args:            o.Command,
			Env:             environment(o, hostname),
			Cwd:             o.Workdir,
			NoNewPrivileges: true,
			Rlimits:         rlimits(o, caller),
			OOMScoreAdj:     &oomScore,
			// OCI has no place for user names: they ride in Username.
			User:         specs.User{Username: o.User},
			Capabilities: &specs.LinuxCapabilities{Bounding: capabilities, Effective: capabilities, Permitted: capabilities},
		},
		Mounts:      mounts(o),
		Annotations: annotations(o, root),
		Linux: &specs.Linux{
			Namespaces:    namespaces(o, caller),
			MaskedPaths:   append(slices.Clone(maskedPaths), caller.Throttles...),
			ReadonlyPaths: readonlyPaths,
		},
	}
	if s.Process.Cwd == "" {
		s.Process.Cwd = "/"
	}
	if Has(s, "user") {
		mapIDs(s, caller)
	}
	overlays, err := json.Marshal(root.Overlays)
	if err != nil {
		return nil, fmt.Errorf("describe root: %w", err)
	}
	s.Annotations[AnnotationOverlays] = string(overlays)
	if len(root.Copied) > 0 {
		copied, err := json.Marshal(root.Copied)
		if err != nil {
			return nil, fmt.Errorf("describe root: %w", err)
		}
		s.Annotations[AnnotationCopied], s.Annotations[AnnotationCopiedWhy] = string(copied), root.CopiedWhy
	}
	return s, nil
}

func orDefault(n, fallback int) int {
	if n > 0 {
		return n
	}
	return fallback
}

func annotations(o Options, root Root) map[string]string {
	a := map[string]string{
		AnnotationName:       o.Name,
		AnnotationRootfs:     o.Rootfs,
		AnnotationRootSwitch: string(o.RootSwitch),
		AnnotationMountpoint: root.Mountpoint,
	}
	for name, set := range map[string]bool{AnnotationRemove: o.Remove, AnnotationStdin: o.Interactive, AnnotationStepped: o.Stepped, AnnotationInit: o.Init, AnnotationWhatIf: o.WhatIf} {
		if set {
			a[name] = "true"
		}
	}
	if !o.Unconfined {
		a[AnnotationSeccomp] = SeccompDefault
	}
	if o.Scrollback > 0 {
		a[AnnotationScrollback] = strconv.FormatInt(o.Scrollback, 10)
	}
	return a
}

// environment is a sandbox's own: nothing of the host's comes in.
func environment(o Options, hostname string) []string {
	env := []string{"PATH=" + DefaultPath, "HOSTNAME=" + hostname}
	if o.TTY {
		env = append(env, "TERM=xterm-256color")
	}
	return lastOfEach(append(env, o.Env...))
}

// lastOfEach keeps one value of each variable, the last given, at the place of
// the first: of two in an environment, programs disagree which counts.
func lastOfEach(env []string) []string {
	at := make(map[string]int)
	var kept []string
	for _, entry := range env {
		name, _, _ := strings.Cut(entry, "=")
		if i, again := at[name]; again {
			kept[i] = entry
			continue
		}
		at[name] = len(kept)
		kept = append(kept, entry)
	}
	return kept
}

// namespaceTypes maps the names of /proc/PID/ns to OCI's. A time namespace is
// never made: clone(2) cannot, and nothing in a sandbox needs one.
var namespaceTypes = []struct {
	kind string
	oci  specs.LinuxNamespaceType
}{
	{"user", specs.UserNamespace}, {"uts", specs.UTSNamespace}, {"pid", specs.PIDNamespace}, {"mnt", specs.MountNamespace},
	{"net", specs.NetworkNamespace}, {"ipc", specs.IPCNamespace}, {"cgroup", specs.CgroupNamespace},
}

func namespaces(o Options, caller Caller) []specs.LinuxNamespace {
	var list []specs.LinuxNamespace
	for _, t := range namespaceTypes {
		needless := t.kind == "user" && caller.Privileged && len(caller.IDs.UIDs) == 0
		if !o.Shares(t.kind) && !needless {
			list = append(list, specs.LinuxNamespace{Type: t.oci})
		}
	}
	return list
}

// Has tells whether a configuration makes a namespace of its own of a kind
// ("uts", "mnt", …).
func Has(s *specs.Spec, kind string) bool {
	return slices.ContainsFunc(namespaceTypes, func(t struct {
		kind string
		oci  specs.LinuxNamespaceType
	}) bool {
		return t.kind == kind && s.Linux != nil && slices.ContainsFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == t.oci })
	})
}

// Overlays reads back the overlays of a configuration.
func Overlays(s *specs.Spec) ([]Overlay, error) { return readOverlays(s, AnnotationOverlays) }

// Copied reads back what the root is a copy of; none where it is no copy. The
// upper directory is the copy.
func Copied(s *specs.Spec) ([]Overlay, error) { return readOverlays(s, AnnotationCopied) }

func readOverlays(s *specs.Spec, annotation string) ([]Overlay, error) {
	text, ok := s.Annotations[annotation]
	if !ok {
		return nil, nil
	}
	var list []Overlay
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return nil, fmt.Errorf("read annotation %s: %w", annotation, err)
	}
	return list, nil
}
