package inspect

import (
	"strconv"
	"strings"
	"time"
)

// ticks is USER_HZ, the unit of times in /proc/PID/stat: 100 on every
// architecture that Linux runs on today, whatever the kernel's own HZ.
const ticks = 100

// stat is what proc_pid_stat(5) tells.
type stat struct {
	pid     int
	name    string // of the thread, at most 15 bytes, and anything
	state   byte
	parent  int
	flags   uint64 // PF_* of the kernel
	cpu     time.Duration
	threads int
	start   uint64 // clock ticks after boot
	rss     uint64 // pages
}

const (
	zombie          = 'Z'
	flagKernThread  = 0x00200000 // PF_KTHREAD
	fieldsAfterName = 22         // to rss, of proc_pid_stat(5)
)

func (t *Target) stat() (stat, error) {
	content, _, err := readAt(t.dir, "stat", mostText)
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(content))
}

// parseStat reads /proc/PID/stat. The name is in parentheses and may itself
// hold parentheses, blanks and line ends: the last parenthesis ends it.
func parseStat(text string) (stat, error) {
	var st stat
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 1 || end < open {
		return st, errFormat
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	fields := strings.Fields(text[end+1:])
	if err != nil || len(fields) < fieldsAfterName || len(fields[0]) != 1 {
		return st, errFormat
	}
	st.pid, st.name, st.state = pid, text[open+1:end], fields[0][0]
	numbers := numberReader{fields: fields}
	st.parent = int(numbers.signed(1))
	st.flags = numbers.unsigned(6)
	st.cpu = time.Duration(numbers.unsigned(11)+numbers.unsigned(12)) * (time.Second / ticks)
	st.threads = int(numbers.signed(17))
	st.start = numbers.unsigned(19)
	st.rss = numbers.unsigned(21)
	return st, numbers.err
}

// numberReader reads numbers out of fields, and keeps the first error.
type numberReader struct {
	fields []string
	err    error
}

func (r *numberReader) unsigned(i int) uint64 {
	n, err := strconv.ParseUint(r.fields[i], 10, 64)
	if err != nil {
		r.err = errFormat
	}
	return n
}

func (r *numberReader) signed(i int) int64 {
	n, err := strconv.ParseInt(r.fields[i], 10, 64)
	if err != nil {
		r.err = errFormat
	}
	return n
}

// stateWords are the states of proc_pid_stat(5) in words.
var stateWords = map[byte]string{
	'R': "running", 'S': "sleeping", 'D': "waiting for disk", 'Z': "zombie", 'T': "stopped", 't': "traced",
	'X': "dead", 'x': "dead", 'K': "wakekill", 'W': "waking", 'P': "parked", 'I': "idle",
}

func stateWord(letter byte) string {
	if word, ok := stateWords[letter]; ok {
		return word
	}
	return "state " + strconv.QuoteRune(rune(letter))
}
