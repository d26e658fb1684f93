package inspect

import (
	"encoding/binary"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// Interface is a network interface, see ip-link(8).
type Interface struct {
	Index    int      `json:"index"`
	Name     string   `json:"name"`
	Kind     string   `json:"kind"`  // "veth", "bridge", …; "device" for hardware and loopback
	State    string   `json:"state"` // "up", "down", "unknown" (loopback says so), …
	Flags    []string `json:"flags"` // "up", "loopback", "running", …, see netdevice(7)
	MTU      int      `json:"mtu"`
	Hardware string   `json:"hardware,omitempty"` // address
	Master   int      `json:"master,omitempty"`   // index of the bridge it is a port of
	// Peer is the index of the other end of a veth, in this namespace or, if
	// PeerElsewhere, in another.
	Peer          int       `json:"peer,omitempty"`
	PeerElsewhere bool      `json:"peerElsewhere,omitempty"`
	Addresses     []Address `json:"addresses"`
	Received      uint64    `json:"received"` // bytes
	Sent          uint64    `json:"sent"`
}

// Address is an address of an interface.
type Address struct {
	Prefix string `json:"prefix"` // "10.0.0.2/24"
	Scope  string `json:"scope"`  // "global", "link", "host"
	Peer   string `json:"peer,omitempty"`
}

func (v *Network) interfaces(s netlinkSocket) (more bool, err error) {
	request := make([]byte, unix.SizeofIfInfomsg)
	return s.dump(unix.RTM_GETLINK, request, func(body []byte) error {
		if len(body) < unix.SizeofIfInfomsg {
			return errShort("ifinfomsg", len(body))
		}
		link, err := netlink.LinkDeserialize(nil, body)
		if err != nil {
			return err
		}
		v.Interfaces = append(v.Interfaces, newInterface(link))
		return nil
	})
}

func newInterface(link netlink.Link) Interface {
	a := link.Attrs()
	i := Interface{
		Index: a.Index, Name: a.Name, Kind: link.Type(), State: a.OperState.String(), Flags: flagNames(a.RawFlags),
		MTU: a.MTU, Hardware: a.HardwareAddr.String(), Master: a.MasterIndex, Addresses: []Address{},
		Peer: a.ParentIndex, PeerElsewhere: a.NetNsID >= 0,
	}
	if a.Statistics != nil {
		i.Received, i.Sent = a.Statistics.RxBytes, a.Statistics.TxBytes
	}
	return i
}

// flagNames names the flags of an interface, see netdevice(7).
func flagNames(flags uint32) []string {
	all := []struct {
		bit  uint32
		name string
	}{
		{unix.IFF_UP, "up"}, {unix.IFF_BROADCAST, "broadcast"}, {unix.IFF_LOOPBACK, "loopback"},
		{unix.IFF_POINTOPOINT, "point-to-point"}, {unix.IFF_RUNNING, "running"}, {unix.IFF_NOARP, "no-arp"},
		{unix.IFF_PROMISC, "promiscuous"}, {unix.IFF_MULTICAST, "multicast"}, {unix.IFF_LOWER_UP, "carrier"},
	}
	names := []string{}
	for _, flag := range all {
		if flags&flag.bit != 0 {
			names = append(names, flag.name)
		}
	}
	return names
}

func (v *Network) addresses(s netlinkSocket) (more bool, err error) {
	byIndex := make(map[int]*Interface)
	for i := range v.Interfaces {
		byIndex[v.Interfaces[i].Index] = &v.Interfaces[i]
	}
	return s.dump(unix.RTM_GETADDR, make([]byte, unix.SizeofIfAddrmsg), func(body []byte) error {
		index, address, err := parseAddress(body)
		if i := byIndex[index]; i != nil && err == nil {
			i.Addresses = append(i.Addresses, address)
		}
		return err
	})
}

// parseAddress reads an RTM_NEWADDR, see rtnetlink(7).
func parseAddress(body []byte) (index int, a Address, err error) {
	if len(body) < unix.SizeofIfAddrmsg {
		return 0, a, errShort("ifaddrmsg", len(body))
	}
	prefixLength, scope, index := body[1], body[3], int(binary.NativeEndian.Uint32(body[4:])) // struct ifaddrmsg
	attributes, err := parseAttributes(body[unix.SizeofIfAddrmsg:])
	if err != nil {
		return 0, a, err
	}
	var local, address netip.Addr
	for _, attribute := range attributes {
		switch attribute.kind {
		case unix.IFA_LOCAL:
			local = attribute.address()
		case unix.IFA_ADDRESS:
			address = attribute.address()
		}
	}
	length := "/" + strconv.Itoa(int(prefixLength))
	if !local.IsValid() {
		local = address
	} else if address != local { // point-to-point: the prefix is the peer's
		a.Peer = address.String() + length
		length = ""
	}
	a.Prefix, a.Scope = local.String()+length, scopeName(scope)
	return index, a, nil
}

// scopeName names a scope as ip(8) does, see rtnetlink(7).
func scopeName(scope uint8) string {
	switch scope {
	case unix.RT_SCOPE_UNIVERSE:
		return "global"
	case unix.RT_SCOPE_SITE:
		return "site"
	case unix.RT_SCOPE_LINK:
		return "link"
	case unix.RT_SCOPE_HOST:
		return "host"
	case unix.RT_SCOPE_NOWHERE:
		return "nowhere"
	}
	return strconv.Itoa(int(scope))
}

// Neighbour is the hardware address of a machine nearby, see ip-neighbour(8).
type Neighbour struct {
	Address   string `json:"address"`
	Hardware  string `json:"hardware,omitempty"`
	Interface string `json:"interface"`
	State     string `json:"state"` // "reachable", "stale", "failed", …

	index int
}

// sizeofNdMsg is the size of struct ndmsg.
const sizeofNdMsg = 12

func (v *Network) neighbours(s netlinkSocket) (more bool, err error) {
	return s.dump(unix.RTM_GETNEIGH, make([]byte, sizeofNdMsg), func(body []byte) error {
		n, shown, err := parseNeighbour(body)
		if shown {
			v.Neighbours = append(v.Neighbours, n)
		}
		return err
	})
}

// parseNeighbour reads an RTM_NEWNEIGH. Entries for addresses that need no
// asking (multicast, loopback) are not shown, as ip-neighbour(8) does not.
func parseNeighbour(body []byte) (n Neighbour, shown bool, err error) {
	if len(body) < sizeofNdMsg {
		return n, false, errShort("ndmsg", len(body))
	}
	attributes, err := parseAttributes(body[sizeofNdMsg:])
	if err != nil {
		return n, false, err
	}
	state := binary.NativeEndian.Uint16(body[8:]) // struct ndmsg
	n.index, n.State = int(int32(binary.NativeEndian.Uint32(body[4:]))), neighbourState(state)
	for _, attribute := range attributes {
		switch attribute.kind {
		case unix.NDA_DST:
			n.Address = attribute.address().String()
		case unix.NDA_LLADDR:
			n.Hardware = net.HardwareAddr(attribute.value).String()
		}
	}
	return n, state&unix.NUD_NOARP == 0 && state != unix.NUD_NONE, nil
}

func neighbourState(state uint16) string {
	names := []struct {
		bit  uint16
		name string
	}{
		{unix.NUD_INCOMPLETE, "incomplete"}, {unix.NUD_REACHABLE, "reachable"}, {unix.NUD_STALE, "stale"}, {unix.NUD_DELAY, "delay"},
		{unix.NUD_PROBE, "probe"}, {unix.NUD_FAILED, "failed"}, {unix.NUD_NOARP, "no-arp"}, {unix.NUD_PERMANENT, "permanent"},
	}
	var set []string
	for _, s := range names {
		if state&s.bit != 0 {
			set = append(set, s.name)
		}
	}
	return strings.Join(set, " ")
}

// nameInterfaces puts names in place of indices.
func (v *Network) nameInterfaces() {
	names := make(map[int]string)
	for _, i := range v.Interfaces {
		names[i.Index] = i.Name
	}
	for i := range v.Routes {
		v.Routes[i].Interface = names[v.Routes[i].index]
	}
	for i := range v.Neighbours {
		v.Neighbours[i].Interface = names[v.Neighbours[i].index]
	}
}
