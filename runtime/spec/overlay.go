package spec

import (
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// OverlayOptions are the words that mount(8) takes for an overlay.
func OverlayOptions(s *specs.Spec, o Overlay) []string {
	lower := make([]string, len(o.Lower))
	for i, dir := range o.Lower {
		lower[i] = escape(dir)
	}
	words := []string{"lowerdir=" + strings.Join(lower, ":"), "upperdir=" + escape(o.Upper), "workdir=" + escape(o.Work)}
	return append(words, OverlayWords(s)...)
}

// OverlayWords are those that do not name directories.
func OverlayWords(s *specs.Spec) []string {
	if Has(s, "user") && !Shifted(s) {
		// An ordinary user cannot write trusted.* attributes. Without them there
		// are no redirects and no metacopies, and naming those is refused.
		return []string{"userxattr"}
	}
	// Layers that other tools and kernels read too hold whole files and whole
	// directories; see the kernel's overlayfs documentation.
	return []string{"redirect_dir=off", "metacopy=off"}
}

// escape protects the characters that separate overlay's options; see the
// kernel's overlayfs documentation.
func escape(path string) string {
	return strings.NewReplacer(`\`, `\\`, ":", `\:`, ",", `\,`).Replace(path)
}

// asBundle says in OCI's words what the annotations do: that the root is put
// together from layers, by mounts that come first. Other runtimes run the
// sandbox by it.
func asBundle(s *specs.Spec) (*specs.Root, []specs.Mount) {
	overlays, err := Overlays(s)
	mountpoint := s.Annotations[AnnotationMountpoint]
	if err != nil || len(overlays) == 0 || mountpoint == "" {
		return s.Root, s.Mounts
	}
	root := *s.Root
	root.Path = mountpoint
	var list []specs.Mount
	for _, o := range overlays {
		list = append(list, specs.Mount{Destination: o.Dest, Type: "overlay", Source: "overlay", Options: append(OverlayOptions(s, o), "nodev")})
	}
	return &root, slices.Concat(list, s.Mounts)
}
