package tui

import (
	"fmt"
	"path/filepath"
	"strconv"
	"strings"

	"aquarium/runtime/spec"
)

// launchFields are the flags of `aquarium run`.
func launchFields() []field {
	return []field{
		wordsField("Command", "", "program and arguments; empty is the rootfs's own, or its shell", func(o *spec.Options) *[]string { return &o.Command }),
		textField("Name", "--name", "empty lets one be made up", func(o *spec.Options) *string { return &o.Name }),
		toggleField("Remove", "--rm", "delete the sandbox and what it wrote when it stops", false, func(o *spec.Options) *bool { return &o.Remove }),
		toggleField("Step", "--step", "halt before each kernel call, and show what the kernel then knows", false, func(o *spec.Options) *bool { return &o.Stepped }),
		toggleField("What if", "--what-if", "with Step: steps may be left out; needs root", false, func(o *spec.Options) *bool { return &o.WhatIf }),
		toggleField("Terminal", "-t", "give the program a terminal; otherwise three pipes", true, func(o *spec.Options) *bool { return &o.TTY }),
		toggleField("Input", "-i", "keep standard input open", true, func(o *spec.Options) *bool { return &o.Interactive }),
		textField("User", "-u", "USER[:GROUP], names of the sandbox or numbers", func(o *spec.Options) *string { return &o.User }),
		textField("Directory", "-w", "where the program starts", func(o *spec.Options) *string { return &o.Workdir }),
		wordsField("Environment", "-e", "NAME=VALUE, several with spaces between", func(o *spec.Options) *[]string { return &o.Env }),
		volumesField(),
		toggleField("Read-only", "--read-only", "nothing below / can be written", false, func(o *spec.Options) *bool { return &o.ReadOnly }),
		toggleField("Writable", "--writable", "write into the rootfs itself, not into a layer", false, func(o *spec.Options) *bool { return &o.Writable }),
		parsedField("Memory", "--memory", "no more than that, swap included: 64M, 1.5G", spec.ParseSize, func(o *spec.Options) *int64 { return &o.Memory }),
		parsedField("CPUs", "--cpus", "no more than the time of that many processors: 0.5, 2", parseCPUs, func(o *spec.Options) *float64 { return &o.CPUs }),
		parsedField("Pids", "--pids", fmt.Sprintf("no more processes and threads; %d is no limit, empty is %d", spec.NoLimit, spec.DefaultPids), parsePids, func(o *spec.Options) *int64 { return &o.Pids }),
		wordsField("Ulimits", "--ulimit", "what each process may use: nofile=1024:4096, several with spaces between", func(o *spec.Options) *[]string { return &o.Ulimits }),
		parsedField("Scrollback", "--scrollback", "how much of its output is kept: 64K, 16M; empty is 4M", spec.ParseSize, func(o *spec.Options) *int64 { return &o.Scrollback }),
		textField("Hostname", "--hostname", "empty is the name", func(o *spec.Options) *string { return &o.Hostname }),
		choiceField("Network", "--network", "bridge: an address of its own, and out through the host's", networks, func(o *spec.Options, at int) { o.Network = spec.Network(networks[at]) }),
		namesField("Share", "--share", "the host's namespaces to keep: "+strings.Join(spec.Namespaces, " "), func(o *spec.Options) *[]string { return &o.Share }),
		choiceField("User ids", "--userns", "whose they are; usual is the host's for root, own ones for others", userNamespaces, func(o *spec.Options, at int) {
			o.UserNS = []spec.UserNS{spec.UserNSDefault, spec.UserNSHost, spec.UserNSAuto, spec.UserNSSingle}[at]
		}),
		namesField("Add caps", "--cap-add", "capabilities to add to the usual ones, or ALL", func(o *spec.Options) *[]string { return &o.CapAdd }),
		namesField("Drop caps", "--cap-drop", "capabilities to drop, or ALL", func(o *spec.Options) *[]string { return &o.CapDrop }),
		toggleField("No filter", "--security-opt", "seccomp=unconfined: make no system call filter", false, func(o *spec.Options) *bool { return &o.Unconfined }),
		choiceField("Root switch", "--root-switch", "chroot is for teaching: it is not isolation", rootSwitches, func(o *spec.Options, at int) { o.RootSwitch = spec.RootSwitch(rootSwitches[at]) }),
		toggleField("Reaper", "--init", "a reaper is PID 1, and the program its child", false, func(o *spec.Options) *bool { return &o.Init }),
		toggleField("No /proc", "--no-proc", "do not mount /proc", false, func(o *spec.Options) *bool { return &o.NoProc }),
	}
}

// volumesField takes sources as shells and the command line do: from the
// working directory, and from ~.
func volumesField() field {
	f := wordsField("Volumes", "-v", "SRC:DST[:ro], several with spaces between", func(o *spec.Options) *[]string { return &o.Volumes })
	line := f.edit.(*textEditor)
	f.edit = &pathEditor{editor: line, line: &line.input, begins: lastSource}
	store := f.store
	f.store = func(o *spec.Options) error {
		err := store(o)
		for i, volume := range o.Volumes {
			o.Volumes[i] = absoluteSource(volume)
		}
		return err
	}
	return f
}

// absoluteSource is a volume with a source that does not depend on where
// Aquarium was started.
func absoluteSource(volume string) string {
	source, rest, ok := strings.Cut(volume, ":")
	if source = expandHome(source); !ok || source[:min(1, len(source))] != "." && !strings.Contains(source, "/") {
		return volume
	}
	if absolute, err := filepath.Abs(source); err == nil {
		source = absolute
	}
	return source + ":" + rest
}

// lastSource is where the last volume begins, as long as that is a path.
func lastSource(volumes string) int {
	last := strings.LastIndexByte(volumes, ' ') + 1
	if strings.ContainsAny(volumes[last:], `:'"\`) {
		return -1
	}
	return last
}

// Choices, the usual one first.
var (
	networks       = []string{string(spec.NoNetwork), string(spec.BridgeNetwork), string(spec.HostNetwork)}
	userNamespaces = []string{"usual", string(spec.UserNSHost), string(spec.UserNSAuto), string(spec.UserNSSingle)}
	rootSwitches   = []string{string(spec.PivotRoot), string(spec.Chroot)}
)

func parseCPUs(text string) (float64, error) {
	n, err := strconv.ParseFloat(text, 64)
	if err != nil {
		err = &spec.Refusal{What: fmt.Sprintf("processors %.40q: not a number", text), Way: "1.5 is one and a half"}
	}
	return n, err
}

func parsePids(text string) (int64, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		err = &spec.Refusal{What: fmt.Sprintf("processes %.40q: not a number", text), Way: fmt.Sprintf("%d is no limit", spec.NoLimit)}
	}
	return n, err
}
