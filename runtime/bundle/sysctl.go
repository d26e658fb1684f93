package bundle

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// ipcSysctls are those of an IPC namespace, see ipc_namespaces(7).
var ipcSysctls = []string{
	"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem", "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced",
}

// checkSysctl refuses what would change the host's kernel: only what belongs
// to a namespace of the sandbox's own may be set.
func checkSysctl(s *specs.Spec) error {
	for _, name := range slices.Sorted(maps.Keys(s.Linux.Sysctl)) {
		field := fmt.Sprintf("linux.sysctl[%.60q]", name)
		var needs specs.LinuxNamespaceType
		switch {
		case strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" || strings.Contains(name, ".."):
			return refusal(field, "no such name")
		case strings.HasPrefix(name, "net."):
			needs = specs.NetworkNamespace
		case strings.HasPrefix(name, "fs.mqueue."), slices.Contains(ipcSysctls, name):
			needs = specs.IPCNamespace
		default:
			return refusal(field, "it belongs to no namespace: it would be the host's that is changed")
		}
		if !slices.ContainsFunc(s.Linux.Namespaces, func(n specs.LinuxNamespace) bool { return n.Type == needs }) {
			return refusal(field, fmt.Sprintf("without a namespace of type %s it would be the host's that is changed", needs))
		}
		if strings.ContainsRune(s.Linux.Sysctl[name], 0) {
			return refusal(field, "the value holds a NUL byte")
		}
	}
	return nil
}
