package main

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// seize waits for processes that enter the sandbox, and traces them as soon as
// they are there. It prints the capabilities, permitted and effective, of the
// first that did not run any of the programs at the paths given yet, and
// "none" when it met no such in the time (CVE-2016-9962).
func seize(arguments []string) {
	limit, err := time.ParseDuration(arguments[0])
	must(err)
	known := harmlessFiles(append(arguments[1:], "/proc/self/exe"))
	runtime.LockOSThread()
	fmt.Println("waiting")
	last := lastPID()
	for began, rounds := time.Now(), 1; time.Since(began) < limit; rounds++ {
		for pid := last + 1; pid < last+8; pid++ {
			if err := unix.PtraceSeize(pid); err != nil {
				continue
			}
			last = pid
			if unix.PtraceInterrupt(pid) == nil {
				unix.Wait4(pid, nil, unix.WALL, nil)
			}
			var stat syscall.Stat_t
			if err := syscall.Stat(fmt.Sprintf("/proc/%d/exe", pid), &stat); err == nil && !known[[2]uint64{stat.Dev, stat.Ino}] {
				report(pid)
				return
			}
			unix.PtraceDetach(pid)
		}
		if rounds%64 == 0 { // those that have come and gone
			last = max(last, lastPID())
		}
	}
	fmt.Println("none")
}

// report prints what a process may do, and ends it.
func report(pid int) {
	defer syscall.Kill(pid, syscall.SIGKILL)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	must(err)
	for line := range strings.Lines(string(status)) {
		if name, mask, ok := strings.Cut(strings.TrimSpace(line), ":\t"); ok && (name == "CapPrm" || name == "CapEff") {
			fmt.Println(name, mask)
		}
	}
}

// lastPID is the number of the newest process, see /proc/loadavg.
func lastPID() int {
	content, err := os.ReadFile("/proc/loadavg")
	must(err)
	fields := strings.Fields(string(content))
	pid, err := strconv.Atoi(fields[len(fields)-1])
	must(err)
	return pid
}
