package network

import (
	"bytes"
	"encoding/binary"
	"errors"
	"syscall"
	"testing"
)

// FuzzMessage has what is written as a netlink message read back by package
// syscall: type, head, attributes, and padding between them.
func FuzzMessage(f *testing.F) {
	f.Add(uint16(syscall.RTM_NEWLINK), "aq-00000000", []byte{1, 2, 3}, uint16(3))
	f.Add(uint16(0), "", []byte{}, uint16(0))
	f.Add(uint16(65535), "fifteen letters", bytes.Repeat([]byte{0xff}, 1000), uint16(0x3fff))
	f.Fuzz(func(t *testing.T, kind uint16, link string, value []byte, attribute uint16) {
		if len(link) > 1000 || len(value) > 10000 {
			return // no attribute of ours is near the 64 KiB that there can be
		}
		attribute &^= nested
		m := newMessage(syscall.RTM_NEWLINK, create, interfaceInfo(7, 0, 0))
		m.add(syscall.IFLA_IFNAME, name(link)).nest(kind|nested, func() { m.add(attribute, value) })
		written := m.finish(9)
		if len(written)%4 != 0 {
			t.Errorf("it has %d bytes", len(written))
		}
		read, err := syscall.ParseNetlinkMessage(written)
		if err != nil || len(read) != 1 || read[0].Header.Seq != 9 || read[0].Header.Len != uint32(len(written)) {
			t.Fatalf("%v, %v", read, err)
		}
		attributes, err := syscall.ParseNetlinkRouteAttr(&read[0])
		if err != nil || len(attributes) != 2 {
			t.Fatalf("%v, %v", attributes, err)
		}
		if got := attributes[0]; got.Attr.Type != syscall.IFLA_IFNAME || string(got.Value) != link+"\x00" {
			t.Errorf("the name is %v", got)
		}
		inner := attributes[1].Value
		if attributes[1].Attr.Type != kind|nested || len(inner) < syscall.SizeofRtAttr || binary.NativeEndian.Uint16(inner[2:]) != attribute ||
			int(binary.NativeEndian.Uint16(inner)) != syscall.SizeofRtAttr+len(value) || !bytes.Equal(inner[syscall.SizeofRtAttr:][:len(value)], value) {
			t.Errorf("the nested attribute is %v", attributes[1])
		}
	})
}

// FuzzAnswers reads datagrams as if the kernel had sent them.
func FuzzAnswers(f *testing.F) {
	refused := syscall.EEXIST
	acknowledged := append(binary.NativeEndian.AppendUint32(nil, 36), 2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0)
	f.Add(append(bytes.Clone(acknowledged), make([]byte, 20)...))
	f.Add(append(binary.NativeEndian.AppendUint32(bytes.Clone(acknowledged), uint32(-int32(refused))), make([]byte, 16)...))
	f.Add(acknowledged)
	f.Fuzz(func(t *testing.T, datagram []byte) {
		done, err := answers(datagram)
		if number := syscall.Errno(0); errors.As(err, &number) && number == 0 {
			t.Error("an error that is none")
		}
		if done < 0 || done > len(datagram)/syscall.NLMSG_HDRLEN {
			t.Errorf("%d acknowledgements in %d bytes", done, len(datagram))
		}
	})
}
