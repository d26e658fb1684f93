package spec

import (
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/kernel"
)

// Weaker lists, in a few words each, what makes a sandbox hold less than a
// default one does: choices for teaching, which are "not isolation". It is
// empty for the default. A user namespace is not counted: root has none by
// default, and a time namespace holds nobody back. Nothing is asked of the
// machine: a mount's source is taken for what its path says, so that the caller
// has to see to symbolic links.
func Weaker(s *specs.Spec) []string {
	var reasons []string
	because := func(holds bool, reason string) {
		if holds {
			reasons = append(reasons, reason)
		}
	}
	because(s.Annotations[AnnotationRootSwitch] == string(Chroot), "chroot")
	for _, kind := range Namespaces {
		because(kind != "user" && kind != "time" && !Has(s, kind), "share "+kind)
	}
	reasons = append(reasons, addedCapabilities(s)...)
	reasons = append(reasons, weakerFilter(s)...)
	because(s.Process != nil && !s.Process.NoNewPrivileges, "new privileges")
	because(writesRootfs(s), "writable rootfs")
	return append(reasons, exposed(s)...)
}

// addedCapabilities are those beyond the default, as "cap NAME"; "cap all"
// where there are no others.
func addedCapabilities(s *specs.Spec) []string {
	if s.Process == nil {
		return nil
	}
	if s.Process.Capabilities == nil {
		return []string{"cap all"} // nothing is taken away
	}
	c, usual := s.Process.Capabilities, make(map[string]bool)
	for _, name := range DefaultCapabilities {
		usual[name] = true
	}
	added := make(map[string]bool)
	for _, set := range [][]string{c.Bounding, c.Effective, c.Permitted, c.Inheritable, c.Ambient} {
		for _, name := range set {
			added[name] = !usual[name]
		}
	}
	var reasons []string
	possible := 0
	for _, name := range kernel.Capabilities() {
		if !usual[name] {
			possible++
		}
		if added[name] {
			reasons = append(reasons, "cap "+strings.ToLower(strings.TrimPrefix(name, "CAP_")))
		}
	}
	if len(reasons) == possible {
		return []string{"cap all"}
	}
	return reasons
}

// writesRootfs tells whether what is written in the sandbox ends up in the
// root filesystem itself.
func writesRootfs(s *specs.Spec) bool {
	overlays, err := Overlays(s)
	if _, copied := s.Annotations[AnnotationCopied]; copied {
		return false
	}
	return err == nil && len(overlays) == 0 && s.Root != nil && !s.Root.Readonly
}
