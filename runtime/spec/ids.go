package spec

import (
	"fmt"
	"path/filepath"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/userns"
)

// UserNS says whose user and group ids a sandbox has.
type UserNS string

// The choices of --userns.
const (
	// UserNSDefault is UserNSHost for root, and UserNSAuto for everyone else.
	UserNSDefault UserNS = ""
	// UserNSHost makes no user namespace: root inside is the host's root.
	UserNSHost UserNS = "host"
	// UserNSAuto has ids of its own. For root they are a range that no other
	// sandbox has, and root inside is nobody outside; for an ordinary user,
	// where there are any, the ranges of /etc/subuid and /etc/subgid, and root
	// inside is that user.
	UserNSAuto UserNS = "auto"
	// UserNSSingle has the caller's own id only, as root: an ordinary user
	// needs nobody's leave for that.
	UserNSSingle UserNS = "single"
)

// checkUserNS refuses a choice that is none, or contradicts another.
func (o Options) checkUserNS() error {
	switch o.UserNS {
	case UserNSDefault, UserNSHost:
		return nil
	case UserNSAuto, UserNSSingle:
		if o.UserNS == UserNSAuto && o.Shares("mnt") {
			return &Refusal{"userns auto: --share mnt keeps the host's mounts, whose files belong to the host's users", "leave one of the two out"}
		}
		if o.Shares("user") {
			return &Refusal{fmt.Sprintf("userns %s: --share user keeps the host's user namespace", o.UserNS), "leave one of the two out"}
		}
		return nil
	}
	return &Refusal{fmt.Sprintf("userns %s: unknown", abbreviate(string(o.UserNS))), "it is host, auto or single"}
}

// mapIDs gives a configuration the ids of its user namespace.
func mapIDs(s *specs.Spec, caller Caller) {
	ids := caller.IDs
	if len(ids.UIDs) == 0 {
		// One id is all that the kernel lets everyone map; see user_namespaces(7).
		ids.UIDs = []userns.IDMap{{Inside: 0, Outside: caller.UID, Count: 1}}
		ids.GIDs = []userns.IDMap{{Inside: 0, Outside: caller.GID, Count: 1}}
	}
	if caller.Privileged {
		s.Annotations[AnnotationShifted] = "true"
	}
	s.Linux.UIDMappings, s.Linux.GIDMappings = mappings(ids.UIDs), mappings(ids.GIDs)
	for name, value := range map[string]string{AnnotationUIDHelper: ids.UIDHelper, AnnotationGIDHelper: ids.GIDHelper, AnnotationSingleID: caller.NoIDs} {
		if value != "" {
			s.Annotations[name] = value
		}
	}
}

// Shifted tells whether the rootfs is shown with owners shifted to the ids of
// the user namespace: the supervisor has root's rights, and init has none.
func Shifted(s *specs.Spec) bool { return s.Annotations[AnnotationShifted] == "true" }

// HostPoint is the directory in the bundle on which the host's own root is
// mounted with owners shifted.
func HostPoint(s *specs.Spec) string {
	return filepath.Join(filepath.Dir(s.Annotations[AnnotationMountpoint]), "host")
}

func mappings(maps []userns.IDMap) []specs.LinuxIDMapping {
	var list []specs.LinuxIDMapping
	for _, m := range maps {
		list = append(list, specs.LinuxIDMapping{ContainerID: uint32(m.Inside), HostID: uint32(m.Outside), Size: uint32(m.Count)})
	}
	return list
}

// IDs reads back which ids a configuration maps, and by whom.
func IDs(s *specs.Spec) userns.Map {
	if s.Linux == nil {
		return userns.Map{}
	}
	return userns.Map{
		UIDs: unmappings(s.Linux.UIDMappings), UIDHelper: s.Annotations[AnnotationUIDHelper],
		GIDs: unmappings(s.Linux.GIDMappings), GIDHelper: s.Annotations[AnnotationGIDHelper], Foreign: Shifted(s),
	}
}

func unmappings(list []specs.LinuxIDMapping) []userns.IDMap {
	var maps []userns.IDMap
	for _, m := range list {
		maps = append(maps, userns.IDMap{Inside: int(m.ContainerID), Outside: int(m.HostID), Count: int(m.Size)})
	}
	return maps
}
