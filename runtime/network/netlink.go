// Package network makes the pieces of a sandbox's own network: a bridge on the
// host, a pair of veth interfaces from it into the sandbox, addresses, routes,
// and the translation that lets the sandbox reach what the host reaches. It
// speaks netlink(7) itself, and it keeps the leases that say which sandbox has
// which address.
//
// The package imports only the standard library; package reexec says why.
package network

import (
	"encoding/binary"
	"errors"
	"syscall"
)

// conn is a netlink socket. It belongs to the network namespace of the thread
// that opened it.
type conn int

// patience bounds the wait for an answer. The kernel answers at once; a lost
// answer must not hang a launch.
var patience = syscall.Timeval{Sec: 5}

// dial opens a socket for one netlink family, such as NETLINK_ROUTE.
func dial(family int) (conn, error) {
	fd, err := syscall.Socket(syscall.AF_NETLINK, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, family)
	if err != nil {
		return -1, err
	}
	if err := syscall.SetsockoptTimeval(fd, syscall.SOL_SOCKET, syscall.SO_RCVTIMEO, &patience); err != nil {
		syscall.Close(fd)
		return -1, err
	}
	return conn(fd), nil
}

func (c conn) Close() error { return syscall.Close(int(c)) }

// do sends messages in one datagram, which asks for acknowledgements of want
// of them, and waits for these. The error is the first errno among them.
func (c conn) do(want int, messages ...*message) error {
	var datagram []byte
	for i, m := range messages {
		datagram = append(datagram, m.finish(uint32(i+1))...)
	}
	if err := syscall.Sendto(int(c), datagram, 0, &syscall.SockaddrNetlink{Family: syscall.AF_NETLINK}); err != nil {
		return err
	}
	buffer := make([]byte, 16<<10)
	for want > 0 {
		n, _, err := syscall.Recvfrom(int(c), buffer, 0)
		if err == syscall.EINTR {
			continue
		}
		if err != nil {
			return err
		}
		done, err := answers(buffer[:n])
		if err != nil {
			return err
		}
		want -= done
	}
	return nil
}

// answers counts the acknowledgements in a datagram. The error is the first
// errno among them.
func answers(datagram []byte) (done int, err error) {
	messages, err := syscall.ParseNetlinkMessage(datagram)
	if err != nil {
		return 0, err
	}
	for _, m := range messages {
		if m.Header.Type != syscall.NLMSG_ERROR {
			continue
		}
		if err := refusal(m.Data); err != nil {
			return done, err
		}
		done++
	}
	return done, nil
}

// route sends one acknowledged request of rtnetlink(7).
func route(m *message) error {
	c, err := dial(syscall.NETLINK_ROUTE)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.do(1, m)
}

// refusal is the negative errno that struct nlmsgerr begins with; nil for 0,
// an acknowledgement.
func refusal(body []byte) error {
	if len(body) < 4 {
		return errors.New("netlink answer too short")
	}
	if number := -int32(binary.NativeEndian.Uint32(body)); number != 0 {
		return syscall.Errno(number)
	}
	return nil
}

// message is one netlink message in the making.
type message struct {
	bytes []byte
}

// newMessage begins with struct nlmsghdr, and the structure that its type has.
func newMessage(kind uint16, flags uint16, head []byte) *message {
	m := &message{make([]byte, syscall.NLMSG_HDRLEN)}
	binary.NativeEndian.PutUint16(m.bytes[4:], kind)
	binary.NativeEndian.PutUint16(m.bytes[6:], flags|syscall.NLM_F_REQUEST)
	m.bytes = append(m.bytes, head...)
	m.pad()
	return m
}

func (m *message) pad() {
	for len(m.bytes)%4 != 0 {
		m.bytes = append(m.bytes, 0)
	}
}

// add appends an attribute, struct nlattr.
func (m *message) add(kind uint16, value []byte) *message {
	return m.nest(kind, func() { m.bytes = append(m.bytes, value...) })
}

// nest appends an attribute whose value is what inside appends.
func (m *message) nest(kind uint16, inside func()) *message {
	start := len(m.bytes)
	m.bytes = binary.NativeEndian.AppendUint16(m.bytes, 0)
	m.bytes = binary.NativeEndian.AppendUint16(m.bytes, kind)
	inside()
	binary.NativeEndian.PutUint16(m.bytes[start:], uint16(len(m.bytes)-start))
	m.pad()
	return m
}

// finish sets the length and the sequence number.
func (m *message) finish(sequence uint32) []byte {
	binary.NativeEndian.PutUint32(m.bytes[0:], uint32(len(m.bytes)))
	binary.NativeEndian.PutUint32(m.bytes[8:], sequence)
	return m.bytes
}

// name is a C string.
func name(s string) []byte { return append([]byte(s), 0) }

// native is a number in the machine's byte order, as rtnetlink has them; big
// one in the network's, as nf_tables has them.
func native(n uint32) []byte { return binary.NativeEndian.AppendUint32(nil, n) }
func big(n uint32) []byte    { return binary.BigEndian.AppendUint32(nil, n) }
