package tui

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"
	"golang.org/x/sys/unix"

	"aquarium/runtime/enter"
	"aquarium/runtime/inspect"
	"aquarium/runtime/sandbox"
)

// newProcessSignalDialog chooses a signal for one process.
func newProcessSignalDialog(t theme, p inspect.Process) *choiceDialog {
	names := make([]string, len(offered))
	for i, number := range offered {
		names[i] = signalName(int(number)) + "  " + number.String()
	}
	title := fmt.Sprintf("Signal to %d %s", p.PID, t.cut(visible(p.Command), 30))
	return newChoice(t, title, names, func(i int) decision {
		return errand(func(m *root) tea.Cmd {
			m.closeDialog()
			return signalProcess(p, offered[i])
		})
	})
}

// signalProcess sends a signal to the process that was listed, and to no
// other that may have its number by now.
func signalProcess(p inspect.Process, number syscall.Signal) tea.Cmd {
	what := fmt.Sprintf("%s sent to process %d", signalName(int(number)), p.PID)
	return request(what, func(context.Context) error {
		if err := sendSignal(p, number); err != nil {
			return &sandbox.Error{What: fmt.Sprintf("send %s to process %d (%s)", signalName(int(number)), p.PID, visible(p.Command)), Err: err}
		}
		return nil
	})
}

func sendSignal(p inspect.Process, number syscall.Signal) error {
	fd, err := unix.PidfdOpen(p.HostPID, 0)
	if err != nil {
		return goneOr(err)
	}
	defer unix.Close(fd)
	if err := stillListed(p); err != nil { // with the descriptor in hand: the number cannot change hands any more
		return err
	}
	err = unix.PidfdSendSignal(fd, number, nil, 0)
	if errors.Is(err, unix.EPERM) {
		err = signalInside(p.HostPID, fd, number)
	}
	return goneOr(err)
}

// startTolerance is how far apart two readings of one start may lie: it is
// counted from the machine's boot, which is worked out anew for each.
const startTolerance = 500 * time.Millisecond

func stillListed(p inspect.Process) error {
	target, err := inspect.New().Open(p.HostPID)
	if err != nil {
		return err
	}
	defer target.Close()
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		return err
	}
	const tick = time.Second / clockTicks
	age := time.Duration(now.Nano()) - time.Duration(target.Start)*tick
	if (time.Since(p.Started) - age).Abs() > startTolerance {
		return inspect.ErrGone
	}
	return nil
}

// signalInside signals from within the process's user namespace, where an
// ordinary user who made it has the right to.
func signalInside(pid, fd int, number syscall.Signal) error {
	target, err := enter.Open(pid)
	if err != nil {
		return err
	}
	defer target.Close()
	visit := enter.Visit{}
	for _, n := range target.Namespaces {
		if n.Kind.Name == "user" {
			visit.Namespaces = append(visit.Namespaces, n)
		}
	}
	if len(visit.Namespaces) == 0 {
		return unix.EPERM
	}
	call := visit.Call("pidfd_send_signal", unix.SYS_PIDFD_SEND_SIGNAL, uintptr(fd), uintptr(number), 0, 0)
	if err := visit.Run(); err != nil {
		return err
	}
	if call.Errno != 0 {
		return call.Errno
	}
	return nil
}

func goneOr(err error) error {
	switch {
	case errors.Is(err, unix.ESRCH):
		return inspect.ErrGone
	case errors.Is(err, unix.EPERM):
		return inspect.ErrNeedsRoot
	}
	return err
}
