package tui

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"
)

// signalName is a signal's name as kill(1) writes it, with SIG.
func signalName(number int) string {
	if name := unix.SignalName(syscall.Signal(number)); name != "" {
		return name
	}
	return "signal " + strconv.Itoa(number)
}
