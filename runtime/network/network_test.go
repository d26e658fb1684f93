package network

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// space is a thread in a network namespace of its own.
type space struct {
	work chan func()
	id   int // of the thread, see gettid(2)
}

func newSpace(t *testing.T) *space {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("a network namespace needs root")
	}
	s := &space{work: make(chan func())}
	made := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread ends with its namespace
		s.id = syscall.Gettid()
		made <- syscall.Unshare(syscall.CLONE_NEWNET)
		for f := range s.work {
			f()
		}
	}()
	if err := <-made; err != nil {
		t.Fatalf("unshare: %v", err)
	}
	t.Cleanup(func() { close(s.work) })
	return s
}

// do runs f in the namespace.
func (s *space) do(f func()) {
	done := make(chan struct{})
	s.work <- func() {
		defer close(done)
		f()
	}
	<-done
}

// ip is what ip(8) says in the namespace.
func (s *space) ip(t *testing.T, arguments ...string) (out string) {
	s.do(func() {
		text, err := exec.Command("ip", arguments...).CombinedOutput()
		if err != nil {
			t.Errorf("ip %s: %v: %s", strings.Join(arguments, " "), err, text)
		}
		out = string(text)
	})
	return out
}

// try runs f in the namespace; its error is the test's.
func (s *space) try(t *testing.T, what string, f func() error) {
	t.Helper()
	s.do(func() {
		if err := f(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	})
}

var inside, bridge = Prefix{Address{10, 1, 2, 2}, 24}, Prefix{Address{10, 1, 2, 1}, 24}

// connect makes a bridge in host, and joins guest to it.
func connect(t *testing.T, host, guest *space) {
	t.Helper()
	host.try(t, "bridge", func() error { return NewBridge("aqb0") })
	connectTo(t, host, guest)
}

// connectTo is connect, to a bridge that is there.
func connectTo(t *testing.T, host, guest *space) {
	t.Helper()
	host.try(t, "bridge address", func() error { return AddAddress("aqb0", bridge) })
	host.try(t, "bridge up", func() error { return Up("aqb0") })
	host.try(t, "veth", func() error { return NewVeth("aqv0", "eth0", guest.id) })
	host.try(t, "join", func() error { return Join("aqv0", "aqb0") })
	guest.try(t, "guest address", func() error { return AddAddress("eth0", inside) })
	guest.try(t, "guest up", func() error { return Up("eth0") })
	guest.try(t, "gateway", func() error { return AddGateway(bridge.Address) })
}

func TestBridgeAndVeth(t *testing.T) {
	t.Parallel()
	host, guest := newSpace(t), newSpace(t)
	connect(t, host, guest)
	for _, see := range []struct {
		where     *space
		arguments []string
		want      string
	}{
		{host, []string{"-d", "link", "show", "aqv0"}, "master aqb0"},
		{host, []string{"-d", "link", "show", "aqb0"}, "bridge "},
		{host, []string{"address", "show", "aqb0"}, "inet 10.1.2.1/24"},
		{guest, []string{"address", "show", "eth0"}, "inet 10.1.2.2/24"},
		{guest, []string{"-d", "link", "show", "eth0"}, "veth"},
		{guest, []string{"route"}, "default via 10.1.2.1 dev eth0"},
	} {
		if out := see.where.ip(t, see.arguments...); !strings.Contains(out, see.want) {
			t.Errorf("ip %s has no %q:\n%s", strings.Join(see.arguments, " "), see.want, out)
		}
	}
	host.do(func() {
		if err := NewBridge("aqb0"); err != syscall.EEXIST {
			t.Errorf("a second bridge: %v", err)
		}
		if err := Delete("aqv0"); err != nil {
			t.Errorf("delete: %v", err)
		}
		for _, gone := range []string{"aqv0", "a-name-that-is-too-long"} {
			if err := Delete(gone); err != syscall.ENODEV {
				t.Errorf("delete %s, which is not there: %v", gone, err)
			}
		}
	})
	guest.do(func() {
		if _, err := Index("eth0"); err != syscall.ENODEV {
			t.Errorf("the far end, after delete: %v", err)
		}
	})
}

// TestMasquerade sends a datagram from a guest, through the host, to one that
// knows nothing of the guest's network: it has to bear the host's address, and
// the answer has to find back.
func TestMasquerade(t *testing.T) {
	t.Parallel()
	host, guest, far := newSpace(t), newSpace(t), newSpace(t)
	connect(t, host, guest)
	host.try(t, "uplink", func() error { return NewVeth("up0", "eth0", far.id) })
	host.try(t, "uplink address", func() error { return AddAddress("up0", Prefix{Address{192, 0, 2, 1}, 24}) })
	host.try(t, "uplink up", func() error { return Up("up0") })
	far.try(t, "far address", func() error { return AddAddress("eth0", Prefix{Address{192, 0, 2, 2}, 24}) })
	far.try(t, "far up", func() error { return Up("eth0") })
	host.try(t, "forward", func() error { return os.WriteFile("/proc/sys/net/ipv4/ip_forward", []byte("1"), 0) })
	far.ip(t, "route", "add", "10.1.2.0/24", "via", "192.0.2.1")
	const asked = "192.0.2.2 asked for what is behind the host"
	if got := arrives(t, host, far, guest, asked, 20*time.Second); got != asked {
		t.Errorf("without rules, %q arrived: the test tells nothing", got)
	}
	host.try(t, "masquerade", func() error { return Masquerade("aqt0", "aqb0", bridge) })
	if got := arrives(t, host, far, guest, asked, 0); got != "from the host" {
		t.Errorf("%q arrived behind the host", got)
	}
	host.do(func() {
		if err := Masquerade("aqt0", "aqb0", bridge); err != syscall.EEXIST {
			t.Errorf("a second table: %v", err)
		}
	})

	var listener, caller net.PacketConn
	far.try(t, "listen", func() (err error) { listener, err = net.ListenPacket("udp4", "192.0.2.2:5000"); return })
	guest.try(t, "call", func() (err error) { caller, err = net.ListenPacket("udp4", "10.1.2.2:0"); return })
	if t.Failed() {
		return
	}
	defer listener.Close()
	defer caller.Close()
	deadline := time.Now().Add(30 * time.Second)
	listener.SetDeadline(deadline)
	caller.SetDeadline(deadline)
	caller.WriteTo([]byte("hello"), &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 5000})
	buffer := make([]byte, 16)
	n, from, err := listener.ReadFrom(buffer)
	if err != nil || string(buffer[:n]) != "hello" {
		t.Fatalf("the far one got %q, %v", buffer[:n], err)
	}
	if host, _, _ := net.SplitHostPort(from.String()); host != "192.0.2.1" {
		t.Errorf("it came from %s, not from the host", from)
	}
	listener.WriteTo([]byte("well"), from)
	if n, _, err := caller.ReadFrom(buffer); err != nil || string(buffer[:n]) != "well" {
		t.Errorf("the answer was %q, %v", buffer[:n], err)
	}
	host.try(t, "delete table", func() error { return DeleteTable("aqt0") })
	host.do(func() {
		if err := DeleteTable("aqt0"); err != syscall.ENOENT {
			t.Errorf("delete a table that is not there: %v", err)
		}
	})
}

