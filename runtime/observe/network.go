package observe

import (
	"encoding/hex"
	"os"
	"slices"
	"strconv"
	"strings"
)

// interfaces are the names in /proc/PID/net/dev, after its two header lines.
func interfaces(dir string) []string {
	content, _ := os.ReadFile(dir + "/net/dev")
	var list []string
	for _, line := range strings.Split(string(content), "\n") {
		if name, _, ok := strings.Cut(line, ":"); ok {
			list = append(list, strings.TrimSpace(name))
		}
	}
	slices.Sort(list)
	return list
}

// addresses are a network namespace's own.
func addresses(dir string) []string {
	four, _ := os.ReadFile(dir + "/net/fib_trie")
	six, _ := os.ReadFile(dir + "/net/if_inet6")
	return append(localIPv4(string(four)), localIPv6(string(six))...)
}

// localIPv4 finds the leaves of the routing tree that are local addresses:
// "|-- 127.0.0.1" followed by "/32 host LOCAL".
func localIPv4(trie string) []string {
	var list []string
	leaf := ""
	for _, line := range strings.Split(trie, "\n") {
		line = strings.TrimSpace(line)
		if address, ok := strings.CutPrefix(line, "|-- "); ok {
			leaf = address
		}
		if strings.HasPrefix(line, "/32 host LOCAL") && !slices.Contains(list, leaf) {
			list = append(list, leaf)
		}
	}
	return list
}

// localIPv6 reads the addresses of if_inet6: 32 hexadecimal digits, first on
// each line.
func localIPv6(table string) []string {
	var list []string
	for _, line := range strings.Split(table, "\n") {
		digits, _, _ := strings.Cut(line, " ")
		if raw, err := hex.DecodeString(digits); err == nil && len(raw) == 16 {
			list = append(list, ipv6(raw))
		}
	}
	return list
}

// ipv6 writes an address as RFC 5952 does: the longest run of zero groups is "::".
func ipv6(raw []byte) string {
	var groups [8]uint64
	for i := range groups {
		groups[i] = uint64(raw[2*i])<<8 | uint64(raw[2*i+1])
	}
	start, length := longestZeros(groups)
	var out strings.Builder
	for i := 0; i < len(groups); i++ {
		if i == start && length > 1 {
			out.WriteString("::")
			i += length - 1
			continue
		}
		if i > 0 && !(length > 1 && i == start+length) {
			out.WriteByte(':')
		}
		out.WriteString(strconv.FormatUint(groups[i], 16))
	}
	return out.String()
}

func longestZeros(groups [8]uint64) (start, length int) {
	run := 0
	for i, g := range groups {
		if g != 0 {
			run = 0
			continue
		}
		if run++; run > length {
			start, length = i-run+1, run
		}
	}
	return start, length
}
