package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aquarium/cmd/aquarium/console"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// runFlags are the flags of run: a sandbox's options, and how to look at it.
type runFlags struct {
	spec.Options
	detach, dryRun bool
	security       []string
	detachKeys     string
	bundle         string
}

func (r *runFlags) register(f *pflag.FlagSet) {
	f.SetInterspersed(false) // what follows ROOTFS is the program's
	f.SortFlags = false
	f.StringVar(&r.Name, "name", "", "`NAME` of the sandbox (default: one is made up)")
	f.BoolVarP(&r.detach, "detach", "d", false, "print the id and leave the sandbox running")
	f.BoolVar(&r.Remove, "rm", false, "delete the sandbox and what it wrote when it stops")
	f.BoolVarP(&r.TTY, "tty", "t", false, "give the program a terminal (default: where this is one)")
	f.BoolVarP(&r.Interactive, "interactive", "i", false, "pass standard input on (default: unless detached)")
	f.StringVarP(&r.User, "user", "u", "", "run as `USER[:GROUP]`, names of the sandbox or numbers")
	f.StringVarP(&r.Workdir, "workdir", "w", "", "start in `DIR`, which is made where it is missing")
	f.StringArrayVarP(&r.Env, "env", "e", nil, "set `NAME=VALUE`; NAME alone takes the value from here")
	f.StringArrayVarP(&r.Volumes, "volume", "v", nil, "show a path of the host: `SRC:DST[:ro]`")
	f.BoolVar(&r.ReadOnly, "read-only", false, "nothing below / can be written")
	f.BoolVar(&r.Writable, "writable", false, "write into the root filesystem itself, not into a layer")
	f.Var((*sizeValue)(&r.Memory), "memory", "let it use no more than `SIZE` of memory, swap included: 64M, 1.5G")
	f.Float64Var(&r.CPUs, "cpus", 0, "let it use no more than the time of `N` processors: 0.5, 2")
	f.Int64Var(&r.Pids, "pids", 0, fmt.Sprintf("let it have no more than `N` processes and threads; %d is no limit (default: %d)", spec.NoLimit, spec.DefaultPids))
	f.Var((*sizeValue)(&r.Scrollback), "scrollback", "keep `SIZE` of its output for those who attach later (default: 4M)")
	f.StringArrayVar(&r.Ulimits, "ulimit", nil, "limit what each process may use: `NAME=SOFT[:HARD]`, such as nofile=1024:4096")
	f.StringVar(&r.Hostname, "hostname", "", "`HOSTNAME` (default: the name)")
	f.StringVar((*string)(&r.Network), "network", string(spec.NoNetwork), "`NETWORK`: none (loopback only), host, or bridge (an address of its own, and out through the host's)")
	f.StringSliceVar(&r.Share, "share", nil, "keep the host's namespaces of these kinds: `NS[,NS]` of "+strings.Join(spec.Namespaces, ", "))
	f.StringVar((*string)(&r.UserNS), "userns", "", "`WHOSE` user ids: host, auto (own ones, where there are any), or single (default: root host, others auto)")
	f.StringSliceVar(&r.CapAdd, "cap-add", nil, "add a `CAPABILITY` to the usual ones, or ALL")
	f.StringSliceVar(&r.CapDrop, "cap-drop", nil, "drop a `CAPABILITY`, or ALL")
	f.StringSliceVar(&r.security, "security-opt", nil, "`OPTION`: seccomp=unconfined makes no system call filter")
	f.StringVar((*string)(&r.RootSwitch), "root-switch", string(spec.PivotRoot), "`HOW` the root becomes /: pivot_root, or chroot, which is not isolation")
	f.BoolVar(&r.Init, "init", false, "run a reaper as PID 1, and the program as its child")
	f.BoolVar(&r.NoProc, "no-proc", false, "do not mount /proc")
	f.StringVar(&r.bundle, "bundle", "", "launch the OCI bundle in `DIR`, as its config.json says; COMMAND may follow")
	f.BoolVar(&r.dryRun, "dry-run", false, "print the kernel calls of the launch, and do none of them")
	f.BoolVar(&r.WhatIf, "what-if", false, "with --step: steps may be left out; nothing of the host's can be written")
	f.BoolVar(&r.Stepped, "step", false, "halt before each kernel call, and show what the kernel then knows")
	registerDetachKeys(f, &r.detachKeys)
}

