package inspect

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Socket is a socket that listens or is connected, see sock_diag(7).
type Socket struct {
	Protocol string `json:"protocol"` // "tcp", "udp", "raw", "unix"
	Type     string `json:"type,omitempty"`
	State    string `json:"state"` // "listen", "established", …
	Local    string `json:"local"` // address:port, or the name of a unix socket: a path, or "@…" for an abstract one
	Remote   string `json:"remote,omitempty"`
	Inode    uint32 `json:"inode"`
	// The process that holds it, as the host numbers it, and its name; 0
	// where none was found.
	HostPID int    `json:"hostPid,omitempty"`
	Command string `json:"command,omitempty"`
}

// socketFamily is one request to sock_diag.
type socketFamily struct {
	name     string
	family   byte
	protocol byte
}

var socketFamilies = []socketFamily{
	{"tcp", unix.AF_INET, unix.IPPROTO_TCP}, {"tcp", unix.AF_INET6, unix.IPPROTO_TCP},
	{"udp", unix.AF_INET, unix.IPPROTO_UDP}, {"udp", unix.AF_INET6, unix.IPPROTO_UDP},
	{"unix", unix.AF_UNIX, 0},
}

// sockDiagByFamily is SOCK_DIAG_BY_FAMILY.
const sockDiagByFamily = 20

func (v *Network) sockets(s netlinkSocket, f socketFamily) (more bool, err error) {
	parse := parseInetSocket
	if f.family == unix.AF_UNIX {
		parse = parseUnixSocket
	}
	return s.dump(sockDiagByFamily, f.request(), func(body []byte) error {
		socket, err := parse(body)
		socket.Protocol = f.name
		if socket.State == "close" && f.name != "tcp" {
			socket.State = "unconnected" // bound, it may be: the number is the same
		}
		if err == nil {
			v.Sockets = append(v.Sockets, socket)
		}
		return err
	})
}

// request is struct inet_diag_req_v2 or unix_diag_req, for sockets in every state.
func (f socketFamily) request() []byte {
	const everyState, showName, showPeer = 0xffffffff, 1, 4
	if f.family == unix.AF_UNIX {
		request := make([]byte, 24)
		request[0] = f.family
		binary.NativeEndian.PutUint32(request[4:], everyState)
		binary.NativeEndian.PutUint32(request[12:], showName|showPeer)
		return request
	}
	request := make([]byte, 56)
	request[0], request[1] = f.family, f.protocol
	binary.NativeEndian.PutUint32(request[4:], everyState)
	return request
}

// parseInetSocket reads struct inet_diag_msg.
func parseInetSocket(body []byte) (s Socket, err error) {
	const size = 72
	if len(body) < size {
		return s, errShort("inet_diag_msg", len(body))
	}
	length := 4
	if body[0] == unix.AF_INET6 {
		length = 16
	}
	endpoint := func(port, address int) netip.AddrPort {
		ip, _ := netip.AddrFromSlice(body[address : address+length])
		return netip.AddrPortFrom(ip, binary.BigEndian.Uint16(body[port:]))
	}
	s.State = socketStates.name(uint32(body[1]))
	local, remote := endpoint(4, 8), endpoint(6, 24)
	s.Local = local.String()
	if remote.Port() != 0 {
		s.Remote = remote.String()
	}
	s.Inode = binary.NativeEndian.Uint32(body[68:])
	return s, nil
}

// parseUnixSocket reads struct unix_diag_msg and its attributes.
func parseUnixSocket(body []byte) (s Socket, err error) {
	const size, name, peer = 16, 0, 2
	if len(body) < size {
		return s, errShort("unix_diag_msg", len(body))
	}
	attributes, err := parseAttributes(body[size:])
	if err != nil {
		return s, err
	}
	s.Type, s.State = unixTypes.name(uint32(body[1])), socketStates.name(uint32(body[2]))
	s.Inode = binary.NativeEndian.Uint32(body[4:])
	for _, attribute := range attributes {
		switch attribute.kind {
		case name:
			s.Local = unixName(attribute.value)
		case peer:
			s.Remote = "inode " + strconv.FormatUint(uint64(attribute.number()), 10)
		}
	}
	return s, nil
}

// unixName shows a name as unix(7) and ss(8) write it: an abstract one begins
// with NUL, shown as @.
func unixName(value []byte) string {
	if len(value) > 0 && value[0] == 0 {
		return "@" + string(value[1:])
	}
	return strings.TrimRight(string(value), "\x00")
}

// States of sockets, see the kernel's net/tcp_states.h.
var (
	socketStates = numberNames{
		1: "established", 2: "syn-sent", 3: "syn-received", 4: "fin-wait-1", 5: "fin-wait-2", 6: "time-wait",
		7: "close", 8: "close-wait", 9: "last-ack", 10: "listen", 11: "closing", 12: "syn-received",
	}
	unixTypes = numberNames{unix.SOCK_STREAM: "stream", unix.SOCK_DGRAM: "dgram", unix.SOCK_SEQPACKET: "seqpacket"}
)

// sortSockets puts those that listen first, and unix sockets last.
func sortSockets(all []Socket) {
	rank := func(s Socket) int {
		switch {
		case s.Protocol == "unix":
			return 2
		case s.State == "listen" || s.Remote == "":
			return 0
		}
		return 1
	}
	slices.SortStableFunc(all, func(a, b Socket) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a.Protocol, b.Protocol), strings.Compare(a.Local, b.Local))
	})
}

// holders finds the processes that hold sockets, among those that are in the
// same network namespace.
func (t *Target) holders(ctx context.Context, sockets []Socket) error {
	if len(sockets) == 0 {
		return nil
	}
	wanted := make(map[string][]*Socket)
	for i := range sockets {
		name := "socket:[" + strconv.FormatUint(uint64(sockets[i].Inode), 10) + "]"
		wanted[name] = append(wanted[name], &sockets[i])
	}
	own, err := t.link("ns/net")
	if err != nil {
		return err
	}
	pids, _, err := processIDs(mostProcesses)
	if err != nil {
		return err
	}
	for _, pid := range pids {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		holder, err := t.observer.Open(pid)
		if err != nil {
			continue
		}
		if link, err := holder.link("ns/net"); err == nil && link == own {
			holder.holds(wanted)
		}
		holder.Close()
	}
	return nil
}

// holds notes the process at each socket that it has open and nobody has yet.
func (t *Target) holds(wanted map[string][]*Socket) {
	fds, err := t.open("fd", unix.O_RDONLY|unix.O_DIRECTORY)
	if err != nil {
		return
	}
	defer fds.Close()
	numbers, _, err := descriptorNumbers(fds)
	if err != nil {
		return
	}
	for _, number := range numbers {
		target, err := linkAt(int(fds.Fd()), strconv.Itoa(number))
		if err != nil {
			if errors.Is(err, unix.ESRCH) {
				return
			}
			continue
		}
		for _, socket := range wanted[target] {
			if socket.HostPID == 0 {
				st, _ := t.stat()
				socket.HostPID, socket.Command = t.PID, st.name
			}
		}
	}
}
