package tui

import (
	"context"
	"syscall"
	"time"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

// Everything that reads, writes or waits is in this file and in the run
// methods of watcher and feed, and happens in commands: Update never waits.

// sandboxesListed and treesListed are the lists as they are now.
type (
	sandboxesListed struct {
		list []sandbox.Sandbox
		err  error
	}
	treesListed struct {
		list []rootfs.Rootfs
		err  error
	}
)

// watchStore reads the lists, now and whenever they change.
func watchStore(store *sandbox.Store, send func(tea.Msg)) tea.Cmd {
	return func() tea.Msg {
		w, err := newWatcher(store)
		if err != nil {
			return sandboxesListed{err: err}
		}
		store.Sweep()
		w.run(
			func(list []sandbox.Sandbox, err error) { send(sandboxesListed{list, err}) },
			func(list []rootfs.Rootfs, err error) { send(treesListed{list, err}) },
		)
		return nil
	}
}

// cleanedUp says what was cleaned up after a sandbox whose keeper was killed.
type cleanedUp string

// sandboxLaunched says that a sandbox runs, with a first viewer's connection,
// or why it does not.
type sandboxLaunched struct {
	sandbox sandbox.Sandbox
	conn    *supervisor.Conn
	err     error
}

func launchSandbox(store *sandbox.Store, o spec.Options) tea.Cmd {
	return func() tea.Msg {
		sb, conn, err := store.Launch(o)
		if err != nil {
			return sandboxLaunched{err: err}
		}
		if err := sb.WaitStarted(conn); err != nil {
			conn.Close()
			return sandboxLaunched{err: err}
		}
		if now, err := store.Find(sb.ID); err == nil {
			sb = now
		}
		return sandboxLaunched{sb, conn, nil}
	}
}

// planMade is what a launch would do.
type planMade struct {
	plan step.Plan
	err  error
}

func makePlan(store *sandbox.Store, o spec.Options) tea.Cmd {
	return func() tea.Msg {
		plan, err := store.Plan(o)
		return planMade{plan, err}
	}
}

// requestDone says that something asked of a sandbox was done, or why not.
type requestDone struct {
	notice string
	err    error
}

// stopGrace is how long a program may take to end by itself.
const stopGrace = 5 * time.Second

func stopSandbox(sb sandbox.Sandbox) tea.Cmd {
	return request(sb.Name+" has stopped", func(ctx context.Context) error { return sb.Stop(ctx, stopGrace) })
}

func pauseSandbox(sb sandbox.Sandbox) tea.Cmd {
	return request(sb.Name+" is paused: p lets it run on", func(context.Context) error { return sb.Pause() })
}

func unpauseSandbox(sb sandbox.Sandbox) tea.Cmd {
	return request(sb.Name+" runs on", func(context.Context) error { return sb.Unpause() })
}

func signalSandbox(sb sandbox.Sandbox, number syscall.Signal) tea.Cmd {
	return request(signalName(int(number))+" sent to "+sb.Name, func(context.Context) error { return sb.Signal(number) })
}

func removeSandbox(sb sandbox.Sandbox) tea.Cmd {
	return request(sb.Name+" is removed", func(ctx context.Context) error { return sb.Remove(ctx, true) })
}

// requestTimeout bounds a request to a sandbox whose supervisor hangs.
const requestTimeout = stopGrace + 25*time.Second

func request(notice string, do func(context.Context) error) tea.Cmd {
	return func() tea.Msg {
		ctx, cancel := context.WithTimeout(context.Background(), requestTimeout)
		defer cancel()
		return requestDone{notice, do(ctx)}
	}
}

// usageMeasured is what the sandboxes in view use, by id.
type usageMeasured struct {
	usage map[string]usage
	took  time.Duration
}

// usageDue says that it is time to measure again.
type usageDue struct{}

func measureUsage(sandboxes []sandbox.Sandbox, before map[string]usage) tea.Cmd {
	return func() tea.Msg {
		start := time.Now()
		now := measure(sandboxes, before)
		return usageMeasured{now, time.Since(start)}
	}
}

// usagePause is the least time between two measurements.
const usagePause = 2 * time.Second

// usageShare bounds their cost: one part in this many of a processor, however
// many processes the machine has.
const usageShare = 400

func awaitUsage(took time.Duration) tea.Cmd {
	return tea.Tick(max(usagePause, took*usageShare), func(time.Time) tea.Msg { return usageDue{} })
}
