package sandbox

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
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
	plan, err := newPlan(config)
	var encoded step.Encoded
	if err == nil {
		encoded, err = plan.Encode()
	}
	if err == nil {
		err = s.write(sb.State, config)
	}
	if err == nil && s.Booting != nil {
		s.Booting()
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

// stateOf is a new sandbox's state, with this process as its keeper.
func stateOf(id, bundle string, config *specs.Spec) supervisor.State {
	st := supervisor.State{
		ID: id, Name: config.Annotations[spec.AnnotationName], Status: supervisor.Creating, Bundle: bundle,
		Rootfs:     config.Annotations[spec.AnnotationRootfs],
		RootSwitch: config.Annotations[spec.AnnotationRootSwitch],
		Command:    config.Process.Args, TTY: config.Process.Terminal,
		Remove: config.Annotations[spec.AnnotationRemove] == "true",
		IDs:    spec.IDs(config),
		Weaker: weaker(config),
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
	st.KeepSelf()
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
