package inspect

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// netlinkSocket asks the kernel about the network namespace that the socket
// was made in, wherever the asker is; see netlink(7).
type netlinkSocket int

func (s netlinkSocket) Close() error { return unix.Close(int(s)) }

// Bounds on an answer, in time and in messages.
const (
	netlinkPatience = time.Second
	mostMessages    = 1 << 16
)

// dump sends one request for all there is, and calls each for every message
// of the answer. More tells that there were too many.
func (s netlinkSocket) dump(kind uint16, request []byte, each func(body []byte) error) (more bool, err error) {
	message := make([]byte, unix.NLMSG_HDRLEN, unix.NLMSG_HDRLEN+len(request))
	message = append(message, request...)
	binary.NativeEndian.PutUint32(message[0:], uint32(len(message)))
	binary.NativeEndian.PutUint16(message[4:], kind)
	binary.NativeEndian.PutUint16(message[6:], unix.NLM_F_REQUEST|unix.NLM_F_DUMP)
	timeout := unix.NsecToTimeval(netlinkPatience.Nanoseconds())
	if err := unix.SetsockoptTimeval(int(s), unix.SOL_SOCKET, unix.SO_RCVTIMEO, &timeout); err != nil {
		return false, err
	}
	if err := unix.Sendto(int(s), message, 0, &unix.SockaddrNetlink{Family: unix.AF_NETLINK}); err != nil {
		return false, err
	}
	buffer := make([]byte, 64<<10)
	for count := 0; ; {
		n, _, err := unix.Recvfrom(int(s), buffer, 0)
		if err == unix.EINTR {
			continue
		}
		if err != nil {
			return false, err
		}
		messages, err := syscall.ParseNetlinkMessage(buffer[:n])
		if err != nil {
			return false, err
		}
		for _, m := range messages {
			switch m.Header.Type {
			case unix.NLMSG_DONE:
				return more, nil
			case unix.NLMSG_ERROR:
				return more, netlinkError(m.Data)
			}
			if count++; count > mostMessages {
				more = true // the rest must be read all the same: the socket is used again
				continue
			}
			if err := each(m.Data); err != nil {
				return more, err
			}
		}
	}
}

// netlinkError is the errno that struct nlmsgerr begins with, negative.
func netlinkError(data []byte) error {
	if len(data) < 4 {
		return errFormat
	}
	number := -int32(binary.NativeEndian.Uint32(data))
	if number == 0 {
		return nil
	}
	return unix.Errno(number)
}

// attribute is one struct rtattr; see rtnetlink(7).
type attribute struct {
	kind  uint16
	value []byte
}

// number is the value as a 32 bit number, 0 where it is shorter.
func (a attribute) number() uint32 {
	if len(a.value) < 4 {
		return 0
	}
	return binary.NativeEndian.Uint32(a.value)
}

// address is the value as an IP address, invalid where it is none.
func (a attribute) address() netip.Addr {
	address, _ := netip.AddrFromSlice(a.value)
	return address
}

// parseAttributes reads the attributes behind a message's structure. Each
// begins at a multiple of 4. (The library's own reader panics where the last
// one is not padded.)
func parseAttributes(body []byte) ([]attribute, error) {
	var all []attribute
	for len(body) >= unix.SizeofRtAttr {
		length := int(binary.NativeEndian.Uint16(body))
		if length < unix.SizeofRtAttr || length > len(body) {
			return nil, errFormat
		}
		const kinds = 0x3fff // above it are NLA_F_NESTED and NLA_F_NET_BYTEORDER
		all = append(all, attribute{binary.NativeEndian.Uint16(body[2:]) & kinds, body[unix.SizeofRtAttr:length]})
		body = body[min((length+3)&^3, len(body)):]
	}
	return all, nil
}

// errShort is a message that is shorter than its structure.
func errShort(what string, n int) error {
	return fmt.Errorf("netlink message of %d bytes: too short for %s", n, what)
}
