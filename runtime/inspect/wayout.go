package inspect

import (
	"fmt"
	"net"
	"slices"
)

// Hop is one thing that a packet needs on its way to other machines.
type Hop struct {
	What   string `json:"what"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was found
}

// wayOut checks hop by hop, from inside to outside, what IPv4 packets need to
// leave the machine. Nothing is sent: it is what the kernel's tables say.
func (v *Network) wayOut(host bool) []Hop {
	up := slices.IndexFunc(v.Interfaces, func(i Interface) bool {
		return slices.Contains(i.Flags, "up") && !slices.Contains(i.Flags, "loopback")
	})
	if up < 0 {
		return []Hop{{"an interface besides loopback is up", false, "none"}}
	}
	hops := []Hop{{"an interface besides loopback is up", true, v.Interfaces[up].Name}}
	route := slices.IndexFunc(v.Routes, func(r Route) bool {
		return r.Family == "inet" && r.Destination == "default" && r.Type == "unicast"
	})
	if route < 0 {
		return append(hops, v.address(v.Interfaces[up].Name), Hop{"a default route", false, "none"})
	}
	r := v.Routes[route]
	hops = append(hops, v.address(r.Interface), Hop{"a default route", true, "via " + r.Gateway + " on " + r.Interface}, v.gateway(r))
	if host {
		return hops
	}
	i := slices.IndexFunc(v.Interfaces, func(i Interface) bool { return i.Name == r.Interface })
	if i >= 0 && v.Interfaces[i].Kind == "veth" {
		hops = append(hops, peerOnHost(v.Interfaces[i].Peer))
	}
	forwards := hostText("/proc/sys/net/ipv4/ip_forward")
	return append(hops, Hop{"the host forwards packets", forwards != "0" && forwards != "", "net.ipv4.ip_forward = " + forwards})
}

func (v *Network) address(name string) Hop {
	hop := Hop{What: "it has a global address", Detail: "none on " + name}
	for _, i := range v.Interfaces {
		if i.Name != name {
			continue
		}
		for _, a := range i.Addresses {
			if address, _, err := net.ParseCIDR(a.Prefix); err == nil && address.To4() != nil && a.Scope == "global" {
				return Hop{hop.What, true, a.Prefix}
			}
		}
	}
	return hop
}

// gateway checks whether the gateway has answered; one that nobody has asked
// for is no fault.
func (v *Network) gateway(r Route) Hop {
	hop := Hop{"the gateway is known", true, "not asked for yet"}
	for _, n := range v.Neighbours {
		if n.Address == r.Gateway && n.Interface == r.Interface {
			hop.OK, hop.Detail = n.State != "failed" && n.State != "incomplete", n.State
		}
	}
	return hop
}

// peerOnHost checks the other end of a veth, which is usually the host's.
func peerOnHost(index int) Hop {
	hop := Hop{What: "the veth's other end is up"}
	peer, err := net.InterfaceByIndex(index)
	if err != nil {
		hop.Detail = fmt.Sprintf("interface %d is not the host's", index)
		return hop
	}
	hop.OK, hop.Detail = peer.Flags&net.FlagUp != 0, peer.Name
	return hop
}
