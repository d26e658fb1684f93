package inspect

import (
	"bytes"
	"strings"
)

// command reads the command line: its arguments, or none where the process
// has no memory (a kernel thread, a zombie) or has emptied it. More tells that
// it is longer than what is read.
func (t *Target) command() (arguments []string, more bool, err error) {
	content, more, err := t.memory("cmdline", mostCommand)
	return splitCommand(content), more, err
}

// splitCommand takes /proc/PID/cmdline apart, see proc_pid_cmdline(5): each
// argument ends with NUL. Programs that write a title over it fill the rest
// with NUL, so empty arguments at the end are left out.
func splitCommand(content []byte) []string {
	content = bytes.TrimRight(content, "\x00")
	if len(content) == 0 {
		return nil
	}
	return strings.Split(string(content), "\x00")
}
