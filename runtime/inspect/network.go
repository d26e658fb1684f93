package inspect

import (
	"context"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/runtime/enter"
)

// Network is the view of a network namespace.
type Network struct {
	Interfaces []Interface `json:"interfaces"`
	Routes     []Route     `json:"routes"`
	Neighbours []Neighbour `json:"neighbours"`
	Sockets    []Socket    `json:"sockets"`
	Forwarding Forwarding  `json:"forwarding"`
	WayOut     []Hop       `json:"wayOut"`
	// Unknown are the parts that the kernel did not tell, each with its reason.
	Unknown []string `json:"unknown,omitempty"`
	Partial bool     `json:"partial,omitempty"`
}

// Forwarding tells whether packets are passed on between interfaces; see
// ip_forward in the kernel's ip-sysctl. nil is unknown.
type Forwarding struct {
	IPv4 *bool `json:"ipv4"`
	IPv6 *bool `json:"ipv6"`
}

// Network asks the kernel about the process's network namespace. Processes
// are looked for at sockets until the context ends.
func (t *Target) Network(ctx context.Context) (*Network, error) {
	route, diag, forwarding, err := t.enterNetwork()
	if err != nil {
		return nil, t.failure("read network", err)
	}
	defer route.Close()
	defer diag.Close()
	view := &Network{Interfaces: []Interface{}, Routes: []Route{}, Neighbours: []Neighbour{}, Sockets: []Socket{}, Forwarding: forwarding}
	view.ask("interfaces", func() (bool, error) { return view.interfaces(route) })
	view.ask("addresses", func() (bool, error) { return view.addresses(route) })
	view.ask("routes", func() (bool, error) { return view.routes(route) })
	view.ask("neighbours", func() (bool, error) { return view.neighbours(route) })
	view.nameInterfaces()
	view.WayOut = view.wayOut(t.isHost("net"))
	for _, family := range socketFamilies {
		view.ask(family.name+" sockets", func() (bool, error) { return view.sockets(diag, family) })
	}
	sortSockets(view.Sockets)
	if err := t.holders(ctx, view.Sockets); err != nil || ctx.Err() != nil {
		view.Partial = true
	}
	return view, nil
}

// ask notes what could not be found out: one part that the kernel was built
// without is no reason not to show the others.
func (v *Network) ask(part string, question func() (more bool, err error)) {
	more, err := question()
	if err != nil {
		v.Unknown = append(v.Unknown, part+": "+err.Error())
	}
	v.Partial = v.Partial || more
}

// enterNetwork makes two netlink sockets in the network namespace, and reads
// its forwarding switches: /proc/sys/net is that of who opens it.
func (t *Target) enterNetwork() (route, diag netlinkSocket, f Forwarding, err error) {
	var sockets, switches [2]*enter.Visited
	_, err = t.visit(func(v *enter.Visit) {
		for i, protocol := range []uintptr{unix.NETLINK_ROUTE, unix.NETLINK_SOCK_DIAG} {
			sockets[i] = v.Call("socket(AF_NETLINK, SOCK_RAW)", unix.SYS_SOCKET, unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC, protocol)
		}
		switches[0] = v.Open("/proc/sys/net/ipv4/ip_forward", unix.O_RDONLY)
		switches[1] = v.Open("/proc/sys/net/ipv6/conf/all/forwarding", unix.O_RDONLY)
	}, "net")
	if err != nil {
		return -1, -1, f, err
	}
	f.IPv4, f.IPv6 = readSwitch(switches[0]), readSwitch(switches[1])
	for _, s := range sockets {
		if s.Errno != 0 {
			err = s.Errno
		}
	}
	route, diag = netlinkSocket(sockets[0].Value), netlinkSocket(sockets[1].Value)
	if err != nil {
		route.Close()
		diag.Close()
	}
	return route, diag, f, err
}

// readSwitch reads a sysctl that a visit has opened, and closes it.
func readSwitch(opened *enter.Visited) *bool {
	if opened.Errno != 0 {
		return nil
	}
	defer unix.Close(opened.Value)
	content, _, err := readFD(opened.Value, mostText)
	if err != nil {
		return nil
	}
	on := strings.TrimSpace(string(content)) != "0"
	return &on
}
