package tui

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"

	"aquarium/runtime/inspect"
)

// networkFacet is the network namespace, and whether anything gets out of it.
func networkFacet() facet {
	return facet{name: "Network", shortcut: "5", read: readNetwork}
}

func readNetwork(ctx context.Context, l look) (sheet, error) {
	view, err := l.target.Network(ctx)
	if err != nil {
		return sheet{}, err
	}
	s := sheet{sections: []section{interfaces(view.Interfaces), wayOut(l.theme, view.WayOut), routes(view.Routes)}}
	var listening, connected []inspect.Socket
	for _, socket := range view.Sockets {
		if socket.State == "listen" || socket.Remote == "" && socket.Protocol != "unix" {
			listening = append(listening, socket)
		} else {
			connected = append(connected, socket)
		}
	}
	s.sections = append(s.sections, sockets("Listening", listening), sockets("Connected", connected), neighbours(view.Neighbours),
		named("Forwarding", fact{"IPv4", onOff(view.Forwarding.IPv4)}, fact{"IPv6", onOff(view.Forwarding.IPv6)}))
	if len(view.Unknown) > 0 {
		unknown := named("Not known")
		for _, why := range view.Unknown {
			unknown.add("", why, toneWarn)
		}
		s.sections = append(s.sections, unknown)
	}
	if view.Partial {
		s.note = "not all"
	}
	return s, nil
}

// counted is a heading that says how many follow.
func counted(title string, n int) string {
	if n == 0 {
		return title + ": none"
	}
	return fmt.Sprintf("%s (%d)", title, n)
}

func interfaces(list []inspect.Interface) section {
	s := section{title: counted("Interfaces", len(list)), columns: []column{
		{name: "NAME"}, {name: "STATE"}, {name: "KIND", rank: 2}, {name: "ADDRESSES", flex: true}, {name: "IN", right: true, rank: 3, moves: true}, {name: "OUT", right: true, rank: 3, moves: true}, {name: "MTU", right: true, rank: 4},
	}}
	for _, i := range list {
		var addresses []string
		for _, a := range i.Addresses {
			addresses = append(addresses, a.Prefix)
		}
		r := row{key: i.Name, cells: []string{
			i.Name, i.State, i.Kind, strings.Join(addresses, " "), bytesText(i.Received), bytesText(i.Sent), strconv.Itoa(i.MTU),
		}, more: []fact{{"flags", strings.Join(i.Flags, " ")}}}
		if i.Hardware != "" {
			r.more = append(r.more, fact{"hardware", i.Hardware})
		}
		if i.Peer != 0 {
			where := "here"
			if i.PeerElsewhere {
				where = "in another network namespace"
			}
			r.more = append(r.more, fact{"other end", fmt.Sprintf("interface %d %s", i.Peer, where)})
		}
		if i.State == "down" {
			r.cells[1], r.tone = "DOWN", toneWarn
		}
		s.rows = append(s.rows, r)
	}
	return s
}

// wayOut is what packets need on their way out, each checked.
func wayOut(t theme, hops []inspect.Hop) section {
	s := section{title: "Way out", columns: []column{{}, {flex: true}, {}}}
	for _, h := range hops {
		r := row{key: h.What, cells: []string{t.check(h.OK), h.What, h.Detail}, tone: toneGood}
		if !h.OK {
			r.tone = toneBad
		}
		s.rows = append(s.rows, r)
	}
	return s
}

// check is a tick or a cross.
func (t theme) check(ok bool) string {
	switch {
	case ok && t.ascii:
		return "ok"
	case t.ascii:
		return "NO"
	case ok:
		return "✓"
	}
	return "✗"
}

func routes(list []inspect.Route) section {
	s := section{title: counted("Routes", len(list)), columns: []column{
		{name: "TO", flex: true}, {name: "VIA"}, {name: "ON"}, {name: "TYPE", rank: 2}, {name: "TABLE", rank: 1}, {name: "FROM", rank: 3},
	}}
	for _, r := range list {
		s.rows = append(s.rows, row{
			key:   strings.Join([]string{r.Family, r.Table, r.Type, r.Destination, r.Interface, strconv.Itoa(r.Metric)}, " "),
			cells: []string{r.Destination, r.Gateway, r.Interface, r.Type, r.Table, r.Source},
			more:  []fact{{"family", r.Family}, {"scope", r.Scope}, {"made by", r.Protocol}, {"metric", strconv.Itoa(r.Metric)}},
		})
	}
	return s
}

func sockets(title string, list []inspect.Socket) section {
	s := section{title: counted(title, len(list)), columns: []column{
		{name: "PROTO"}, {name: "STATE", rank: 2}, {name: "LOCAL", flex: true}, {name: "REMOTE", rank: 1}, {name: "PROCESS"},
	}}
	for i, k := range list {
		process := ""
		if k.HostPID > 0 {
			process = fmt.Sprintf("%d %s", k.HostPID, k.Command)
		}
		s.rows = append(s.rows, row{
			key:   cmp.Or(strconv.Itoa(int(k.Inode)), strconv.Itoa(i)),
			cells: []string{k.Protocol, k.State, k.Local, k.Remote, process},
			more:  []fact{{"inode", strconv.Itoa(int(k.Inode))}},
		})
	}
	return s
}

func neighbours(list []inspect.Neighbour) section {
	s := section{title: counted("Neighbours", len(list)), columns: []column{{name: "ADDRESS", flex: true}, {name: "HARDWARE"}, {name: "ON"}, {name: "STATE"}}}
	for _, n := range list {
		r := row{key: n.Address + " " + n.Interface, cells: []string{n.Address, n.Hardware, n.Interface, n.State}}
		if n.State == "failed" {
			r.cells[3], r.tone = "FAILED", toneBad
		}
		s.rows = append(s.rows, r)
	}
	return s
}

func onOff(b *bool) string {
	switch {
	case b == nil:
		return "unknown"
	case *b:
		return "on"
	}
	return "off"
}
