package inspect

import (
	"strings"

	"aquarium/runtime/kernel"
)

// Users is the view of who the process is, and what it may do.
type Users struct {
	UIDs      []Range `json:"uids"` // maps of its user namespace
	GIDs      []Range `json:"gids"`
	SetGroups string  `json:"setgroups"` // "allow" or "deny", see user_namespaces(7)

	UID    int   `json:"uid"` // effective, inside; the number without a mapping shows as 65534
	GID    int   `json:"gid"`
	Groups []int `json:"groups"` // supplementary, inside
	// The same as the host numbers them.
	HostUID int `json:"hostUid"`
	HostGID int `json:"hostGid"`

	Permitted   []string `json:"permitted"` // capabilities(7), such as CAP_NET_ADMIN
	Effective   []string `json:"effective"`
	Inheritable []string `json:"inheritable"`
	Bounding    []string `json:"bounding"`
	Ambient     []string `json:"ambient"`

	NoNewPrivs     bool   `json:"noNewPrivs"`
	Seccomp        string `json:"seccomp"` // "off", "strict" or "filter", see seccomp(2)
	SeccompFilters int    `json:"seccompFilters"`
	Label          string `json:"label,omitempty"`  // of the security module: AppArmor, SELinux
	Tracer         int    `json:"tracer,omitempty"` // process that traces it, as the host numbers it
}

// Users reads the process's credentials. Of PID 1 they are the sandbox's.
func (t *Target) Users() (*Users, error) {
	st, err := t.status()
	if err != nil {
		return nil, t.failure("read credentials", err)
	}
	uids, gids, setgroups, err := t.maps()
	if err != nil {
		return nil, t.failure("read id maps", err)
	}
	u := &Users{
		UIDs: uids, GIDs: gids, SetGroups: setgroups,
		HostUID: st.uids[1], HostGID: st.gids[1], Groups: []int{},
		Permitted: names(st.permitted), Effective: names(st.effective), Inheritable: names(st.inheritable),
		Bounding: names(st.bounding), Ambient: names(st.ambient),
		NoNewPrivs: st.noNewPrivs, Seccomp: seccompWord(st.seccomp), SeccompFilters: st.seccompFilters, Tracer: st.tracer,
	}
	u.UID, _ = uids.inside(st.uids[1])
	u.GID, _ = gids.inside(st.gids[1])
	for _, group := range st.groups {
		id, _ := gids.inside(group)
		u.Groups = append(u.Groups, id)
	}
	if label, err := t.text("attr/current"); err == nil { // EINVAL where there is no such module
		u.Label = strings.TrimRight(label, "\x00\n")
	}
	return u, nil
}

func (t *Target) maps() (uids, gids idMap, setgroups string, err error) {
	content, err := t.text("uid_map")
	if err == nil {
		uids, err = parseIDMap(content)
	}
	if err != nil {
		return nil, nil, "", err
	}
	content, err = t.text("gid_map")
	if err == nil {
		gids, err = parseIDMap(content)
	}
	if err != nil {
		return nil, nil, "", err
	}
	setgroups, err = t.text("setgroups")
	return uids, gids, strings.TrimSpace(setgroups), err
}

// names names the capabilities of a mask; never nil, so that JSON shows [].
func names(mask uint64) []string {
	return append([]string{}, kernel.CapabilityNames(mask)...)
}

func seccompWord(mode int) string {
	switch mode {
	case 0:
		return "off"
	case 1:
		return "strict"
	case 2:
		return "filter"
	}
	return "unknown"
}
