package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/ledger"
	"aquarium/runtime/network"
	"aquarium/runtime/spec"
)

// leases is the directory of the addresses on the bridge.
func (p Places) leases() string { return filepath.Join(p.Run, "network") }

// connect gives a sandbox that is to be on the bridge an address, and one that
// reaches a network the host's name servers.
func (s *Store) connect(id string, o spec.Options, config *specs.Spec) error {
	if o.Network == spec.BridgeNetwork {
		lease, err := s.lease(id)
		if err != nil {
			return &Error{"take an address on the bridge", err, ""}
		}
		if err := annotate(config, lease); err != nil {
			return err
		}
	}
	s.nameServers(id, o, config)
	return nil
}

func annotate(config *specs.Spec, lease network.Lease) error {
	document, err := json.Marshal(lease)
	config.Annotations[spec.AnnotationNetwork] = string(document)
	return err
}

// lease takes an address, written down before it is taken.
func (s *Store) lease(id string) (network.Lease, error) {
	l, err := ledger.Open(s.run(id))
	if err != nil {
		return network.Lease{}, err
	}
	defer l.Close()
	if err := l.Will(ledger.Address, id); err != nil {
		return network.Lease{}, err
	}
	return network.Take(s.leases(), id, func(holder string) bool {
		_, err := os.Stat(s.run(holder))
		return err == nil
	})
}

// resolvConf is the name of a sandbox's own resolv.conf(5) in its bundle.
const resolvConf = "resolv.conf"

// nameServers puts the host's name servers where the sandbox looks for them.
func (s *Store) nameServers(id string, o spec.Options, config *specs.Spec) {
	if connected := o.Network == spec.BridgeNetwork || o.Network == spec.HostNetwork; !connected || o.Shares("mnt") {
		return
	}
	for _, m := range config.Mounts {
		if m.Destination == "/etc/resolv.conf" {
			return // a volume that the user asked for
		}
	}
	config.Mounts = append(config.Mounts, specs.Mount{Destination: "/etc/resolv.conf", Type: "bind",
		Source: filepath.Join(s.bundle(id), resolvConf), Options: []string{"rbind"}})
}

// writeNameServers writes what nameServers mounts, where it does.
func writeNameServers(bundle string, config *specs.Spec) error {
	path := filepath.Join(bundle, resolvConf)
	for _, m := range config.Mounts {
		if m.Source == path {
			text := hostNameServers(spec.Has(config, "net"))
			return errors.Join(os.WriteFile(path, []byte(text), 0o644), os.Chmod(path, 0o644)) // whatever the umask
		}
	}
	return nil
}

// hostNameServers is the host's resolv.conf(5). A name server on the host's
// loopback cannot be reached from another network namespace: there it is left
// out, and systemd-resolved's list of the real ones is taken.
func hostNameServers(apart bool) string {
	const ours, resolved = "/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"
	text, _ := os.ReadFile(ours) // without one there are no name servers
	if !apart {
		return string(text)
	}
	kept := withoutLoopback(string(text))
	if strings.Contains(kept, "nameserver") {
		return kept
	}
	if real, err := os.ReadFile(resolved); err == nil {
		return withoutLoopback(string(real))
	}
	return kept
}

// withoutLoopback drops the name servers that are the host itself.
func withoutLoopback(text string) string {
	var kept strings.Builder
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		if len(fields) > 1 && fields[0] == "nameserver" && (strings.HasPrefix(fields[1], "127.") || fields[1] == "::1") {
			continue
		}
		kept.WriteString(line)
	}
	return kept.String()
}

// preview shows in a plan what a lease would look like.
func (s *Store) preview(o spec.Options, config *specs.Spec) error {
	if o.Network == spec.BridgeNetwork {
		lease, err := network.Preview(s.leases())
		if err != nil {
			return err
		}
		if err := annotate(config, lease); err != nil {
			return err
		}
	}
	s.nameServers("ID", o, config)
	return nil
}