// sizeValue is a number of bytes as a flag.
type sizeValue int64

func (s *sizeValue) Set(text string) (err error) {
	n, err := spec.ParseSize(text)
	*s = sizeValue(n)
	return err
}

func (s *sizeValue) String() string {
	if *s == 0 {
		return ""
	}
	return strconv.FormatInt(int64(*s), 10)
}

func (*sizeValue) Type() string { return "SIZE" }

// prefixVariable is the environment variable with the detach prefix.
const prefixVariable = "AQUARIUM_PREFIX"

func registerDetachKeys(f *pflag.FlagSet, value *string) {
	f.StringVar(value, "detach-keys", "", "the `KEY` before d that detaches, as in ctrl-a (default: "+prefixVariable+", or ctrl-])")
}

// prefix is the detach prefix of a flag, the environment, or ours.
func prefix(flag string) (console.Prefix, error) {
	if flag == "" {
		flag = os.Getenv(prefixVariable)
	}
	if flag == "" {
		return console.DefaultPrefix, nil
	}
	p, err := console.ParsePrefix(flag)
	if err != nil {
		return 0, &spec.Refusal{What: err.Error(), Way: "write it as ctrl-a or ^A, in --detach-keys or " + prefixVariable}
	}
	return p, nil
}

// complete fills in what depends on the surroundings.
func (r *runFlags) complete(c *cobra.Command, args []string) error {
	if r.Command = args; r.bundle == "" {
		r.Rootfs, r.Command = args[0], args[1:]
	}
	terminal := console.IsTerminal(os.Stdin)
	if !c.Flags().Changed("tty") {
		r.TTY = terminal
	}
	if !c.Flags().Changed("interactive") {
		r.Interactive = terminal || !r.detach
	}
	size := console.Size(os.Stdout, os.Stdin)
	r.Cols, r.Rows = size.Cols, size.Rows
	r.Env = withValues(r.Env)
	for _, option := range r.security {
		if option != "seccomp=unconfined" {
			return &spec.Refusal{What: fmt.Sprintf("security option %q: unknown", option), Way: "there is seccomp=unconfined"}
		}
		r.Unconfined = true
	}
	var err error
	r.Volumes, err = absoluteSources(r.Volumes)
	return err
}

// withValues gives variables without a value the one they have here; those
// that have none are left out.
func withValues(env []string) []string {
	var full []string
	for _, entry := range env {
		if strings.Contains(entry, "=") {
			full = append(full, entry)
		} else if value, ok := os.LookupEnv(entry); ok {
			full = append(full, entry+"="+value)
		} else if entry == "" {
			full = append(full, entry) // refused later on, as any that has no name
		}
	}
	return full
}

// absoluteSources makes the sources of volumes that are paths absolute, and
// looks whether they are there.
func absoluteSources(volumes []string) ([]string, error) {
	var full []string
	for _, volume := range volumes {
		source, rest, two := strings.Cut(volume, ":")
		if !two {
			full = append(full, volume) // refused later on, as it is
			continue
		}
		if strings.HasPrefix(source, ".") || strings.Contains(source, "/") {
			absolute, err := filepath.Abs(source)
			if err == nil {
				_, err = os.Stat(absolute)
			}
			if err != nil {
				return nil, &sandbox.Error{What: "open volume " + source, Err: cause(err), Way: "the source is a directory or file of this machine"}
			}
			source = absolute
		}
		full = append(full, source+":"+rest)
	}
	return full, nil
}

// cause is an error without the call and the path, which the line has already.
func cause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}
