// Package launch turns a sandbox's configuration into its plan: every kernel
// action of the launch, in order, each with the reason for it. Package step
// performs them.
//
// Read NewPlan from top to bottom: it is the launch.
package launch

import (
	"path/filepath"
	"syscall"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/seccomp"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
)

// NewPlan lists the steps that launch s. It asks nothing of the machine: the
// same configuration gives the same plan everywhere.
func NewPlan(s *specs.Spec) (step.Plan, error) {
	b := &builder{spec: s, root: s.Annotations[spec.AnnotationMountpoint], actor: step.InitActor}
	if _, err := spec.Groups(s); err != nil {
		return step.Plan{}, err
	}
	b.steps = append(b.steps, Opening(s)...)
	if spec.Has(s, "mnt") {
		if err := b.makeRoot(); err != nil {
			return step.Plan{}, err
		}
		if err := b.mounts(); err != nil {
			return step.Plan{}, err
		}
		b.devices()
		b.console()
		b.hidePaths()
	} else {
		b.root = s.Root.Path
		b.cgroupNamespace()
		b.hostConsole()
	}
	b.identity()
	b.sysctls()
	if err := b.interfaces(); err != nil {
		return step.Plan{}, err
	}
	b.readOnlyRoot()
	b.switchRoot()
	if err := b.confine(); err != nil {
		return step.Plan{}, err
	}
	b.program()
	return step.Plan{Steps: b.steps, Stepped: s.Annotations[spec.AnnotationStepped] == "true", Weaker: spec.Weaker(s)}, nil
}

// builder collects the steps of one plan.
type builder struct {
	spec  *specs.Spec
	root  string // where the root is put together, as the host sees it
	steps []step.Step
	actor step.Actor // of the steps that are added

	// With shifted owners:
	nextTree int
	newRoot  int            // tree
	volumes  map[string]int // trees, by destination
}

func (b *builder) add(namespace, man, why string, op step.Op) {
	b.steps = append(b.steps, step.Step{Actor: b.actor, Why: why, Man: man, Namespace: namespace, Op: op})
}

// cloneFlags gives each namespace kind its flag of clone(2).
var cloneFlags = []struct {
	kind string
	flag step.CloneFlags
}{
	{"uts", syscall.CLONE_NEWUTS}, {"pid", syscall.CLONE_NEWPID}, {"mnt", syscall.CLONE_NEWNS}, {"net", syscall.CLONE_NEWNET},
	{"ipc", syscall.CLONE_NEWIPC}, {"user", syscall.CLONE_NEWUSER}, {"cgroup", syscall.CLONE_NEWCGROUP},
}

// Opening are the supervisor's own steps, the first of a plan: init can be
// started before the rest of the plan is made.
func Opening(s *specs.Spec) []step.Step {
	var steps []step.Step
	if s.Annotations[spec.AnnotationWhatIf] == "true" {
		steps = append(steps, outer(s))
	}
	if !spec.Has(s, "pid") {
		steps = append(steps, step.Step{Actor: step.Supervisor, Man: "prctl(2)", Op: &step.Adopt{},
			Why: "Among the host's processes nothing ends with the program: what it leaves behind becomes the supervisor's, who kills it."})
	}
	cloning := clone(s)
	if made, err := spec.Groups(s); err == nil && len(made) > 0 { // NewPlan tells of an error
		steps = append(steps, groups(made, cloning.Op.(*step.Clone)))
	}
	steps = append(steps, cloning)
	if adjust := s.Process.OOMScoreAdj; adjust != nil {
		steps = append(steps, step.Step{Actor: step.Supervisor, Man: "proc_pid_oom_score_adj(5)", Op: &step.OOMScore{Adjust: *adjust},
			Why: "When memory runs out, the kernel shall end the sandbox before what launched it."})
	}
	if l, connected, err := lease(s); connected && err == nil {
		steps = append(steps, connect(l)...)
	}
	return steps
}

// outer is for a launch that may go wrong on purpose. The sandbox's own
// directory, in which the root is put together, stays writable.
func outer(s *specs.Spec) step.Step {
	op := &step.Outer{Writable: []string{filepath.Dir(s.Annotations[spec.AnnotationMountpoint])}}
	return step.Step{Actor: step.Supervisor, Man: "mount_setattr(2)", Op: op,
		Why: "WHAT IF: steps of this launch may be left out. An outer mount namespace keeps what then goes wrong from the host, whose files and devices cannot be written in it."}
}

func clone(s *specs.Spec) step.Step {
	op := &step.Clone{Title: s.Annotations[spec.AnnotationName]}
	for _, c := range cloneFlags {
		if spec.Has(s, c.kind) && !(c.kind == "cgroup" && hasGroups(s)) {
			op.Flags |= c.flag
		}
	}
	op.Map = spec.IDs(s)
	why := "Start this binary again as init: PID 1 of new namespaces, where every later step happens."
	if !spec.Has(s, "pid") {
		why = "Start this binary again as init, in new namespaces, where every later step happens. The processes are the host's."
	}
	return step.Step{Actor: step.Supervisor, Man: "clone(2)", Op: op, Why: why + whose(s)}
}

// whose says where the ids of the user namespace come from.
func whose(s *specs.Spec) string {
	ids := spec.IDs(s)
	switch {
	case !spec.Has(s, "user"):
		return ""
	case spec.Shifted(s):
		return " Its users are from a range of ids that nobody else has: its root is nobody outside."
	case ids.Helped():
		return " Its root is the user who asked, its other users are from that user's ranges in /etc/subuid and /etc/subgid."
	case s.Annotations[spec.AnnotationSingleID] != "":
		return " Its root is the user who asked, and there are no other users: " + s.Annotations[spec.AnnotationSingleID] + "."
	}
	return ""
}

