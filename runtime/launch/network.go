package launch

import (
	"encoding/json"
	"fmt"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/network"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// peerName is what a sandbox calls its end of the veth pair.
const peerName = "eth0"

// lease is what a sandbox has of the bridge; ok is false for one that is not
// connected.
func lease(s *specs.Spec) (l network.Lease, ok bool, err error) {
	text, ok := s.Annotations[spec.AnnotationNetwork]
	if !ok {
		return l, false, nil
	}
	if err := json.Unmarshal([]byte(text), &l); err != nil {
		return l, false, fmt.Errorf("read annotation %s: %w", spec.AnnotationNetwork, err)
	}
	return l, true, nil
}

// connect are the host's steps towards a sandbox on the bridge. They come
// after the clone: one end of the veth pair is made in init's namespace.
func connect(l network.Lease) []step.Step {
	own := func(man, why string, op step.Op) step.Step {
		return step.Step{Actor: step.Supervisor, Why: why, Man: man, Namespace: "net", Op: op}
	}
	return []step.Step{
		own("rtnetlink(7)", "A switch in the host's kernel that connects this user's sandboxes with each other and with the host.", &step.Bridge{Name: l.Bridge, Address: l.Gateway}),
		own("sysctl(8)", "Let the host pass on what sandboxes send further. It stays on.", &step.Forward{}),
		own("nft(8)", "What leaves the host gets the host's address, so that answers find back.", &step.Masquerade{Table: l.Bridge, Bridge: l.Bridge, Source: l.Gateway}),
		own("veth(4)", "A cable: one end in the bridge, the other in the sandbox.", &step.Veth{Link: l.Link, Peer: peerName, Bridge: l.Bridge}),
	}
}

// interfaces sets up what is in the sandbox's own network namespace.
func (b *builder) interfaces() error {
	if !spec.Has(b.spec, "net") {
		return nil
	}
	b.add("net", "netdevice(7)", "A new network namespace has only a loopback interface, and that is down.", &step.LinkUp{Name: "lo"})
	l, connected, err := lease(b.spec)
	if err != nil || !connected {
		return err
	}
	b.add("net", "rtnetlink(7)", "The sandbox's own address, behind the bridge.", &step.Address{Link: peerName, Address: l.Address})
	b.add("net", "netdevice(7)", "Plug in the sandbox's end of the cable.", &step.LinkUp{Name: peerName})
	b.add("net", "rtnetlink(7)", "Everything that is not near goes by way of the host.", &step.Gateway{Address: l.Gateway.Address})
	return nil
}
