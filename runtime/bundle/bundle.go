// Package bundle reads an OCI bundle of anyone's: a directory with a
// config.json and a root filesystem; see the OCI runtime specification,
// config.md. What Aquarium cannot do is refused, with the field's name; what
// the specification does not know is left alone, as it demands, and listed.
package bundle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
)

// ConfigName is the configuration's name in a bundle.
const ConfigName = "config.json"

// maxConfig bounds a configuration, in bytes: with a system call filter it has
// some ten thousand.
const maxConfig = 4 << 20

// Bundle is a configuration that Aquarium can launch.
type Bundle struct {
	Dir     string      // absolute
	Spec    *specs.Spec // its paths are absolute, and its annotations are nobody's of ours
	Ignored []string    // what of it has no effect, a line each
}

// Read reads the bundle in a directory.
func Read(dir string) (*Bundle, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, refusal("", err.Error())
	}
	document, err := readConfig(filepath.Join(dir, ConfigName))
	if err != nil {
		return nil, &spec.Refusal{What: fmt.Sprintf("bundle %q: open %s: %v", dir, ConfigName, err), Way: "a bundle is a directory with a config.json and a root filesystem, as `runc spec` begins one"}
	}
	b, err := Parse(document)
	if err != nil {
		return nil, err
	}
	b.Dir = dir
	b.Spec.Root.Path = b.absolute(b.Spec.Root.Path)
	for i, m := range b.Spec.Mounts {
		if isBind(m) {
			b.Spec.Mounts[i].Source = b.absolute(m.Source)
		}
	}
	if info, err := os.Stat(b.Spec.Root.Path); err != nil || !info.IsDir() {
		return nil, refusal("root.path", fmt.Sprintf("%q is not a directory", b.Spec.Root.Path))
	}
	return b, nil
}

func readConfig(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		var cause *fs.PathError
		errors.As(err, &cause)
		return nil, cause.Err
	}
	defer file.Close()
	document, err := io.ReadAll(io.LimitReader(file, maxConfig+1))
	if err == nil && len(document) > maxConfig {
		err = fmt.Errorf("longer than %d bytes", maxConfig)
	}
	return document, err
}

// absolute is a path of the configuration, which is relative to the bundle.
func (b *Bundle) absolute(path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(b.Dir, path)
}

// Parse reads a configuration, and refuses what Aquarium cannot do.
func Parse(document []byte) (*Bundle, error) {
	b := &Bundle{Spec: new(specs.Spec)}
	if err := json.Unmarshal(document, b.Spec); err != nil {
		return nil, malformed(err)
	}
	if err := refuseUnsupported(reflect.ValueOf(b.Spec).Elem(), "", ""); err != nil {
		return nil, err
	}
	var raw any
	if err := json.Unmarshal(document, &raw); err != nil {
		return nil, malformed(err)
	}
	for _, property := range unknown(raw, reflect.TypeFor[specs.Spec](), "") {
		b.Ignored = append(b.Ignored, property+": the OCI specification does not know it")
	}
	for name := range b.Spec.Annotations {
		if strings.HasPrefix(name, "aquarium.") {
			delete(b.Spec.Annotations, name) // what they say is for the sandbox that they were written for
		}
	}
	if err := check(b.Spec); err != nil {
		return nil, err
	}
	b.dropIdle()
	return b, nil
}

// dropIdle leaves out what would have no effect, and says so.
func (b *Bundle) dropIdle() {
	if b.Spec.Linux.CgroupsPath != "" {
		b.Ignored = append(b.Ignored, "linux.cgroupsPath: sandboxes have their control groups in one place")
	}
	c := b.Spec.Process.Capabilities
	if c == nil {
		return
	}
	without := func(all, some []string) bool {
		return slices.ContainsFunc(all, func(name string) bool { return !slices.Contains(some, name) })
	}
	switch root := b.Spec.Process.User.UID == 0; {
	case root && without(c.Bounding, c.Permitted):
		b.Ignored = append(b.Ignored, "process.capabilities.permitted: execve(2) gives root all of the bounding set")
	case !root && without(c.Permitted, c.Ambient):
		b.Ignored = append(b.Ignored, "process.capabilities.permitted: execve(2) leaves other users than root those that are ambient")
	}
	idle := func(name string) bool { return !slices.Contains(c.Inheritable, name) }
	if slices.ContainsFunc(c.Ambient, idle) {
		c.Ambient = slices.DeleteFunc(c.Ambient, idle)
		b.Ignored = append(b.Ignored, "process.capabilities.ambient: the kernel gives none that is not inheritable too")
	}
}

func malformed(err error) error {
	var kind *json.UnmarshalTypeError
	if errors.As(err, &kind) {
		return refusal(kind.Field, "it is not "+article(kind.Type.Kind()))
	}
	return refusal("", "it is not JSON: "+err.Error())
}

func article(kind reflect.Kind) string {
	switch kind {
	case reflect.String:
		return "a string"
	case reflect.Bool:
		return "true or false"
	case reflect.Slice, reflect.Array:
		return "an array"
	case reflect.Struct, reflect.Map, reflect.Pointer:
		return "an object"
	}
	return "a number of the right size"
}

// refusal is a field of the configuration that cannot be done, and why.
func refusal(field, why string) error {
	if field != "" {
		field = ": " + field
	}
	return &spec.Refusal{What: "bundle" + field + ": " + why, Way: "change config.json, or run the bundle with another runtime, such as runc"}
}
