package observe

import (
	"strconv"
	"strings"
)

// Mount is one line of /proc/PID/mountinfo; see proc_pid_mountinfo(5).
type Mount struct {
	ID          int    `json:"id"`
	Parent      int    `json:"parent"`
	Root        string `json:"root"`  // of the filesystem, what is mounted
	Point       string `json:"point"` // where, relative to the process's root
	Options     string `json:"options"`
	Propagation string `json:"propagation"` // "private", "shared:1", "master:1", …
	Type        string `json:"type"`
	Source      string `json:"source"`
}

// What is what is mounted, in a few words: "proc", "overlay", "tmpfs shm",
// "ext4 /dev/vda1 /srv".
func (m Mount) What() string {
	what := m.Type
	if m.Source != m.Type && m.Source != "none" && m.Source != "" {
		what += " " + m.Source
	}
	if m.Root != "/" && m.Root != "" {
		what += " " + m.Root
	}
	return what
}

// ParseMounts reads the text of a mountinfo file. Lines that are not of its
// form are left out.
func ParseMounts(text string) []Mount {
	var list []Mount
	for _, line := range strings.Split(text, "\n") {
		if m, ok := parseMount(line); ok {
			list = append(list, m)
		}
	}
	return list
}

// parseMount reads "ID PARENT MAJ:MIN ROOT POINT OPTIONS [FIELD…] - TYPE
// SOURCE SUPEROPTIONS".
func parseMount(line string) (m Mount, ok bool) {
	front, back, ok := strings.Cut(line, " - ")
	fields, rest := strings.Fields(front), strings.Fields(back)
	if !ok || len(fields) < 6 || len(rest) < 1 {
		return m, false
	}
	id, err := strconv.Atoi(fields[0])
	parent, err2 := strconv.Atoi(fields[1])
	if err != nil || err2 != nil {
		return m, false
	}
	m = Mount{ID: id, Parent: parent, Root: unescape(fields[3]), Point: unescape(fields[4]), Options: fields[5],
		Propagation: strings.Join(fields[6:], " "), Type: rest[0]}
	if m.Propagation == "" {
		m.Propagation = "private"
	}
	if len(rest) > 1 {
		m.Source = unescape(rest[1])
	}
	return m, true
}

// unescape undoes the \ooo that the kernel writes for space, tab, newline and
// backslash.
func unescape(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) {
			if n, err := strconv.ParseUint(s[i+1:i+4], 8, 8); err == nil {
				out.WriteByte(byte(n))
				i += 3
				continue
			}
		}
		out.WriteByte(s[i])
	}
	return out.String()
}