// arrives sends a datagram from far to guest, again and again for a while, and
// returns what comes there first: that, or what the host sends after it.
func arrives(t *testing.T, host, far, guest *space, what string, while time.Duration) string {
	t.Helper()
	var listener, caller, neighbour net.PacketConn
	guest.try(t, "listen", func() (err error) { listener, err = net.ListenPacket("udp4", "10.1.2.2:6000"); return })
	far.try(t, "call", func() (err error) { caller, err = net.ListenPacket("udp4", "192.0.2.2:0"); return })
	host.try(t, "call", func() (err error) { neighbour, err = net.ListenPacket("udp4", "10.1.2.1:0"); return })
	if t.Failed() {
		t.FailNow()
	}
	defer listener.Close()
	defer caller.Close()
	defer neighbour.Close()
	at := &net.UDPAddr{IP: net.IPv4(10, 1, 2, 2), Port: 6000}
	buffer := make([]byte, 64)
	// The first may be lost while links come up and addresses are still being asked for.
	for sent, end := 0, time.Now().Add(while); sent < 20 || time.Now().Before(end); sent++ {
		if _, err := caller.WriteTo([]byte(what), at); err != nil {
			t.Fatal(err)
		}
		listener.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
		if n, _, err := listener.ReadFrom(buffer); err == nil {
			return string(buffer[:n])
		}
	}
	listener.SetReadDeadline(time.Now().Add(30 * time.Second))
	neighbour.WriteTo([]byte("from the host"), at)
	n, _, err := listener.ReadFrom(buffer)
	if err != nil {
		t.Fatal(err)
	}
	return string(buffer[:n])
}

