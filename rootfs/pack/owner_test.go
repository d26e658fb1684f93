package pack

import (
	"encoding/binary"
	"testing"

	"aquarium/runtime/userns"
)

// What a sandbox with ids of its own has written is packed as it looks inside.
func TestOwnersOfASandbox(t *testing.T) {
	t.Parallel()
	var w Writer
	w.WrittenBy(userns.Map{
		UIDs: []userns.IDMap{{Inside: 0, Outside: 500000, Count: 65536}}, GIDs: []userns.IDMap{{Inside: 0, Outside: 700000, Count: 65536}}, Foreign: true,
	})
	for _, c := range [][4]int{{500000, 700000, 0, 0}, {501000, 701001, 1000, 1001}, {0, 0, 65534, 65534}, {565535, 765536, 65535, 65534}} {
		if uid, gid := w.owner(c[0], c[1]); uid != c[2] || gid != c[3] {
			t.Errorf("%d:%d is %d:%d inside, want %d:%d", c[0], c[1], uid, gid, c[2], c[3])
		}
	}
	for name, c := range map[string]struct{ outside, inside string }{
		"capability":           {"\x01\x00\x00\x03abcdefghijklmnop\x20\xa1\x07\x00", "\x01\x00\x00\x02abcdefghijklmnop"},
		"of another namespace": {"\x01\x00\x00\x03abcdefghijklmnop\x21\xa1\x07\x00", "\x01\x00\x00\x03abcdefghijklmnop\x21\xa1\x07\x00"},
		"of the old version":   {"\x01\x00\x00\x02abcdefghijklmnop", "\x01\x00\x00\x02abcdefghijklmnop"},
	} {
		if got := w.capability(c.outside); got != c.inside {
			t.Errorf("%s: %q, want %q", name, got, c.inside)
		}
	}
	const user, owner, group = "\x02\x00\x06\x00\x08\xa5\x07\x00", "\x01\x00\x06\x00\xff\xff\xff\xff", "\x08\x00\x04\x00\x60\xae\x0a\x00"
	if got, want := w.acl("\x02\x00\x00\x00"+owner+user+group), "\x02\x00\x00\x00"+owner+"\x02\x00\x06\x00\xe8\x03\x00\x00"+"\x08\x00\x04\x00\x00\x00\x00\x00"; got != want {
		t.Errorf("the access control list is %q, want %q", got, want)
	}
	for _, short := range []string{"", "\x02", "\x02\x00\x00\x00\x02\x00"} {
		if got := w.acl(short); got != short {
			t.Errorf("%q becomes %q", short, got)
		}
	}
}

// FuzzOwnersInAttributes has access control lists and capabilities of a
// sandbox's files be anything: they keep their form, and name the sandbox's ids.
func FuzzOwnersInAttributes(f *testing.F) {
	f.Add("\x01\x00\x00\x03abcdefghijklmnop\x20\xa1\x07\x00", 500000)
	f.Add("\x02\x00\x00\x00\x02\x00\x06\x00\x08\xa5\x07\x00\x08\x00\x04\x00\x60\xae\x0a\x00", 500000)
	f.Add("\x02\x00\x00\x00\x02\x00\x06\x00\xff\xff\xff\xff\x08", 0)
	f.Fuzz(func(t *testing.T, value string, first int) {
		var w Writer
		ids := []userns.IDMap{{Inside: 0, Outside: max(0, first) % (1 << 31), Count: 65536}}
		w.WrittenBy(userns.Map{UIDs: ids, GIDs: ids, Foreign: true})
		list := w.acl(value)
		if len(list) != len(value) {
			t.Fatalf("%q becomes %q", value, list)
		}
		for at := aclHeader; at+aclEntry <= len(list); at += aclEntry {
			entry := []byte(list[at : at+aclEntry])
			named := binary.LittleEndian.Uint16(entry) == aclUser || binary.LittleEndian.Uint16(entry) == aclGroup
			if list[at:at+4] != value[at:at+4] || !named && list[at:at+aclEntry] != value[at:at+aclEntry] {
				t.Errorf("%q becomes %q", value, list)
			}
			if id := binary.LittleEndian.Uint32(entry[4:]); named && id >= 65536 {
				t.Errorf("%q names %d", list, id)
			}
		}
		capability := w.capability(value)
		if capability != value && (len(capability) != capabilityLength3-4 || len(value) != capabilityLength3 || capability[4:] != value[4:capabilityLength3-4]) {
			t.Errorf("the capability %q becomes %q", value, capability)
		}
	})
}
