package bundle

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/launch"
)

// unsupportedOptions are words of the specification, and of runc, that would
// otherwise be handed to the filesystem.
var unsupportedOptions = map[string]bool{
	"shared": true, "rshared": true, "slave": true, "rslave": true, "unbindable": true, "runbindable": true, "remount": true,
	"async": true, "atime": true, "diratime": true, "dirsync": true, "iversion": true, "noiversion": true, "lazytime": true, "nolazytime": true,
	"loud": true, "silent": true, "mand": true, "nomand": true, "norelatime": true, "nostrictatime": true, "symfollow": true, "nosymfollow": true,
	"rro": true, "rrw": true, "rnosuid": true, "rsuid": true, "rnodev": true, "rdev": true, "rnoexec": true, "rexec": true,
	"rnodiratime": true, "rdiratime": true, "rrelatime": true, "rnorelatime": true, "rnoatime": true, "ratime": true,
	"rstrictatime": true, "rnostrictatime": true, "rnosymfollow": true, "rsymfollow": true, "idmap": true, "ridmap": true, "tmpcopyup": true,
}

func isBind(m specs.Mount) bool {
	return m.Type == "bind" || slices.Contains(m.Options, "bind") || slices.Contains(m.Options, "rbind")
}

func hasMount(s *specs.Spec, destination, kind string) bool {
	return slices.ContainsFunc(s.Mounts, func(m specs.Mount) bool {
		return filepath.Clean(m.Destination) == destination && m.Type == kind
	})
}

func checkMounts(s *specs.Spec) error {
	for i := range s.Mounts {
		if err := checkMount(&s.Mounts[i], fmt.Sprintf("mounts[%d]", i), i == 0); err != nil {
			return err
		}
	}
	return nil
}

func checkMount(m *specs.Mount, field string, first bool) error {
	if !filepath.IsAbs(m.Destination) || strings.ContainsRune(m.Destination, 0) {
		return refusal(field+".destination", "it is not an absolute path")
	}
	m.Destination = filepath.Clean(m.Destination)
	if m.Destination == "/" && !(first && m.Type == "overlay") {
		return refusal(field+".destination", "only an overlay, and only as the first, is mounted on /")
	}
	if strings.ContainsRune(m.Source+m.Type, 0) {
		return refusal(field, "it holds a NUL byte")
	}
	bind := isBind(*m)
	switch {
	case m.Type == "cgroup" && bind:
		return refusal(field+".type", "it is bind or cgroup, not both")
	case bind && m.Source == "":
		return refusal(field+".source", "it is missing")
	case !bind && m.Type == "":
		return refusal(field+".type", "it is missing")
	}
	for j, word := range m.Options {
		option := fmt.Sprintf("%s.options[%d]", field, j)
		switch {
		case strings.ContainsRune(word, 0):
			return refusal(option, "it holds a NUL byte")
		case unsupportedOptions[word]:
			return refusal(option, fmt.Sprintf("%q is not supported", word))
		case bind && !launch.IsMountFlag(word):
			return refusal(option, fmt.Sprintf("%.40q is nothing for a bind mount", word))
		case len(word) >= 4096: // a page is all that mount(2) takes
			return refusal(option, "it is longer than a page")
		}
	}
	if bind && !slices.Contains(m.Options, "bind") && !slices.Contains(m.Options, "rbind") {
		m.Options = append([]string{"bind"}, m.Options...)
	}
	return nil
}
