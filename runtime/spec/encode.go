package spec

import (
	"encoding/json"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// Encode renders a configuration that New made as config.json. OCI's own Go
// type reaches hundreds of others (Windows, VMs, seccomp, …), and encoding/json
// prepares all of them for a first use, three times the cost of the rest of a
// launch's bookkeeping; so only what New fills in is named here.
func Encode(s *specs.Spec) ([]byte, error) {
	if FromBundle(s) {
		return json.MarshalIndent(s, "", "  ")
	}
	type linux struct {
		UIDMappings   []specs.LinuxIDMapping `json:"uidMappings,omitempty"`
		GIDMappings   []specs.LinuxIDMapping `json:"gidMappings,omitempty"`
		Namespaces    []specs.LinuxNamespace `json:"namespaces,omitempty"`
		MaskedPaths   []string               `json:"maskedPaths,omitempty"`
		ReadonlyPaths []string               `json:"readonlyPaths,omitempty"`
		CgroupsPath   string                 `json:"cgroupsPath,omitempty"`
		Resources     any                    `json:"resources,omitempty"`
	}
	type process struct {
		Terminal        bool                     `json:"terminal,omitempty"`
		ConsoleSize     *specs.Box               `json:"consoleSize,omitempty"`
		User            specs.User               `json:"user"`
		Args            []string                 `json:"args"`
		Env             []string                 `json:"env,omitempty"`
		Cwd             string                   `json:"cwd"`
		Capabilities    *specs.LinuxCapabilities `json:"capabilities,omitempty"`
		Rlimits         []specs.POSIXRlimit      `json:"rlimits,omitempty"`
		NoNewPrivileges bool                     `json:"noNewPrivileges,omitempty"`
		OOMScoreAdj     *int                     `json:"oomScoreAdj,omitempty"`
	}
	p := s.Process
	root, mounts := asBundle(s)
	return json.MarshalIndent(struct {
		Version     string            `json:"ociVersion"`
		Process     process           `json:"process"`
		Root        *specs.Root       `json:"root"`
		Hostname    string            `json:"hostname,omitempty"`
		Mounts      []specs.Mount     `json:"mounts,omitempty"`
		Annotations map[string]string `json:"annotations,omitempty"`
		Linux       linux             `json:"linux"`
	}{
		s.Version,
		process{p.Terminal, p.ConsoleSize, p.User, p.Args, p.Env, p.Cwd, p.Capabilities, p.Rlimits, p.NoNewPrivileges, p.OOMScoreAdj},
		root, s.Hostname, mounts, s.Annotations,
		linux{s.Linux.UIDMappings, s.Linux.GIDMappings, s.Linux.Namespaces, s.Linux.MaskedPaths, s.Linux.ReadonlyPaths,
			s.Linux.CgroupsPath, encodeResources(s.Linux.Resources)},
	}, "", "  ")
}

// encodeResources is what SetGroups fills in; nil where it did not.
func encodeResources(r *specs.LinuxResources) any {
	if r == nil {
		return nil
	}
	type limits struct {
		Memory *specs.LinuxMemory `json:"memory,omitempty"`
		CPU    *specs.LinuxCPU    `json:"cpu,omitempty"`
		Pids   *specs.LinuxPids   `json:"pids,omitempty"`
	}
	return limits{r.Memory, r.CPU, r.Pids}
}
