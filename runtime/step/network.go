package step

import (
	"errors"
	"os"
	"strconv"
	"syscall"

	"aquarium/runtime/network"
	"aquarium/runtime/observe"
)

// rtnetlink is a request of rtnetlink(7), with its attributes as a C
// programmer would note them.
func rtnetlink(kind, attributes string) Call {
	return call("send", raw("rtnetlink"), raw("{"+kind+", "+attributes+"}"))
}

// Bridge makes a bridge on the host, with an address, and sets it up. One that
// other sandboxes use already stays as it is.
type Bridge struct {
	Name    string         `json:"name"`
	Address network.Prefix `json:"address"`
}

// Calls implements Op.
func (b *Bridge) Calls() []Call {
	return []Call{
		rtnetlink("RTM_NEWLINK", "IFLA_IFNAME: "+strconv.Quote(b.Name)+`, IFLA_INFO_KIND: "bridge"`).when("unless it is there"),
		(&Address{b.Name, b.Address}).Calls()[0], (&LinkUp{b.Name}).Calls()[0],
		call("write", network.IPv6Knob(b.Name), "1").when("before it is up: a sandbox could make itself the host's router"),
	}
}

// Changes implements Op.
func (b *Bridge) Changes() []observe.Change {
	return []observe.Change{{Kind: "host interface", Name: b.Name, After: "bridge " + b.Address.String() + ", without IPv6"}}
}

// Do implements Op. Each part may have been done by another launch, which may
// also be at it right now.
func (b *Bridge) Do(w *World) error {
	err := network.NewBridge(b.Name)
	w.idle = err == syscall.EEXIST
	if err != nil && !w.idle {
		return failed(b.Calls()[0], err)
	}
	if err := network.WithoutIPv6(b.Name); err != nil {
		return failed(b.Calls()[3], err)
	}
	if err := network.AddAddress(b.Name, b.Address); err != nil && err != syscall.EEXIST {
		return failed(b.Calls()[1], err)
	}
	return failed(b.Calls()[2], network.Up(b.Name))
}

func (b *Bridge) explain(refused *CallError) string { return explainNetwork(refused) }

// Forward has the host pass packets on between its interfaces; see ip_forward
// in the kernel's ip-sysctl documentation.
type Forward struct{}

const forwardKnob = "/proc/sys/net/ipv4/ip_forward"

// Calls implements Op.
func (*Forward) Calls() []Call { return []Call{call("write", forwardKnob, "1")} }

// Changes implements Op.
func (*Forward) Changes() []observe.Change {
	return []observe.Change{{Kind: "host sysctl", Name: "net.ipv4.ip_forward", After: "1"}}
}

// Do implements Op.
func (f *Forward) Do(w *World) error {
	if value, err := os.ReadFile(forwardKnob); err == nil && len(value) > 0 && value[0] == '1' {
		w.idle = true
		return nil
	}
	err := os.WriteFile(forwardKnob, []byte("1"), 0)
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	return failed(f.Calls()[0], err)
}

// Masquerade translates what leaves the host from the network behind a bridge
// to the host's own address, and lets nothing but answers in, by rules of
// nf_tables. A table that other sandboxes use already stays as it is.
type Masquerade struct {
	Table  string         `json:"table"`
	Bridge string         `json:"bridge"`
	Source network.Prefix `json:"source"`
}

// Calls implements Op.
func (m *Masquerade) Calls() []Call {
	table := "table: " + strconv.Quote(m.Table)
	return []Call{
		call("send", raw("nfnetlink"), raw("{NFT_MSG_NEWRULE, "+table+`, chain: "postrouting", ip saddr `+m.Source.Masked().String()+" oifname != "+strconv.Quote(m.Bridge)+" masquerade}")),
		call("send", raw("nfnetlink"), raw("{NFT_MSG_NEWRULE, "+table+`, chain: "forward", oifname `+strconv.Quote(m.Bridge)+" iifname != "+strconv.Quote(m.Bridge)+" ct state & (established|related) == 0 drop}")).when("in the same batch: who asks the host to pass something on to a sandbox is refused"),
		call("send", raw("nfnetlink"), raw("{NFT_MSG_NEWTABLE, "+table+"}")).when("in the same batch; unless it is there"),
		call("send", raw("nfnetlink"), raw("{NFT_MSG_NEWCHAIN, "+table+`, chain: "postrouting", type nat hook postrouting priority srcnat}`)).when("in the same batch"),
		call("send", raw("nfnetlink"), raw("{NFT_MSG_NEWCHAIN, "+table+`, chain: "forward", type filter hook forward priority filter}`)).when("in the same batch"),
	}
}

