package rootfs

import (
	"bufio"
	"bytes"
	"os"
	"slices"
	"strings"
)

// mountTable is the mount points of this mount namespace, sorted and without repetitions.
type mountTable []string

// readMounts reads /proc/self/mountinfo (proc_pid_mountinfo(5)).
func readMounts() (mountTable, error) {
	data, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return nil, fail("read", "/proc/self/mountinfo", err)
	}
	return parseMounts(data), nil
}

func parseMounts(data []byte) mountTable {
	var table mountTable
	lines := bufio.NewScanner(bytes.NewReader(data))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if fields := strings.Fields(lines.Text()); len(fields) > 4 {
			table = append(table, unescapeMount(fields[4]))
		}
	}
	slices.Sort(table)
	return slices.Compact(table)
}

// unescapeMount undoes the kernel's octal escapes for space, tab, newline and backslash.
func unescapeMount(s string) string {
	if !strings.Contains(s, `\`) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] == '\\' && i+3 < len(s) && octal(s[i+1:i+4]) {
			b.WriteByte((s[i+1]-'0')<<6 | (s[i+2]-'0')<<3 | (s[i+3] - '0'))
			i += 3
			continue
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

func octal(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '7' {
			return false
		}
	}
	return true
}

// below returns the mount points strictly inside dir.
func (t mountTable) below(dir string) []string {
	var found []string
	for _, point := range t {
		if within(point, dir) && point != dir {
			found = append(found, point)
		}
	}
	return found
}

// within reports whether path is dir or something inside it; both are absolute and clean.
func within(path, dir string) bool {
	return path == dir || dir == "/" || strings.HasPrefix(path, dir) && path[len(dir)] == '/'
}
