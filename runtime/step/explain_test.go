package step

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"aquarium/runtime/kernel"
	"aquarium/runtime/userns"
)

// Namespaces of scenarios.
const (
	mountsOnly = syscall.CLONE_NEWNS
	withPID    = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID
)

// TestExplanations provokes each refusal for real and checks the evidence.
func TestExplanations(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		scenario string
		who      []as
		errno    syscall.Errno
		detail   []string // words of it
	}{
		{"pivot to a plain directory", players(mountsOnly), syscall.EINVAL, []string{"/new\" is not a mount point"}},
		{"pivot below a shared mount", players(mountsOnly), syscall.EINVAL, []string{"that the new root is mounted in is shared (shared:"}},
		{"pivot with the old root outside", players(mountsOnly), syscall.EINVAL, []string{"/elsewhere\", is not below the new one"}},
		{"pivot to the root itself", rootOnly(mountsOnly), syscall.EBUSY, []string{"on the same mount as the current root"}},
		{"pivot in a chroot", players(mountsOnly), syscall.EINVAL, []string{"this process is in a chroot"}},
		{"pivot without the capability", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SYS_ADMIN is missing"}},
		{"chroot without the capability", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SYS_CHROOT is missing"}},

		{"mount proc under a cover", []as{{flags: withPID, user: true}}, syscall.EPERM, []string{"may not uncover", "/proc/version"}},
		{"mount without the capability", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SYS_ADMIN is missing"}},
		{"bind what is missing", players(mountsOnly), syscall.ENOENT, []string{"the source", "/nowhere\" does not exist"}},
		{"mount on what is missing", players(mountsOnly), syscall.ENOENT, []string{"the mount point", "/nowhere\" does not exist"}},
		{"mount point in a read-only tree", players(mountsOnly), syscall.EROFS, []string{"/point does not exist in the rootfs", "read-only"}},
		{"mount an unknown filesystem", players(mountsOnly), syscall.ENODEV, []string{`no filesystem "aquariumfs"`}},
		{"overlay on overlay", rootOnly(mountsOnly), syscall.EINVAL, []string{"is itself on overlay"}},
		{"a fake null device to show", players(mountsOnly), syscall.ENODEV, []string{"not the device of that name"}},
		{"a fake null device to hide with", players(mountsOnly), syscall.ENODEV, []string{"not the device of that name"}},

		{"clone without the capability", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SYS_ADMIN is missing"}},
		{"clone with somebody else's id", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SETUID is missing, so only the line"}},
		{"clone in a chroot", players(mountsOnly), syscall.EPERM, []string{"this process is in a chroot"}},
		{"clone under a filter", players(mountsOnly), syscall.EPERM, []string{"a seccomp filter is in force"}},
		{"clone beyond the limit", []as{{flags: mountsOnly, user: true}}, syscall.ENOSPC, []string{"user.max_uts_namespaces is 0"}},
		{"clone where user namespaces are forbidden", []as{{flags: mountsOnly, user: true}}, syscall.ENOSPC, []string{"user.max_user_namespaces is 0"}},
		{"clone where Debian's sysctl forbids it", []as{{flags: mountsOnly, user: true}}, syscall.EPERM, []string{"kernel.unprivileged_userns_clone is 0"}},
		{"clone where AppArmor forbids it", []as{{flags: mountsOnly, user: true}}, syscall.EPERM, []string{"kernel.apparmor_restrict_unprivileged_userns is 1"}},
		{"mount where AppArmor has taken the capabilities", []as{{flags: mountsOnly, user: true}}, syscall.EPERM, []string{"CAP_SYS_ADMIN is missing: kernel.apparmor_restrict_unprivileged_userns is 1"}},
		{"clone after the first process has gone", players(0), syscall.ENOMEM, []string{"the first process of pid:[", "has ended"}},

		{"setgroups where it is denied", []as{{user: true}}, syscall.EPERM, []string{"setgroups is deny"}},
		{"become a user that is not mapped", []as{{user: true}}, syscall.EINVAL, []string{"its gid_map is 0 ", " 1 (inside"}},
		{"become another user without the capability", []as{{drop: true}}, syscall.EPERM, []string{"CAP_SETGID is missing"}},

		{"exec a script without its interpreter", []as{{}}, syscall.ENOENT, []string{`#! line "/no/such/shell" does not exist`}},
		{"exec a script of a script without its interpreter", []as{{}}, syscall.ENOENT, []string{"/inner", `#! line "/no/such/shell" does not exist`}},
		{"exec a program without its ELF interpreter", []as{{}}, syscall.ENOENT, []string{`its ELF interpreter "/no/such/ld.so" does not exist`}},
		{"exec a dangling symlink", []as{{}}, syscall.ENOENT, []string{`a symlink to "/no/such/program"`}},
		{"exec what is missing", []as{{}}, syscall.ENOENT, []string{`/such" does not exist in the sandbox`}},
		{"exec in a directory that is missing", []as{{}}, syscall.ENOENT, []string{`/no" does not exist`}},
		{"exec a directory", []as{{}}, syscall.EACCES, []string{"it is a directory"}},
		{"exec without the x bit", []as{{}}, syscall.EACCES, []string{"it has no x bit: its mode is 0644"}},
		{"exec what is for others", []as{{drop: true}}, syscall.EACCES, []string{"does not let user", "execute it"}},
		{"exec on a noexec mount", players(mountsOnly), syscall.EACCES, []string{"the mount at", "is noexec"}},
		{"exec for another machine", []as{{}}, syscall.ENOEXEC, []string{"a program for RISC-V, and this machine is " + machineName()}},
		{"exec for a big-endian machine", []as{{}}, syscall.ENOEXEC, []string{"big-endian"}},
		{"exec a text", []as{{}}, syscall.ENOEXEC, []string{"neither an ELF program nor a script"}},
		{"exec an empty file", []as{{}}, syscall.ENOEXEC, []string{"the file is empty"}},
	} {
		for _, who := range c.who {
			t.Run(c.scenario+"/"+who.name, func(t *testing.T) {
				t.Parallel()
				o := play(t, c.scenario, who)
				if o.Errno != c.errno || !has(o.Detail, c.detail...) {
					t.Errorf("%s: %s (%s); want %s and %q", o.Call, ErrnoName(int(o.Errno)), o.Detail, ErrnoName(int(c.errno)), c.detail)
				}
			})
		}
	}
}

func rootOnly(flags uintptr) []as {
	if os.Geteuid() == 0 {
		return []as{{name: "root", flags: flags}}
	}
	return nil
}

// scenarios prepare a refusal in dir and return the operation that meets it.
// fakeNull covers /dev/null, in this mount namespace.
func fakeNull(dir string) error {
	return errors.Join(os.WriteFile(dir+"/fake", nil, 0o666),
		(&Mount{Target: "/", Flags: syscall.MS_REC | syscall.MS_PRIVATE}).Do(nil),
		(&Mount{Source: dir + "/fake", Target: "/dev/null", Flags: syscall.MS_BIND}).Do(nil))
}

var scenarios = map[string]func(dir string) (Op, error){
	"pivot to a plain directory": func(dir string) (Op, error) {
		return &PivotRoot{dir + "/new", dir + "/new"}, errors.Join(private(), tmpfs(dir, 0), os.Mkdir(dir+"/new", 0o755))
	},
	"pivot below a shared mount": func(dir string) (Op, error) {
		err := errors.Join(private(), tmpfs(dir, 0), os.Mkdir(dir+"/new", 0o755), bind(dir+"/new", dir+"/new"),
			syscall.Mount("", dir, "", syscall.MS_SHARED, ""))
		return &PivotRoot{dir + "/new", dir + "/new"}, err
	},
	"pivot with the old root outside": func(dir string) (Op, error) {
		err := errors.Join(private(), tmpfs(dir, 0), os.Mkdir(dir+"/new", 0o755), os.Mkdir(dir+"/elsewhere", 0o755), bind(dir+"/new", dir+"/new"))
		return &PivotRoot{dir + "/new", dir + "/elsewhere"}, err
	},
	"pivot to the root itself": func(string) (Op, error) { return &PivotRoot{"/", "/"}, private() },
	"pivot in a chroot": func(dir string) (Op, error) {
		return &PivotRoot{"/new", "/new"}, errors.Join(private(), chrooted(dir))
	},
	"pivot without the capability":  func(dir string) (Op, error) { return &PivotRoot{dir, dir}, nil },
	"chroot without the capability": func(dir string) (Op, error) { return &Chroot{dir}, nil },

	"mount proc under a cover": func(dir string) (Op, error) {
		// The cover has to be of an outer namespace: one more child.
		if err := errors.Join(private(), syscall.Mount("proc", "/proc", "proc", 0, ""), bind("/dev/null", "/proc/version")); err != nil {
			return nil, err
		}
		inner := child("mount proc", dir, as{flags: withPID, user: true})
		inner.Stdout = os.Stdout
		return nil, inner.Run()
	},
	"mount proc": func(dir string) (Op, error) {
		return &Mount{Source: "proc", Target: dir, Type: "proc"}, private()
	},
	"mount without the capability": func(dir string) (Op, error) {
		return &Mount{Source: "tmpfs", Target: dir, Type: "tmpfs"}, nil
	},
	"bind what is missing": func(dir string) (Op, error) {
		return &Mount{Source: dir + "/nowhere/at/all", Target: dir, Flags: syscall.MS_BIND}, private()
	},
	"mount on what is missing": func(dir string) (Op, error) {
		return &Mount{Source: "tmpfs", Target: dir + "/nowhere", Type: "tmpfs"}, private()
	},
	"mount point in a read-only tree": func(dir string) (Op, error) {
		return &Mount{Source: "tmpfs", Root: dir, Target: "/point", Type: "tmpfs", Create: "dir"}, errors.Join(private(), tmpfs(dir, syscall.MS_RDONLY))
	},
	"mount an unknown filesystem": func(dir string) (Op, error) {
		return &Mount{Source: "a", Target: dir, Type: "aquariumfs"}, private()
	},
	"overlay on overlay": func(dir string) (Op, error) {
		if err := errors.Join(private(), tmpfs(dir, 0)); err != nil {
			return nil, err
		}
		for _, sub := range []string{"lower", "upper", "work", "merged", "again"} {
			if err := os.Mkdir(filepath.Join(dir, sub), 0o755); err != nil {
				return nil, err
			}
		}
		first := "lowerdir=" + dir + "/lower,upperdir=" + dir + "/upper,workdir=" + dir + "/work"
		err := syscall.Mount("overlay", dir+"/merged", "overlay", 0, first)
		err = errors.Join(err, os.Mkdir(dir+"/merged/u", 0o755), os.Mkdir(dir+"/merged/w", 0o755))
		return &Mount{Source: "overlay", Target: dir + "/again", Type: "overlay", Data: "lowerdir=" + dir + "/lower,upperdir=" + dir + "/merged/u,workdir=" + dir + "/merged/w"}, err
	},
	// CVE-2025-31133: what hides a path must be the null device itself, or what
	// was to be hidden could be written through it.
	"a fake null device to show": func(dir string) (Op, error) {
		return &BindDevices{Root: dir, Dir: "/dev", Devices: []Device{nullDevice}}, fakeNull(dir)
	},
	"a fake null device to hide with": func(dir string) (Op, error) {
		return &Mask{Root: dir, Target: "/secret"}, errors.Join(os.WriteFile(dir+"/secret", nil, 0o644), fakeNull(dir))
	},

	"clone without the capability": func(string) (Op, error) { return &Clone{Flags: syscall.CLONE_NEWUTS}, nil },
	"clone with somebody else's id": func(string) (Op, error) {
		return &Clone{Flags: syscall.CLONE_NEWUSER, Map: userns.Map{
			UIDs: []userns.IDMap{{Inside: 0, Outside: os.Getuid() + 1, Count: 1}}, GIDs: []userns.IDMap{{Inside: 0, Outside: os.Getgid(), Count: 1}}}}, nil
	},
	"clone in a chroot": func(dir string) (Op, error) {
		return &Clone{Flags: syscall.CLONE_NEWUSER}, errors.Join(private(), chrooted(dir))
	},
	"clone under a filter": func(string) (Op, error) {
		filter := &Seccomp{Profile: "test", Filter: refuseUserNamespaces()}
		return &Clone{Flags: syscall.CLONE_NEWUSER}, errors.Join((&NoNewPrivs{}).Do(nil), filter.Do(nil))
	},
	"clone beyond the limit": func(string) (Op, error) {
		return &Clone{Flags: syscall.CLONE_NEWUTS}, os.WriteFile("/proc/sys/user/max_uts_namespaces", []byte("0"), 0)
	},
	"clone where user namespaces are forbidden": func(string) (Op, error) {
		return &Clone{Flags: syscall.CLONE_NEWUSER}, os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0)
	},
	"clone where Debian's sysctl forbids it": func(dir string) (Op, error) {
		return forbiddenClone(dir, "kernel/unprivileged_userns_clone", "0")
	},
	"clone where AppArmor forbids it": func(dir string) (Op, error) {
		return forbiddenClone(dir, "kernel/apparmor_restrict_unprivileged_userns", "1")
	},
	"mount where AppArmor has taken the capabilities": func(dir string) (Op, error) {
		err := fabricated(dir, "kernel/apparmor_restrict_unprivileged_userns", "1")
		return &Mount{Source: "tmpfs", Target: dir, Type: "tmpfs"}, errors.Join(err, kernel.Capset(0, 0, 0))
	},
	"clone after the first process has gone": func(dir string) (Op, error) {
		// One child before: package os forks once by itself, to see what the
		// kernel can do, and that must not be the namespace's first process.
		before := child("end", dir, as{}).Run()
		return &Clone{}, errors.Join(before, syscall.Unshare(syscall.CLONE_NEWPID), child("end", dir, as{}).Run())
	},

	"setgroups where it is denied":     func(string) (Op, error) { return &User{Spec: "0:0"}, nil },
	"become a user that is not mapped": func(string) (Op, error) { return &User{Spec: "5:5", Ungrouped: true}, nil },
	"become another user without the capability": func(string) (Op, error) {
		return &User{Spec: "5:5", Ungrouped: true}, nil
	},

	"exec a script without its interpreter": execOf([]byte("#! /no/such/shell -e\n"), 0o755),
	"exec a script of a script without its interpreter": func(dir string) (Op, error) {
		err := os.WriteFile(dir+"/inner", []byte("#!/no/such/shell\n"), 0o755)
		op, err2 := execOf([]byte("#!"+dir+"/inner\n"), 0o755)(dir)
		return op, errors.Join(err, err2)
	},
	"exec a program without its ELF interpreter": execOf(program(ownMachine(), "/no/such/ld.so"), 0o755),
	"exec a dangling symlink": func(dir string) (Op, error) {
		return &Exec{Argv: []string{dir + "/program"}}, os.Symlink("/no/such/program", dir+"/program")
	},
	"exec what is missing":                func(dir string) (Op, error) { return &Exec{Argv: []string{dir + "/such"}}, nil },
	"exec in a directory that is missing": func(dir string) (Op, error) { return &Exec{Argv: []string{dir + "/no/such"}}, nil },
	"exec a directory":                    func(dir string) (Op, error) { return &Exec{Argv: []string{dir}}, nil },
	"exec without the x bit":              execOf([]byte("#!/bin/sh\n"), 0o644),
	"exec what is for others":             execOf([]byte("#!/bin/sh\n"), 0o655), // its owner may not
	"exec on a noexec mount": func(dir string) (Op, error) {
		if err := errors.Join(private(), tmpfs(dir, syscall.MS_NOEXEC)); err != nil {
			return nil, err
		}
		return execOf([]byte("#!/bin/sh\n"), 0o755)(dir)
	},
	"exec for another machine":      execOf(program(243, ""), 0o755),
	"exec for a big-endian machine": execOf(bigEndian(), 0o755),
	"exec a text":                   execOf([]byte("neither a program nor a script\n"), 0o755),
	"exec an empty file":            execOf(nil, 0o755),
}

// fabricated puts a tree with one file over /proc/sys, as a kernel has it that
// knows a sysctl which this one may not know.
func fabricated(dir, sysctl, value string) error {
	tree := dir + "/sys"
	path := filepath.Join(tree, sysctl)
	return errors.Join(private(), os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(value+"\n"), 0o644), bind(tree, "/proc/sys"))
}

// forbiddenClone is refused as a kernel with that sysctl refuses it; a filter
// plays the kernel.
func forbiddenClone(dir, sysctl, value string) (Op, error) {
	filter := &Seccomp{Profile: "test", Filter: refuseUserNamespaces()}
	return &Clone{Flags: syscall.CLONE_NEWUSER}, errors.Join(fabricated(dir, sysctl, value), (&NoNewPrivs{}).Do(nil), filter.Do(nil))
}

func private() error { return syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, "") }

func tmpfs(dir string, flags uintptr) error {
	return syscall.Mount("tmpfs", dir, "tmpfs", flags, "mode=777")
}

func bind(source, target string) error {
	return syscall.Mount(source, target, "", syscall.MS_BIND, "")
}

// chrooted makes dir, which is no mount point, the root: with a /proc to find
// evidence in and a mount at /new.
func chrooted(dir string) error {
	return errors.Join(os.Mkdir(dir+"/proc", 0o755), os.Mkdir(dir+"/new", 0o755),
		syscall.Mount("/proc", dir+"/proc", "", syscall.MS_BIND|syscall.MS_REC, ""), tmpfs(dir+"/new", 0),
		syscall.Chroot(dir), os.Chdir("/"))
}

// execOf runs a file with that content.
func execOf(content []byte, mode os.FileMode) func(string) (Op, error) {
	return func(dir string) (Op, error) {
		path := dir + "/program"
		return &Exec{Argv: []string{path}}, errors.Join(os.WriteFile(path, content, mode), os.Chmod(path, mode))
	}
}

// program is an ELF file with nothing in it but, if given, an interpreter.
func program(machine uint16, interpreter string) []byte {
	const headerSize, phSize = 64, 56
	b := make([]byte, headerSize+phSize)
	copy(b, "\x7fELF\x02\x01\x01")
	binary.LittleEndian.PutUint16(b[16:], 2) // ET_EXEC
	binary.LittleEndian.PutUint16(b[elfMachine:], machine)
	binary.LittleEndian.PutUint32(b[20:], 1)
	binary.LittleEndian.PutUint64(b[elfPhoff:], headerSize)
	binary.LittleEndian.PutUint16(b[52:], headerSize)
	binary.LittleEndian.PutUint16(b[elfPhsize:], phSize)
	if interpreter != "" {
		binary.LittleEndian.PutUint16(b[elfPhnum:], 1)
		segment := b[headerSize:]
		binary.LittleEndian.PutUint32(segment, programInterpreter)
		binary.LittleEndian.PutUint64(segment[8:], headerSize+phSize)
		binary.LittleEndian.PutUint64(segment[32:], uint64(len(interpreter)+1))
	}
	return append(b, interpreter+"\x00"...)
}

func bigEndian() []byte {
	b := program(0, "")
	b[elfData] = elfBig
	return b
}

// refuseUserNamespaces is a filter that answers clone(CLONE_NEWUSER) with EPERM.
func refuseUserNamespaces() []byte {
	number := map[string]uint32{"amd64": 56, "arm64": 220}[runtime.GOARCH]
	var filter []byte
	for _, in := range []struct {
		code   uint16
		jt, jf uint8
		k      uint32
	}{
		{0x20, 0, 0, 0},                          // load the call's number
		{0x15, 0, 3, number},                     // not clone: allow
		{0x20, 0, 0, 16},                         // load the flags
		{0x45, 0, 1, syscall.CLONE_NEWUSER},      // none of them: allow
		{0x06, 0, 0, 0x00050000 | 1 /* EPERM */}, // SECCOMP_RET_ERRNO
		{0x06, 0, 0, 0x7fff0000},                 // SECCOMP_RET_ALLOW
	} {
		filter = binary.LittleEndian.AppendUint16(filter, in.code)
		filter = append(filter, in.jt, in.jf)
		filter = binary.LittleEndian.AppendUint32(filter, in.k)
	}
	return filter
}

// TestEvidenceOfProgramsThatRun: what works is not explained away.
func TestEvidenceOfProgramsThatRun(t *testing.T) {
	t.Parallel()
	path, err := exec.LookPath("sh")
	if err != nil {
		t.Fatal(err)
	}
	for number, explained := range map[string]string{"absent": explainAbsent(path), "forbidden": explainForbidden(path)} {
		if explained != "" {
			t.Errorf("%s is %s: %s", path, number, explained)
		}
	}
}

func FuzzInterpreterOf(f *testing.F) {
	f.Add([]byte("#!/bin/sh -e\n"))
	f.Add(program(62, "/lib64/ld-linux-x86-64.so.2"))
	f.Add(program(243, ""))
	path := filepath.Join(f.TempDir(), "program")
	f.Fuzz(func(t *testing.T, content []byte) {
		if err := os.WriteFile(path, content, 0o755); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(explainFormat(path)); got == "" {
			t.Error("nothing is said of the format")
		}
		interpreterOf(path)
	})
}
