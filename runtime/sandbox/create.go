package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/rootfs"
	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/userns"
	"aquarium/runtime/wire"
)

// Launch creates a sandbox and starts it. The connection is a first viewer's,
// on which Started is the next frame (before it, in a stepped launch, Before);
// WaitStarted reads up to there.
func (s *Store) Launch(o spec.Options) (Sandbox, *supervisor.Conn, error) {
	release, err := s.Catalogue.Hold() // until the sandbox's configuration says what it is made of
	if err != nil {
		return Sandbox{}, nil, err
	}
	defer release()
	root, err := s.prepare(&o)
	if err != nil {
		return Sandbox{}, nil, err
	}
	return s.create(o, func(sb *Sandbox, o spec.Options) (*specs.Spec, error) {
		if sb.IDs, err = s.allot(o, sb.ID); err != nil {
			return nil, err
		}
		config, err := s.configure(sb, o, root)
		return config, wrap("launch "+sb.Name, err)
	})
}

// create makes a sandbox of what configure describes, and starts it.
func (s *Store) create(o spec.Options, configure func(*Sandbox, spec.Options) (*specs.Spec, error)) (Sandbox, *supervisor.Conn, error) {
	id := newID()
	name, err := s.reserve(o.Name, id)
	if err != nil {
		return Sandbox{}, nil, err
	}
	sb := Sandbox{store: s, State: supervisor.State{ID: id, Name: name, Bundle: s.bundle(id)}}
	o.Name = name
	config, err := configure(&sb, o)
	if err != nil {
		s.erase(sb.State)
		return Sandbox{}, nil, err
	}
	conn, err := s.start(&sb, o, config)
	if err != nil {
		s.erase(sb.State)
		return Sandbox{}, nil, &Error{"launch " + name, err, ""}
	}
	return sb, conn, nil
}

// configure makes a new sandbox's configuration, and takes what it needs from
// the machine.
func (s *Store) configure(sb *Sandbox, o spec.Options, root rootView) (*specs.Spec, error) {
	config, err := spec.New(o, root.describe(sb.Bundle, o.Writable), s.callerFor(o, sb.IDs))
	if err == nil {
		err = s.connect(sb.ID, o, config)
	}
	if err == nil {
		err = s.limit(sb.ID, o, config)
	}
	return config, err
}

// start has a supervisor start init, makes the sandbox's directories
// meanwhile, and then hands over the plan.
func (s *Store) start(sb *Sandbox, o spec.Options, config *specs.Spec) (*supervisor.Conn, error) {
	sb.State = stateOf(sb.ID, sb.Bundle, config)
	sb.Created = time.Now().UTC()
	conn, err := supervisor.Start(supervisor.Preparation{
		Name: sb.Name, Steps: launch.Opening(config), Stepped: o.Stepped, TTY: o.TTY, Stdin: o.Interactive,
		Size:       wire.Dimensions{Cols: int(config.Process.ConsoleSize.Width), Rows: int(config.Process.ConsoleSize.Height)},
		Scrollback: o.Scrollback,
	})
	if err != nil {
		return nil, err
	}
	plan, err := launch.NewPlan(config)
	var encoded step.Encoded
	if err == nil {
		encoded, err = plan.Encode()
	}
	if err == nil {
		err = s.write(sb.State, config)
	}
	if err == nil {
		err = conn.Boot(supervisor.Boot{
			Plan: encoded, Steps: supervisorsRest(plan, config), State: sb.State, Run: s.run(sb.ID), Failed: s.failed(),
			Names: s.names(), Leases: s.leases(),
			Exec: execDefaults(config, plan), Tied: o.Tied,
		})
	}
	if err != nil {
		conn.Abandon() // the supervisor and init end with it
		return nil, err
	}
	return conn, nil
}

// supervisorsRest are the supervisor's steps that come after the opening ones:
// they need the sandbox's directories.
func supervisorsRest(plan step.Plan, config *specs.Spec) []step.Step {
	first := len(launch.Opening(config))
	last := first
	for plan.Steps[last].Actor == step.Supervisor {
		last++
	}
	return plan.Steps[first:last]
}

// Plan is what Launch would do, without doing it.
func (s *Store) Plan(o spec.Options) (step.Plan, error) {
	root, err := s.prepare(&o)
	if err != nil {
		return step.Plan{}, err
	}
	if o.Name == "" {
		o.Name = "NAME"
	}
	var ids userns.Map
	if o.UserNS == spec.UserNSAuto && caller().Privileged {
		if ids, err = s.vacant(); err != nil {
			return step.Plan{}, err
		}
	}
	config, err := spec.New(o, root.describe(s.bundle("ID"), o.Writable), s.callerFor(o, ids))
	if err != nil {
		return step.Plan{}, err
	}
	if err := s.preview(o, config); err != nil {
		return step.Plan{}, err
	}
	if _, err := placeGroups("ID", o, config); err != nil {
		return step.Plan{}, err
	}
	return launch.NewPlan(config)
}

