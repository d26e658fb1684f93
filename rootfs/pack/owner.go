package pack

import (
	"encoding/binary"
	"os"

	"aquarium/runtime/userns"
)

// WrittenBy gives what the user namespace of a sandbox has written the owners
// that it has in there.
func (w *Writer) WrittenBy(ids userns.Map) { w.ids = ids }

// owner is whom a file belongs to in sandboxes.
func (w *Writer) owner(uid, gid int) (int, int) {
	if w.ids.Foreign {
		return userns.Inside(w.ids.UIDs, uid), userns.Inside(w.ids.GIDs, gid)
	}
	if euid := os.Geteuid(); euid != 0 {
		// What an ordinary user owns is root's in the sandboxes of that user, and what the user's
		// subordinate ids own is other users' there.
		return other(w.ids.UIDs, rootFor(uid, euid), uid), other(w.ids.GIDs, rootFor(gid, os.Getegid()), gid)
	}
	return uid, gid
}

// other is an id inside, where the maps have it, and otherwise known.
func other(maps []userns.IDMap, known, id int) int {
	for _, m := range maps {
		if m.Inside > 0 && id >= m.Outside && id < m.Outside+m.Count {
			return userns.Inside(maps, id)
		}
	}
	return known
}

func rootFor(id, own int) int {
	if id == own {
		return 0
	}
	return id
}

// Layout of the attribute security.capability; see capabilities(7) and
// linux/capability.h: the third version ends with the number of the root whose
// user namespace it holds in.
const (
	capabilityVersion2 = 0x02000000
	capabilityVersion3 = 0x03000000
	capabilityVersions = 0xff000000
	capabilityLength3  = 24
)

// capability is a file capability as the sandbox's root sees it.
func (w *Writer) capability(value string) string {
	data := []byte(value)
	if !w.ids.Foreign || len(data) != capabilityLength3 {
		return value
	}
	magic := binary.LittleEndian.Uint32(data)
	root := binary.LittleEndian.Uint32(data[capabilityLength3-4:])
	if magic&capabilityVersions != capabilityVersion3 || int(root) != userns.Outside(w.ids.UIDs, 0) {
		return value
	}
	binary.LittleEndian.PutUint32(data, magic&^capabilityVersions|capabilityVersion2)
	return string(data[:capabilityLength3-4])
}

// Layout of the attributes system.posix_acl_…; see linux/posix_acl_xattr.h: a
// version, and entries of a tag, permissions and, for some tags, a number.
const (
	aclHeader = 4
	aclEntry  = 8
	aclUser   = 0x02
	aclGroup  = 0x08
)

// acl is an access control list as the sandbox sees it.
func (w *Writer) acl(value string) string {
	data := []byte(value)
	if !w.ids.Foreign || len(data) < aclHeader {
		return value
	}
	for entry := data[aclHeader:]; len(entry) >= aclEntry; entry = entry[aclEntry:] {
		maps := w.ids.UIDs
		switch binary.LittleEndian.Uint16(entry) {
		case aclUser:
		case aclGroup:
			maps = w.ids.GIDs
		default:
			continue
		}
		id := binary.LittleEndian.Uint32(entry[4:])
		binary.LittleEndian.PutUint32(entry[4:], uint32(userns.Inside(maps, int(id))))
	}
	return string(data)
}
