package inspect

import (
	"path"
	"strconv"
	"strings"
)

// rowName names a row after the container that its first process belongs to.
func (o *Observer) rowName(row *Row) string {
	t, err := o.Open(row.PID)
	if err != nil {
		return "process " + strconv.Itoa(row.PID)
	}
	defer t.Close()
	return t.ContainerName()
}

// ContainerName says what the process belongs to, as far as its cgroup or its
// command line tell: "docker 3f2a1b…", "nginx.service", or its command. It is
// a hint for people: nothing keeps a process from calling itself anything.
func (t *Target) ContainerName() string {
	if cgroups, err := t.text("cgroup"); err == nil {
		if name := nameFromCgroup(cgroups); name != "" {
			return name
		}
	}
	arguments, _, err := t.command()
	if err == nil && len(arguments) > 0 {
		return nameFromCommand(arguments)
	}
	if st, err := t.stat(); err == nil {
		return st.name
	}
	return "process " + strconv.Itoa(t.PID)
}

// managers are how container managers name their cgroups: a prefix of one
// part of the path, and what stands behind it.
var managers = []struct{ prefix, name string }{
	{"docker-", "docker"}, {"libpod-", "podman"}, {"crio-", "cri-o"}, {"cri-containerd-", "containerd"},
	{"lxc.payload.", "lxc"}, {"machine-", "machine"}, {"aquarium-", "aquarium"},
}

// nameFromCgroup reads /proc/PID/cgroup; see cgroups(7). The longest path
// tells most.
func nameFromCgroup(text string) string {
	longest := ""
	lines(text, func(line string) {
		if _, rest, ok := strings.Cut(line, ":"); ok {
			if _, path, ok := strings.Cut(rest, ":"); ok && len(path) > len(longest) {
				longest = path
			}
		}
	})
	parts := strings.Split(strings.Trim(longest, "/"), "/")
	for i := len(parts) - 1; i >= 0; i-- {
		part := strings.TrimSuffix(parts[i], ".scope")
		for _, m := range managers {
			if id, ok := strings.CutPrefix(part, m.prefix); ok && id != "" && id != "conmon" {
				return m.name + " " + shortID(id)
			}
		}
		if i > 0 && isID(part) && (parts[i-1] == "docker" || parts[i-1] == "aquarium" || parts[i-1] == "libpod_parent") {
			return parts[i-1] + " " + shortID(part)
		}
		if strings.HasSuffix(part, ".service") && !strings.HasPrefix(part, "user@") {
			return part
		}
	}
	return ""
}

func isID(s string) bool { return len(s) >= 12 && strings.Trim(s, "0123456789abcdef") == "" }

func shortID(s string) string {
	if isID(s) {
		return s[:12]
	}
	return s
}

// nameFromCommand is the name of the program. Shims and supervisors of
// containers tell the container's name with a flag.
func nameFromCommand(arguments []string) string {
	program := path.Base(arguments[0])
	for i, argument := range arguments[:len(arguments)-1] {
		if argument == "--machine" || argument == "--name" {
			return program + " " + arguments[i+1]
		}
	}
	return program
}