// WaitStarted reads frames until the program runs; a launch that failed is a
// *LaunchError. A stepped launch that waits is started too, for this purpose.
func (sb Sandbox) WaitStarted(conn *supervisor.Conn) error {
	for {
		kind, payload, err := conn.Next()
		if err != nil {
			return &Error{"launch " + sb.Name, fmt.Errorf("its supervisor ended: %w", err), ""}
		}
		switch kind {
		case wire.Before:
			return nil
		case wire.Started:
			var report wire.StartedReport
			if err := json.Unmarshal(payload, &report); err != nil {
				return &Error{"launch " + sb.Name, err, ""}
			}
			if report.Error != "" {
				return &LaunchError{sb.Name, report}
			}
			return nil
		}
	}
}

// prepare checks the options, completes them from the rootfs, and finds out
// how the root is put together.
func (s *Store) prepare(o *spec.Options) (rootView, error) {
	root, err := s.check(o)
	if err != nil {
		return rootView{}, err
	}
	complete(o, root.Defaults)
	view, err := s.Catalogue.View(root, caller().Privileged)
	r := rootView{Rootfs: root, view: view}
	if err == nil && !o.Writable && root.Kind != rootfs.Host {
		r.refused = s.overlayRefused()
	}
	return r, err
}

func (s *Store) check(o *spec.Options) (rootfs.Rootfs, error) {
	if o.RootSwitch == "" {
		o.RootSwitch = spec.PivotRoot
	}
	if err := o.Check(); err != nil {
		return rootfs.Rootfs{}, err
	}
	root, err := s.Catalogue.Find(o.Rootfs)
	if err != nil {
		return root, err
	}
	if root.Problem != "" && len(o.Command) == 0 {
		return root, &Error{"launch " + rootfs.Visible(root.Name), errors.New(root.Problem), "`aquarium rootfs check` says more"}
	}
	if o.Writable && root.Kind == rootfs.Host {
		return root, &spec.Refusal{What: "launch host: the host's own / is never written", Way: "leave --writable out: the sandbox gets a layer of its own"}
	}
	if _, plain := s.Catalogue.Plain(root); o.Writable && !plain {
		return root, &spec.Refusal{What: "launch " + rootfs.Visible(root.Name) + ": it is made of layers, which are never written", Way: "leave --writable out: the sandbox gets a layer of its own, which `aquarium rootfs commit` keeps"}
	}
	if o.Init && dynamic() {
		return root, &spec.Refusal{What: "init: this build of aquarium needs libraries, which are not in the sandbox", Way: "build it with CGO_ENABLED=0, or leave --init out"}
	}
	if o.WhatIf && !caller().Privileged {
		return root, &spec.Refusal{What: "what-if: the outer mount namespace of a launch that may go wrong needs root", Way: "run as root, or leave --what-if out"}
	}
	if o.Network == spec.BridgeNetwork && !caller().Privileged {
		return root, &spec.Refusal{What: "network bridge: only root may connect a network namespace to the host's", Way: "run as root, or take --network host or none"}
	}
	return root, checkUserNS(*o, caller().Privileged)
}

func complete(o *spec.Options, d rootfs.Defaults) {
	if len(o.Command) == 0 {
		o.Command = d.Command
	}
	if len(o.Command) == 0 {
		o.Command = []string{"/bin/sh"}
	}
	o.Env = append(append([]string(nil), d.Env...), o.Env...)
	if o.User == "" {
		o.User = d.User
	}
	if o.Workdir == "" {
		o.Workdir = d.Workdir
	}
}

// rootView is a root filesystem and how it is put together.
type rootView struct {
	rootfs.Rootfs
	view    rootfs.View
	refused string // why no overlay can be mounted; "" where it can
}

// describe gives every overlay of the view a layer in the bundle; a written
// rootfs has none, and a copied one is in the bundle itself.
func (r rootView) describe(bundle string, writable bool) spec.Root {
	described := spec.Root{Path: r.Path, Mountpoint: filepath.Join(bundle, "root")}
	if writable {
		return described
	}
	if r.refused != "" {
		described.Path, described.CopiedWhy = filepath.Join(bundle, "copy"), r.refused
		for _, o := range r.view.Overlays {
			described.Copied = append(described.Copied, spec.Overlay{Dest: o.Dest, Lower: o.Lower, Upper: described.Path})
		}
		return described
	}
	for i, o := range r.view.Overlays {
		number := strconv.Itoa(i)
		described.Overlays = append(described.Overlays, spec.Overlay{Dest: o.Dest, Lower: o.Lower,
			Upper: filepath.Join(bundle, "upper"+number), Work: filepath.Join(bundle, "work"+number)})
	}
	return described
}

