package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/userns"
)

// write makes the directories and documents. The running state comes first,
// so that a crash leaves what the next command recognises as never ready.
func (s *Store) write(st supervisor.State, config *specs.Spec) error {
	if err := st.Save(s.run(st.ID)); err != nil {
		return err
	}
	for _, dir := range []string{st.Bundle, config.Annotations[spec.AnnotationMountpoint]} {
		if dir == "" {
			continue // a bundle's root is mounted on itself
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	overlays, err := spec.Overlays(config)
	if err != nil {
		return err
	}
	for _, o := range overlays {
		if err := makeLayer(o, st.IDs); err != nil {
			return err
		}
		if spec.Shifted(config) && slices.Contains(o.Lower, "/") {
			if err := os.Mkdir(spec.HostPoint(config), 0o700); err != nil {
				return err
			}
		}
	}
	if err := s.copyRoot(st, config); err != nil {
		return err
	}
	if err := writeNameServers(st.Bundle, config); err != nil {
		return err
	}
	document, err := spec.Encode(config)
	if err != nil {
		return err
	}
	if !st.Remove {
		supervisor.Reserve(st.Bundle) // for the record of its end
	}
	return supervisor.WriteFile(filepath.Join(st.Bundle, configName), document)
}

const configName = "config.json"

func readConfig(bundle string) (*specs.Spec, error) {
	document, err := os.ReadFile(filepath.Join(bundle, configName))
	if err != nil {
		return nil, err
	}
	config := new(specs.Spec)
	if err := json.Unmarshal(document, config); err != nil {
		return nil, err
	}
	if config.Process == nil || config.Root == nil || config.Linux == nil {
		return nil, errors.New("parts of it are missing")
	}
	return config, nil
}

// makeLayer makes an overlay's upper and work directories. The upper one
// stands for the merged directory, so it takes over the lower one's mode and
// owner, as the sandbox's ids have it.
func makeLayer(o spec.Overlay, ids userns.Map) error {
	for _, dir := range []string{o.Upper, o.Work} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	info, err := os.Stat(o.Lower[0])
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(o.Upper, userns.Outside(ids.UIDs, int(stat.Uid)), userns.Outside(ids.GIDs, int(stat.Gid))); err != nil {
			return err
		}
	}
	return os.Chmod(o.Upper, info.Mode())
}
