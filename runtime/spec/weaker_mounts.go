package spec

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// exposed lists what mounts show of the host's kernel and files, and let a
// program write, that a default sandbox hides. Sources are judged by their
// paths, as Weaker says.
func exposed(s *specs.Spec) []string {
	var masked, readonly []string
	if s.Linux != nil {
		masked, readonly = s.Linux.MaskedPaths, slices.Concat(s.Linux.MaskedPaths, s.Linux.ReadonlyPaths)
	}
	var shown, writable, reasons []string
	for _, m := range s.Mounts {
		if reason := hostVolume(s, m); reason != "" {
			reasons = append(reasons, reason)
			continue
		}
		shown = append(shown, uncovered(m, maskedPaths, masked)...)
		if !isReadOnly(m) {
			writable = append(writable, uncovered(m, readonlyPaths, readonly)...)
		}
		if m.Type == "sysfs" && !isReadOnly(m) {
			reasons = append(reasons, "writable "+m.Destination)
		}
	}
	return slices.Compact(slices.Concat(firstOf("unmasked", shown), firstOf("writable", writable), reasons))
}

// firstOf says of paths what they are, in a few words.
func firstOf(what string, paths []string) []string {
	switch len(paths) {
	case 0:
		return nil
	case 1:
		return []string{what + " " + paths[0]}
	}
	return []string{fmt.Sprintf("%s %s and %d more", what, paths[0], len(paths)-1)}
}

func isReadOnly(m specs.Mount) bool { return slices.Contains(m.Options, "ro") }

func isBind(m specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

// hostVolume is what a mount shows of the host that none should, "" for
// nothing. Of a read-only /sys that is no more than every sandbox sees, where
// it is masked; of a read-only /dev too, as its devices cannot be opened.
func hostVolume(s *specs.Spec, m specs.Mount) string {
	source := filepath.Clean(m.Source)
	switch {
	case isBind(m) && holdsEngineSocket(source):
		return "host's " + source // nobody needs to write a socket to connect to it
	case m.Type == "cgroup" || isBind(m) && isOwnGroup(s, source):
		if isReadOnly(m) {
			return ""
		}
		return "writable cgroups"
	case !isBind(m) || source != "/" && !within(source, "/proc", "/sys", "/dev") || usualDevices[source]:
		return ""
	case !isReadOnly(m):
		return "host's " + source
	case source == "/" || within(source, "/proc"):
		return "host's " + source + " read-only"
	}
	return ""
}

// usualDevices are in every sandbox.
var usualDevices = map[string]bool{"/dev/null": true, "/dev/zero": true, "/dev/full": true, "/dev/random": true, "/dev/urandom": true, "/dev/tty": true}

// engineSockets are where container engines listen; whoever can connect to one
// has the powers of the engine on the host. They are patterns of path.Match.
var engineSockets = []string{
	"/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock", "/run/crio/crio.sock",
	"/run/buildkit/buildkitd.sock", "/run/user/*/docker.sock", "/run/user/*/podman/podman.sock",
}

// holdsEngineSocket tells whether a path is that of an engine's socket, or of
// a directory in which one is. For / hostVolume has words of its own.
func holdsEngineSocket(source string) bool {
	for _, at := range engineSockets {
		for ; at != "/"; at = path.Dir(at) {
			if match, _ := path.Match(at, source); match {
				return true
			}
		}
	}
	return false
}

func isOwnGroup(s *specs.Spec, directory string) bool {
	groups, _ := Groups(s) // NewPlan tells of an error
	for _, g := range groups {
		if g.Directory() == directory {
			return true
		}
	}
	return false
}

// within tells whether a path is one of others, or below it.
func within(path string, others ...string) bool {
	return slices.ContainsFunc(others, func(other string) bool {
		other = filepath.Clean(other)
		return path == other || strings.HasPrefix(path, other+"/")
	})
}

// uncovered are those of the usual paths, wherever m shows them, that a
// configuration's own do not cover.
func uncovered(m specs.Mount, usual, covers []string) []string {
	top := map[string]string{"proc": "/proc", "sysfs": "/sys"}[m.Type]
	if isBind(m) && filepath.Clean(m.Source) == "/sys" {
		top = "/sys"
	}
	var list []string
	for _, path := range usual {
		below, ok := strings.CutPrefix(path, top+"/")
		if at := filepath.Join(m.Destination, below); top != "" && ok && !within(at, covers...) {
			list = append(list, at)
		}
	}
	return list
}
