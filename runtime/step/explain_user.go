package step

import (
	"os"
	"strings"
	"syscall"
)

// explain is about the numbers that the user namespace knows; see
// user_namespaces(7).
func (u *User) explain(refused *CallError) string {
	name, _, _ := strings.Cut(refused.Call, "(")
	capability, file := "CAP_SETGID", "gid_map"
	if name == "setresuid" {
		capability, file = "CAP_SETUID", "uid_map"
	}
	switch refused.Errno {
	case syscall.EINVAL:
		if m := idMap(file); m != "" {
			return "the user namespace has no such number: its " + file + " is " + m + " (inside outside count)"
		}
		return "the user namespace has no such number in its " + file
	case syscall.EPERM:
		if why := missing(capability); why != "" {
			return why
		}
		if name == "setgroups" && setgroupsDenied() {
			return "/proc/PID/setgroups is deny, as it is for an ordinary user's namespace"
		}
	}
	return ""
}

func setgroupsDenied() bool {
	content, _ := os.ReadFile("/proc/thread-self/setgroups")
	return strings.TrimSpace(string(content)) == "deny"
}