// makeRoot puts the new root together.
func (b *builder) makeRoot() error {
	if !spec.Shifted(b.spec) {
		b.cgroupNamespace()
		b.privateMounts()
		return b.rootMounts()
	}
	if err := b.shiftedRoot(); err != nil {
		return err
	}
	b.cgroupNamespace()
	b.standInRoot()
	return nil
}

func (b *builder) privateMounts() {
	b.add("mnt", "mount_namespaces(7)", "The new mount namespace is a copy that still shares events with the host: cut that, so that no mount made here shows there.",
		&step.Mount{Target: "/", Flags: syscall.MS_REC | syscall.MS_PRIVATE})
}

// identity is what the sandbox is called.
func (b *builder) identity() {
	if spec.Has(b.spec, "uts") && b.spec.Hostname != "" {
		b.add("uts", "sethostname(2)", "The sandbox has a hostname of its own; the host's stays as it is.", &step.Sethostname{Name: b.spec.Hostname})
	}
}

func (b *builder) switchRoot() {
	if b.root != "." {
		b.add("", "chdir(2)", "Stand in the new root before it becomes /.", &step.Chdir{Path: b.root})
	}
	if b.spec.Annotations[spec.AnnotationRootSwitch] == string(spec.Chroot) {
		b.add("", "chroot(2)", "Change this process's idea of /. The host's root stays mounted around it: not isolation.", &step.Chroot{Path: "."})
	} else {
		b.add("mnt", "pivot_root(2)", "Make the new root the root of the mount namespace, and stack the old one on top of it.", &step.PivotRoot{NewRoot: ".", PutOld: "."})
		b.add("mnt", "umount(2)", "Detach the old root: nothing of the host's tree can be reached any more.", &step.Umount{Target: ".", Flags: syscall.MNT_DETACH})
	}
	b.add("", "chdir(2)", "Stand inside the new root.", &step.Chdir{Path: "/"})
}

// confine takes away what the program does not need.
func (b *builder) confine() error {
	p := b.spec.Process
	b.add("", "umask(2)", "Start from the usual file mode mask, not the host user's.", &step.Umask{Mask: umask(p.User)})
	if p.Capabilities != nil {
		b.add("", "capabilities(7)", "Keep only the capabilities an ordinary program needs; what leaves the bounding set never comes back.", &step.Bounding{Keep: p.Capabilities.Bounding})
	}
	b.add("", "chdir(2)", "Go where the program shall start, and check that it lies inside the root.", &step.Workdir{Path: p.Cwd})
	if limits := rlimits(p); len(limits) > 0 {
		b.add("", "getrlimit(2)", "Limit what each process may use by itself, while there is still the right to raise a limit; no core dump fills the disk.", &step.Rlimits{Limits: limits})
	}
	if !p.NoNewPrivileges {
		if err := b.filter(); err != nil { // while there is still the right to
			return err
		}
	}
	b.user()
	b.add("", "session-keyring(7)", "Start with an empty keyring: the keys of who launched this are not to be found by name.", &step.Keyring{Filtered: filtered(b.spec)})
	if p.NoNewPrivileges {
		b.add("", "prctl(2)", "From here on no set-user-ID program gives more privileges than there are.", &step.NoNewPrivs{})
		return b.filter()
	}
	return nil
}

func rlimits(p *specs.Process) []step.Rlimit {
	var limits []step.Rlimit
	for _, l := range p.Rlimits {
		limits = append(limits, step.Rlimit{Name: l.Type, Soft: l.Soft, Hard: l.Hard})
	}
	return limits
}

func filtered(s *specs.Spec) bool { return s.Annotations[spec.AnnotationSeccomp] != "" }

// filter comes last but for the program: the steps before it make calls that
// it refuses.
func (b *builder) filter() error {
	if !filtered(b.spec) {
		return nil
	}
	filter, err := b.compileFilter()
	if err != nil {
		return err
	}
	b.add("", "seccomp(2)", "Refuse the system calls that an ordinary program never makes and an attacker likes best.", &step.Seccomp{Profile: b.spec.Annotations[spec.AnnotationSeccomp], Filter: filter})
	return nil
}

func (b *builder) compileFilter() ([]byte, error) {
	if b.spec.Annotations[spec.AnnotationSeccomp] == spec.SeccompBundle {
		return seccomp.Compile(b.spec.Linux.Seccomp)
	}
	var bounding []string
	if c := b.spec.Process.Capabilities; c != nil {
		bounding = c.Bounding
	}
	return seccomp.Default(bounding)
}

// singleID tells whether one group is all there is: setgroups(2) is denied.
func singleID(s *specs.Spec) bool { return spec.Has(s, "user") && spec.IDs(s).Single() }

func (b *builder) program() {
	p := b.spec.Process
	if b.spec.Annotations[spec.AnnotationInit] == "true" {
		b.add("", "pid_namespaces(7)", "Start the program as a child, and stay as PID 1: a reaper of Aquarium's own collects the processes whose parents have ended, passes signals on, and ends as the program does.",
			&step.Reap{Exec: step.Exec{Argv: p.Args, Env: p.Env}, Terminal: p.Terminal, Adopt: !spec.Has(b.spec, "pid")})
		return
	}
	b.add("", "execve(2)", "Replace init by the program, which keeps its PID 1 and everything made so far.", &step.Exec{Argv: p.Args, Env: p.Env})
}
