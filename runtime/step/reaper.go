package step

import (
	"encoding/json"
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"unsafe"

	"aquarium/runtime/fork"
	"aquarium/runtime/kernel"
)

// ReaperName is argv[0] of a reaper; package reexec takes over by it. What the
// program is called with follows.
const ReaperName = "aquarium-reaper"

// Reaper is this binary once more, as PID 1 of a sandbox that asks for it: it
// starts the program, collects processes whose parents have ended, passes
// signals on, and ends with the program's status. It never returns.
//
// Init has become it by an exec, when all confinement was done: every thread of
// it has the program's rights, and no more. Its environment is the program's.
func Reaper() {
	kernel.SetName(ReaperName)
	kernel.Prctl(kernel.PR_SET_DUMPABLE, 0)
	syscall.CloseOnExec(initSocket)
	runtime.GOMAXPROCS(1)
	signals := make(chan os.Signal, 64)
	signal.Notify(signals)
	program := Exec{Argv: os.Args[1:], Env: os.Environ()}
	process, err := program.start()
	if err != nil {
		tellFailure(&program, err)
		os.Exit(initFailed)
	}
	go pass(signals, process)
	// The program alone decides when its output ends. The socket is the last:
	// from here on the supervisor knows that the program runs.
	for fd := range initSocket + 1 {
		syscall.Close(fd)
	}
	os.Exit(reap(process.Pid))
}

// start runs the program in a child.
func (e *Exec) start() (process *os.Process, err error) {
	fork.RestoreFileLimit() // as an exec by package syscall does
	err = e.run(e.Env, func(path string, argv, env []string) (err error) {
		process, err = startChild(path, argv, env)
		return err
	})
	return process, err
}

// tellFailure reports to the supervisor why the program does not run.
func tellFailure(e *Exec, err error) {
	explain(e, err)
	var w World
	final := w.event(0, err, 0)
	if message, err := json.Marshal(report{Final: &final}); err == nil {
		syscall.SendmsgN(initSocket, message, nil, nil, syscall.MSG_NOSIGNAL)
	}
}

// startChild runs a program in a child, which waits until it has the
// terminal's foreground. The error is that of its execve, if it was that one.
func startChild(path string, argv, env []string) (*os.Process, error) {
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	defer writer.Close()
	p := fork.Waiting(int(reader.Fd()), int(writer.Fd()))
	p.Add(fork.MustWork, pdeathsig.String(), syscall.SYS_PRCTL, kernel.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL))
	p.Add(fork.MustWork, "execve", syscall.SYS_EXECVE, p.Text(path), p.Vector(argv), p.Vector(env))
	child, err := p.Start(0)
	if err != nil {
		return nil, refusal(err)
	}
	if err := lead(child.PID); err != nil {
		child.Kill()
		return nil, err
	}
	if _, err := writer.Write([]byte{0}); err != nil {
		child.Kill()
		return nil, err
	}
	process, err := child.Process()
	return process, refusal(err)
}

// lead gives a child a process group and, where there is a terminal, its
// foreground.
func lead(pid int) error {
	if err := syscall.Setpgid(pid, pid); err != nil {
		return failed(setGroup, err)
	}
	group := int32(pid)
	// For the second directory of PATH this process is not in the foreground any
	// more, and would be stopped for asking.
	err := kernel.Blocked(syscall.SIGTTOU, func() error {
		return kernel.Ioctl(0, syscall.TIOCSPGRP, uintptr(unsafe.Pointer(&group)))
	})
	if err == syscall.ENOTTY || err == syscall.EBADF {
		return nil // a pipe, or nothing
	}
	return failed(foreground, err)
}

// refusal is the errno of an execve that package fork tells of, and another
// call's error in full; nil stays nil.
func refusal(err error) error {
	var refused *fork.Refused
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Call == "execve":
		return refused.Errno
	}
	return &CallError{Call: refused.Call, Errno: refused.Errno, Detail: refused.Detail}
}

// pass passes signals on to the program, by its pidfd: once it is collected its
// number may be another's.
func pass(signals <-chan os.Signal, program *os.Process) {
	for received := range signals {
		if number := received.(syscall.Signal); !own(number) {
			program.Signal(number)
		}
	}
}

// own tells whether a signal is about the reaper itself.
func own(number syscall.Signal) bool {
	switch number {
	case syscall.SIGCHLD, syscall.SIGURG, // Go interrupts itself by this one
		syscall.SIGTTIN, syscall.SIGTTOU, syscall.SIGPIPE:
		return true
	}
	return false
}

// reap collects every child that ends, until the program has; its exit status
// is 128 and the signal that ended it, as a shell has it.
func reap(program int) int {
	const bySignal = 128
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return initFailed // no child at all
		case pid == program && status.Signaled():
			return bySignal + int(status.Signal())
		case pid == program && status.Exited():
			return status.ExitStatus()
		}
	}
}