// TestCVE_2020_13401 has a guest say that it is a router. The host must not
// send through it what it sends to the rest of the world.
func TestCVE_2020_13401(t *testing.T) {
	t.Parallel()
	for name, without := range map[string]bool{"as the kernel makes it": false, "without IPv6": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			host, guest := newSpace(t), newSpace(t)
			for _, s := range []*space{host, guest} { // so that addresses are usable at once
				s.try(t, "no waiting", func() error { return os.WriteFile("/proc/sys/net/ipv6/conf/default/accept_dad", []byte("0"), 0) })
			}
			host.try(t, "bridge", func() error { return NewBridge("aqb0") })
			if without {
				host.try(t, "without IPv6", func() error { return WithoutIPv6("aqb0") })
			}
			connectTo(t, host, guest)
			var said error
			trusted := false
			for deadline := time.Now().Add(30 * time.Second); !trusted && time.Now().Before(deadline); {
				guest.do(func() { said = advertiseRouter("eth0") })
				trusted = strings.Contains(host.ip(t, "-6", "route"), "default via fe80:")
				if heard := overBridge(t, host, guest); without && said == nil && heard {
					break // and what was said before it
				}
			}
			if said != nil {
				t.Fatal(said)
			}
			if trusted == without {
				t.Errorf("the host's router is the guest: %v", trusted)
			}
		})
	}
	newSpace(t).do(func() {
		if err := WithoutIPv6("nothing"); err != syscall.ENODEV {
			t.Errorf("a link that is not there: %v", err)
		}
	})
}

// overBridge tells whether a datagram comes from guest to host.
func overBridge(t *testing.T, host, guest *space) bool {
	var listener, caller net.PacketConn
	host.try(t, "listen", func() (err error) { listener, err = net.ListenPacket("udp4", "10.1.2.1:0"); return })
	guest.try(t, "call", func() (err error) { caller, err = net.ListenPacket("udp4", "10.1.2.2:0"); return })
	if t.Failed() {
		t.FailNow()
	}
	defer listener.Close()
	defer caller.Close()
	listener.SetDeadline(time.Now().Add(time.Second))
	caller.WriteTo([]byte("hello"), listener.LocalAddr())
	_, _, err := listener.ReadFrom(make([]byte, 16))
	return err == nil
}

// advertiseRouter sends a router advertisement, see RFC 4861, section 4.2, to
// all who are on a link.
func advertiseRouter(link string) error {
	index, err := Index(link)
	if err != nil {
		return err
	}
	fd, err := syscall.Socket(syscall.AF_INET6, syscall.SOCK_RAW|syscall.SOCK_CLOEXEC, syscall.IPPROTO_ICMPV6)
	if err != nil {
		return err
	}
	defer syscall.Close(fd)
	if err := syscall.SetsockoptInt(fd, syscall.IPPROTO_IPV6, syscall.IPV6_MULTICAST_HOPS, 255); err != nil {
		return err
	}
	const advertisement = 134
	message := []byte{advertisement, 0, 0, 0, 64, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0} // the kernel fills in the checksum
	everyone := [16]byte{0: 0xff, 1: 2, 15: 1}
	return syscall.Sendto(fd, message, 0, &syscall.SockaddrInet6{Addr: everyone, ZoneId: uint32(index)})
}
