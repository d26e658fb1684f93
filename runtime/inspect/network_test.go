package inspect

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
)

func TestNetworkIsThatOfIp(t *testing.T) {
	t.Parallel()
	c := start(t, "network", everyNamespace)
	view := c.settledNetwork(t)
	if len(view.Unknown) > 0 || view.Partial {
		t.Errorf("unknown: %q, partial: %t", view.Unknown, view.Partial)
	}
	var links []struct {
		Ifindex, MTU               int
		Ifname, Operstate, Address string
		Flags                      []string
		Info                       []struct {
			Local     string
			Prefixlen int
			Scope     string
		} `json:"addr_info"`
	}
	decode(t, c.enter(t, "-n", "ip", "-j", "addr"), &links)
	if len(links) != len(view.Interfaces) || len(links) < 3 {
		t.Fatalf("ip shows %d interfaces, the view %d", len(links), len(view.Interfaces))
	}
	for i, l := range links {
		v := view.Interfaces[i]
		if v.Index != l.Ifindex || v.Name != l.Ifname || v.MTU != l.MTU || !strings.EqualFold(v.State, l.Operstate) ||
			slices.Contains(v.Flags, "up") != slices.Contains(l.Flags, "UP") || v.Name != "lo" && v.Hardware != l.Address {
			t.Errorf("ip shows %+v, the view %+v", l, v)
		}
		var theirs, ours []string
		for _, a := range l.Info {
			theirs = append(theirs, fmt.Sprintf("%s/%d %s", a.Local, a.Prefixlen, a.Scope))
		}
		for _, a := range v.Addresses {
			ours = append(ours, a.Prefix+" "+a.Scope)
		}
		if !slices.Equal(ours, theirs) {
			t.Errorf("%s has %q, ip says %q", v.Name, ours, theirs)
		}
	}
	var routes4, routes6 []map[string]any
	decode(t, c.enter(t, "-n", "ip", "-j", "-4", "route", "show", "table", "all"), &routes4)
	decode(t, c.enter(t, "-n", "ip", "-j", "-6", "route", "show", "table", "all"), &routes6)
	var theirs, ours []string
	for _, r := range append(routes4, routes6...) {
		theirs = append(theirs, fmt.Sprint(r["dst"], " ", r["gateway"], " ", r["dev"]))
	}
	for _, r := range view.Routes {
		var gateway any
		if r.Gateway != "" {
			gateway = r.Gateway
		}
		ours = append(ours, fmt.Sprint(shortHost(r.Destination), " ", gateway, " ", r.Interface))
	}
	slices.Sort(theirs)
	slices.Sort(ours)
	if !slices.Equal(ours, theirs) {
		t.Errorf("routes are\n%s\nip says\n%s", strings.Join(ours, "\n"), strings.Join(theirs, "\n"))
	}
	if len(view.Neighbours) != 1 || view.Neighbours[0].Hardware != "02:00:00:00:00:01" || view.Neighbours[0].Interface != "inner" || view.Neighbours[0].State != "permanent" {
		t.Errorf("neighbours are %+v", view.Neighbours)
	}
	if f := view.Forwarding; f.IPv4 == nil || !*f.IPv4 || f.IPv6 == nil || *f.IPv6 {
		t.Errorf("forwarding is %v, want IPv4 only", f)
	}
	checkSockets(t, c, view)
}

// settledNetwork waits until both ends of the child's veth pair are up: the
// kernel's link watch comes to them when it likes, and adds routes then.
func (c child) settledNetwork(t *testing.T) *Network {
	t.Helper()
	ctx := soon(t)
	for {
		view, err := c.Network(ctx)
		if err = cmp.Or(err, ctx.Err()); err != nil {
			t.Fatalf("the interfaces do not come up: %v", err)
		}
		up := 0
		for _, r := range view.Routes {
			i := slices.IndexFunc(view.Interfaces, func(i Interface) bool { return i.Name == r.Interface })
			if r.Destination == "ff00::/8" && i >= 0 && view.Interfaces[i].State == "up" {
				up++
			}
		}
		if up == 2 {
			return view
		}
	}
}

// shortHost writes a prefix of one address as ip does.
func shortHost(destination string) string {
	prefix, err := netip.ParsePrefix(destination)
	if err == nil && prefix.IsSingleIP() {
		return prefix.Addr().String()
	}
	return destination
}

func decode(t *testing.T, text string, to any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), to); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
}

func checkSockets(t *testing.T, c child, view *Network) {
	t.Helper()
	var ours []string
	for _, s := range view.Sockets {
		if s.Protocol == "unix" {
			continue
		}
		ours = append(ours, s.Protocol+" "+s.Local+" "+s.Remote)
		if s.HostPID != c.PID {
			t.Errorf("%+v is not held by process %d", s, c.PID)
		}
	}
	var theirs []string
	lines(strings.TrimSpace(c.enter(t, "-n", "ss", "-H", "-t", "-u", "-a", "-n")), func(line string) {
		f := strings.Fields(line)
		remote := f[5]
		if strings.HasSuffix(remote, ":*") {
			remote = ""
		}
		theirs = append(theirs, f[0]+" "+f[4]+" "+remote)
	})
	slices.Sort(ours)
	slices.Sort(theirs)
	if !slices.Equal(ours, theirs) || len(ours) != 4 {
		t.Errorf("sockets are %q, ss says %q", ours, theirs)
	}
	listens := slices.ContainsFunc(view.Sockets, func(s Socket) bool { return s.State == "listen" && s.Local == c.said })
	odd := slices.ContainsFunc(view.Sockets, func(s Socket) bool { return s.State == "listen" && s.Local == "@odd\n0: 00000002 name" })
	if !listens || !odd {
		t.Errorf("the listening sockets are not all in %+v", view.Sockets)
	}
}