// Changes implements Op.
func (m *Masquerade) Changes() []observe.Change {
	return []observe.Change{{Kind: "host rules", Name: "ip " + m.Table, After: "masquerade " + m.Source.Masked().String() + ", answers only"}}
}

// Do implements Op.
func (m *Masquerade) Do(w *World) error {
	err := network.Masquerade(m.Table, m.Bridge, m.Source)
	if err == syscall.EEXIST {
		w.idle = true
		return nil
	}
	return failed(m.Calls()[0], err)
}

func (m *Masquerade) explain(refused *CallError) string {
	if refused.Errno == syscall.EINVAL || refused.Errno == syscall.EPROTONOSUPPORT {
		return "this kernel has no nf_tables"
	}
	return explainNetwork(refused)
}

// Veth makes a pair of interfaces, one end a port of a bridge, the other in
// init's network namespace; see veth(4). It comes after the clone.
type Veth struct {
	Link   string `json:"link"` // the host's end
	Peer   string `json:"peer"` // the sandbox's
	Bridge string `json:"bridge"`
}

// Calls implements Op.
func (v *Veth) Calls() []Call {
	link := "IFLA_IFNAME: " + strconv.Quote(v.Link)
	return []Call{
		rtnetlink("RTM_NEWLINK", link+`, IFLA_INFO_KIND: "veth", VETH_INFO_PEER: {IFLA_IFNAME: `+strconv.Quote(v.Peer)+", IFLA_NET_NS_PID: PID}"),
		rtnetlink("RTM_NEWLINK", link+", IFLA_MASTER: "+strconv.Quote(v.Bridge)+", IFF_UP"),
	}
}

// Changes implements Op.
func (v *Veth) Changes() []observe.Change {
	return []observe.Change{
		{Kind: "host interface", Name: v.Link, After: "port of " + v.Bridge},
		{Kind: "interface", Name: v.Peer, After: "the far end of " + v.Link},
	}
}

// Do implements Op.
func (v *Veth) Do(w *World) error {
	if w.child == nil {
		return failed(v.Calls()[0], syscall.ESRCH)
	}
	if err := network.NewVeth(v.Link, v.Peer, w.child.Pid); err != nil {
		return failed(v.Calls()[0], err)
	}
	return failed(v.Calls()[1], network.Join(v.Link, v.Bridge))
}

func (v *Veth) explain(refused *CallError) string { return explainNetwork(refused) }

// Address gives an interface its address; see rtnetlink(7).
type Address struct {
	Link    string         `json:"link"`
	Address network.Prefix `json:"address"`
}

// Calls implements Op.
func (a *Address) Calls() []Call {
	return []Call{rtnetlink("RTM_NEWADDR", strconv.Quote(a.Link)+", IFA_LOCAL: "+a.Address.String())}
}

// Changes implements Op.
func (a *Address) Changes() []observe.Change {
	return []observe.Change{{Kind: "address", Name: a.Link, After: a.Address.String()}}
}

// Do implements Op.
func (a *Address) Do(*World) error {
	return failed(a.Calls()[0], network.AddAddress(a.Link, a.Address))
}

func (a *Address) explain(refused *CallError) string { return explainNetwork(refused) }

// Gateway makes a router the way to all that is not near; see rtnetlink(7).
type Gateway struct {
	Address network.Address `json:"address"`
}

// Calls implements Op.
func (g *Gateway) Calls() []Call {
	return []Call{rtnetlink("RTM_NEWROUTE", "default, RTA_GATEWAY: "+g.Address.String())}
}

// Changes implements Op.
func (g *Gateway) Changes() []observe.Change {
	return []observe.Change{{Kind: "route", Name: "default", After: "via " + g.Address.String()}}
}

// Do implements Op.
func (g *Gateway) Do(*World) error { return failed(g.Calls()[0], network.AddGateway(g.Address)) }

func (g *Gateway) explain(refused *CallError) string {
	if refused.Errno == syscall.ENETUNREACH {
		return "the interface that leads to " + g.Address.String() + " is down or has no address"
	}
	return explainNetwork(refused)
}

func explainNetwork(refused *CallError) string {
	switch refused.Errno {
	case syscall.EPERM:
		return missing("CAP_NET_ADMIN")
	case syscall.EOPNOTSUPP:
		return "this kernel has no such kind of interface"
	case syscall.ENODEV:
		return "there is no such interface"
	}
	return ""
}
