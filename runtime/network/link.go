package network

import (
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"unsafe"
)

// Attributes that package syscall lacks: linux/if_link.h, linux/veth.h.
const (
	iflaLinkInfo = 18
	iflaNetNsPID = 19
	iflaInfoKind = 1
	iflaInfoData = 2
	vethInfoPeer = 1
	nested       = 0x8000 // NLA_F_NESTED
)

// interfaceInfo is struct ifinfomsg.
func interfaceInfo(index int, flags, change uint32) []byte {
	head := make([]byte, syscall.SizeofIfInfomsg)
	binary.NativeEndian.PutUint32(head[4:], uint32(index))
	binary.NativeEndian.PutUint32(head[8:], flags)
	binary.NativeEndian.PutUint32(head[12:], change)
	return head
}

const create = syscall.NLM_F_ACK | syscall.NLM_F_CREATE | syscall.NLM_F_EXCL

// NewBridge makes a bridge, a switch in the kernel. One that exists is EEXIST.
func NewBridge(bridge string) error {
	m := newMessage(syscall.RTM_NEWLINK, create, interfaceInfo(0, 0, 0))
	m.add(syscall.IFLA_IFNAME, name(bridge))
	m.nest(iflaLinkInfo|nested, func() { m.add(iflaInfoKind, []byte("bridge")) })
	return route(m)
}

// WithoutIPv6 takes IPv6 away from an interface, in this network namespace. Who
// is behind it cannot be its router then, nor reach what listens on it; see
// disable_ipv6 in the kernel's ip-sysctl documentation.
func WithoutIPv6(link string) error {
	if len(link) >= syscall.IFNAMSIZ {
		return syscall.ENODEV
	}
	err := os.WriteFile(IPv6Knob(link), []byte("1"), 0)
	var path *os.PathError
	if errors.As(err, &path) {
		err = path.Err
	}
	if err == syscall.ENOENT {
		_, err = Index(link) // where there is one, the whole machine has no IPv6
	}
	return err
}

// IPv6Knob is the file that takes IPv6 away from an interface.
func IPv6Knob(link string) string { return "/proc/sys/net/ipv6/conf/" + link + "/disable_ipv6" }

// NewVeth makes a pair of interfaces, each the other's far end: host here, and
// peer in the network namespace of process pid; see veth(4).
func NewVeth(host, peer string, pid int) error {
	m := newMessage(syscall.RTM_NEWLINK, create, interfaceInfo(0, 0, 0))
	m.add(syscall.IFLA_IFNAME, name(host))
	m.nest(iflaLinkInfo|nested, func() {
		m.add(iflaInfoKind, []byte("veth"))
		m.nest(iflaInfoData|nested, func() {
			m.nest(vethInfoPeer|nested, func() {
				m.bytes = append(m.bytes, interfaceInfo(0, 0, 0)...)
				m.add(syscall.IFLA_IFNAME, name(peer))
				m.add(iflaNetNsPID, native(uint32(pid)))
			})
		})
	})
	return route(m)
}

// Join makes an interface a port of a bridge, and sets it up.
func Join(link, bridge string) error {
	port, err := Index(link)
	if err != nil {
		return err
	}
	master, err := Index(bridge)
	if err != nil {
		return err
	}
	m := newMessage(syscall.RTM_NEWLINK, syscall.NLM_F_ACK, interfaceInfo(port, syscall.IFF_UP, syscall.IFF_UP))
	return route(m.add(syscall.IFLA_MASTER, native(uint32(master))))
}

// Up sets an interface up.
func Up(link string) error {
	index, err := Index(link)
	if err != nil {
		return err
	}
	return route(newMessage(syscall.RTM_NEWLINK, syscall.NLM_F_ACK, interfaceInfo(index, syscall.IFF_UP, syscall.IFF_UP)))
}

// Delete removes an interface; of a veth pair, both ends. One that is not
// there is ENODEV.
func Delete(link string) error {
	index, err := Index(link)
	if err != nil {
		return err
	}
	return route(newMessage(syscall.RTM_DELLINK, syscall.NLM_F_ACK, interfaceInfo(index, 0, 0)))
}

// AddAddress gives an interface an IPv4 address and the network that it is in.
// One that it has already is EEXIST.
func AddAddress(link string, address Prefix) error {
	index, err := Index(link)
	if err != nil {
		return err
	}
	head := make([]byte, syscall.SizeofIfAddrmsg) // struct ifaddrmsg
	head[0], head[1] = syscall.AF_INET, byte(address.Bits)
	binary.NativeEndian.PutUint32(head[4:], uint32(index))
	ip := address.Address
	m := newMessage(syscall.RTM_NEWADDR, create, head)
	return route(m.add(syscall.IFA_LOCAL, ip[:]).add(syscall.IFA_ADDRESS, ip[:]))
}

// AddGateway makes a router the way to everything that is not near.
func AddGateway(gateway Address) error {
	head := make([]byte, syscall.SizeofRtMsg) // struct rtmsg
	head[0] = syscall.AF_INET
	head[4], head[5] = syscall.RT_TABLE_MAIN, syscall.RTPROT_BOOT
	head[6], head[7] = syscall.RT_SCOPE_UNIVERSE, syscall.RTN_UNICAST
	return route(newMessage(syscall.RTM_NEWROUTE, create, head).add(syscall.RTA_GATEWAY, gateway[:]))
}

// Index is the number of an interface in this network namespace; see
// netdevice(7). One that is not there is ENODEV.
func Index(link string) (int, error) {
	sock, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer syscall.Close(sock)
	var request struct { // struct ifreq
		name  [syscall.IFNAMSIZ]byte
		index int32
		_     [20]byte
	}
	if len(link) >= syscall.IFNAMSIZ {
		return 0, syscall.ENODEV
	}
	copy(request.name[:], link)
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(sock), syscall.SIOCGIFINDEX, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return 0, errno
	}
	return int(request.index), nil
}