// write makes the directories and documents. The running state comes first,
// so that a crash leaves what the next command recognises as never ready.
func (s *Store) write(st supervisor.State, config *specs.Spec) error {
	if err := st.Save(s.run(st.ID)); err != nil {
		return err
	}
	for _, dir := range []string{st.Bundle, config.Annotations[spec.AnnotationMountpoint]} {
		if dir == "" {
			continue // a bundle's root is mounted on itself
		}
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	overlays, err := spec.Overlays(config)
	if err != nil {
		return err
	}
	for _, o := range overlays {
		if err := makeLayer(o, st.IDs); err != nil {
			return err
		}
		if spec.Shifted(config) && slices.Contains(o.Lower, "/") {
			if err := os.Mkdir(spec.HostPoint(config), 0o700); err != nil {
				return err
			}
		}
	}
	if err := s.copyRoot(st, config); err != nil {
		return err
	}
	if err := writeNameServers(st.Bundle, config); err != nil {
		return err
	}
	document, err := spec.Encode(config)
	if err != nil {
		return err
	}
	if !st.Remove {
		supervisor.Reserve(st.Bundle) // for the record of its end
	}
	return supervisor.WriteFile(filepath.Join(st.Bundle, configName), document)
}

const configName = "config.json"

func readConfig(bundle string) (*specs.Spec, error) {
	document, err := os.ReadFile(filepath.Join(bundle, configName))
	if err != nil {
		return nil, err
	}
	config := new(specs.Spec)
	if err := json.Unmarshal(document, config); err != nil {
		return nil, err
	}
	if config.Process == nil || config.Root == nil || config.Linux == nil {
		return nil, errors.New("parts of it are missing")
	}
	return config, nil
}

// makeLayer makes an overlay's upper and work directories. The upper one
// stands for the merged directory, so it takes over the lower one's mode and
// owner, as the sandbox's ids have it.
func makeLayer(o spec.Overlay, ids userns.Map) error {
	for _, dir := range []string{o.Upper, o.Work} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			return err
		}
	}
	info, err := os.Stat(o.Lower[0])
	if err != nil {
		return err
	}
	if stat, ok := info.Sys().(*syscall.Stat_t); ok && os.Geteuid() == 0 {
		if err := os.Chown(o.Upper, userns.Outside(ids.UIDs, int(stat.Uid)), userns.Outside(ids.GIDs, int(stat.Gid))); err != nil {
			return err
		}
	}
	return os.Chmod(o.Upper, info.Mode())
}

// stateOf is a new sandbox's state, with this process as its keeper.
func stateOf(id, bundle string, config *specs.Spec) supervisor.State {
	st := supervisor.State{
		ID: id, Name: config.Annotations[spec.AnnotationName], Status: supervisor.Creating, Bundle: bundle,
		Rootfs:     config.Annotations[spec.AnnotationRootfs],
		RootSwitch: config.Annotations[spec.AnnotationRootSwitch],
		Command:    config.Process.Args, TTY: config.Process.Terminal,
		Remove: config.Annotations[spec.AnnotationRemove] == "true",
		IDs:    spec.IDs(config),
		Keeper: os.Getpid(), Weaker: spec.Weaker(config),
	}
	if why := config.Annotations[spec.AnnotationSingleID]; why != "" {
		st.Notes = append(st.Notes, "there is one user inside, and no other: "+why)
	}
	if why := config.Annotations[spec.AnnotationCopiedWhy]; why != "" {
		st.Notes = append(st.Notes, "its root is a copy, because a layer over the rootfs cannot be had: "+why)
	}
	if note := config.Annotations[spec.AnnotationNote]; note != "" {
		st.Notes = append(st.Notes, note)
	}
	st.KeepStart, _ = supervisor.StartTime(st.Keeper)
	st.Groups, _ = spec.Groups(config) // NewPlan tells of an error
	for _, kind := range spec.Namespaces {
		if kind != "time" && !spec.Has(config, kind) {
			st.Shared = append(st.Shared, kind)
		}
	}
	return st
}

func execDefaults(config *specs.Spec, plan step.Plan) supervisor.ExecDefaults {
	p := config.Process
	d := supervisor.ExecDefaults{
		Env: p.Env, Dir: p.Cwd, User: launch.UserSpec(config), Keep: p.Capabilities.Bounding, NoNewPrivs: p.NoNewPrivileges,
		KeepGroups: spec.Has(config, "user") && spec.IDs(config).Single(),
	}
	for _, s := range plan.Steps {
		switch op := s.Op.(type) {
		case *step.Seccomp:
			d.Filter = op.Filter
		case *step.Rlimits:
			d.Limits = op.Limits
		case *step.OOMScore:
			d.OOMScore = &op.Adjust
		}
	}
	return d
}

// idLength is the length of an id: 16 random bytes in hexadecimal.
const idLength = 32

func newID() string {
	var random [idLength / 2]byte
	rand.Read(random[:]) // never fails, see crypto/rand
	return hex.EncodeToString(random[:])
}
