package inspect

import (
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"
)

// Route is a row of a routing table, see ip-route(8).
type Route struct {
	Family      string `json:"family"`      // "inet" or "inet6"
	Type        string `json:"type"`        // "unicast", "local", "broadcast", …
	Destination string `json:"destination"` // "default" or a prefix
	Gateway     string `json:"gateway,omitempty"`
	Interface   string `json:"interface,omitempty"`
	Source      string `json:"source,omitempty"` // that packets get unless they have one
	Metric      int    `json:"metric,omitempty"`
	Table       string `json:"table"`    // "main", "local" or a number
	Protocol    string `json:"protocol"` // who made it: "kernel", "boot", "static", …
	Scope       string `json:"scope"`

	index int
}

// sizeofRtMsg is the size of struct rtmsg, in bytes.
const sizeofRtMsg = unix.SizeofRtMsg

func (v *Network) routes(s netlinkSocket) (more bool, err error) {
	return s.dump(unix.RTM_GETROUTE, make([]byte, sizeofRtMsg), func(body []byte) error {
		route, err := parseRoute(body)
		if err == nil && route.Family != "" {
			v.Routes = append(v.Routes, route)
		}
		return err
	})
}

// parseRoute reads an RTM_NEWROUTE, see rtnetlink(7). The family is "" for
// one that is not IP.
func parseRoute(body []byte) (r Route, err error) {
	if len(body) < sizeofRtMsg {
		return r, errShort("rtmsg", len(body))
	}
	family, prefixLength := body[0], int(body[1]) // struct rtmsg
	table, protocol, scope, kind := uint32(body[4]), uint32(body[5]), body[6], uint32(body[7])
	attributes, err := parseAttributes(body[sizeofRtMsg:])
	if err != nil {
		return r, err
	}
	switch family {
	case unix.AF_INET:
		r.Family = "inet"
	case unix.AF_INET6:
		r.Family = "inet6"
	}
	r.Destination = "default"
	for _, attribute := range attributes {
		switch attribute.kind {
		case unix.RTA_DST:
			r.Destination = netip.PrefixFrom(attribute.address(), prefixLength).String()
		case unix.RTA_GATEWAY:
			r.Gateway = attribute.address().String()
		case unix.RTA_PREFSRC:
			r.Source = attribute.address().String()
		case unix.RTA_OIF:
			r.index = int(attribute.number())
		case unix.RTA_PRIORITY:
			r.Metric = int(attribute.number())
		case unix.RTA_TABLE:
			table = attribute.number()
		}
	}
	r.Type, r.Scope = routeTypes.name(kind), scopeName(scope)
	r.Table, r.Protocol = routeTables.name(table), routeProtocols.name(protocol)
	return r, nil
}

// numberNames are words for numbers; one without a word shows as it is.
type numberNames map[uint32]string

func (n numberNames) name(number uint32) string {
	if name, ok := n[number]; ok {
		return name
	}
	return strconv.FormatUint(uint64(number), 10)
}

// Words of ip-route(8) for the numbers of rtnetlink(7).
var (
	routeTypes = numberNames{
		unix.RTN_UNICAST: "unicast", unix.RTN_LOCAL: "local", unix.RTN_BROADCAST: "broadcast", unix.RTN_ANYCAST: "anycast",
		unix.RTN_MULTICAST: "multicast", unix.RTN_BLACKHOLE: "blackhole", unix.RTN_UNREACHABLE: "unreachable",
		unix.RTN_PROHIBIT: "prohibit", unix.RTN_THROW: "throw", unix.RTN_NAT: "nat",
	}
	routeTables    = numberNames{unix.RT_TABLE_MAIN: "main", unix.RT_TABLE_LOCAL: "local", unix.RT_TABLE_DEFAULT: "default"}
	routeProtocols = numberNames{
		unix.RTPROT_UNSPEC: "unspec", unix.RTPROT_REDIRECT: "redirect", unix.RTPROT_KERNEL: "kernel", unix.RTPROT_BOOT: "boot",
		unix.RTPROT_STATIC: "static", unix.RTPROT_RA: "ra", unix.RTPROT_DHCP: "dhcp", unix.RTPROT_BIRD: "bird",
	}
)
