package sandbox

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"aquarium/rootfs"
	"aquarium/runtime/launch"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

// damagedID is the sandbox's whose documents are damaged.
var damagedID = strings.Repeat("0123456789abcdef", 4)[:idLength]

// damagedStore has the documents of one sandbox be whatever they are, and a
// victim beside the directories of sandboxes. Nothing in these tests may lead
// further up than to it: root's files are all that is there.
func damagedStore(t testing.TB, running, stopped, config string) (s *Store, victim string) {
	t.Helper()
	home := t.TempDir()
	s = &Store{Places: Places{Data: filepath.Join(home, "data"), Run: filepath.Join(home, "run")}}
	if err := s.make(); err != nil {
		t.Fatal(err)
	}
	s.Catalogue = rootfs.Open(s.Data)
	id := damagedID
	for path, content := range map[string]string{
		filepath.Join(s.run(id), supervisor.StateFile): running, filepath.Join(s.bundle(id), supervisor.StateFile): stopped, filepath.Join(s.bundle(id), configName): config,
	} {
		if content == "" {
			continue
		}
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(content), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	victim = filepath.Join(home, "victim")
	if err := errors.Join(os.Mkdir(victim, 0o700), os.WriteFile(filepath.Join(victim, "file"), []byte("x"), 0o600)); err != nil {
		t.Fatal(err)
	}
	return s, victim
}

func unharmed(t *testing.T, victim string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(victim, "file")); err != nil {
		t.Error(err)
	}
}

// A state that says it is another sandbox's is none: what it names would be
// removed.
func TestStateOfAnotherSandbox(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"../../victim", "/../../victim", "", ".", "..", "fedcba987654"} {
		for status, remove := range map[string]bool{"creating": false, "running": true, "stopped": false} {
			document, err := json.Marshal(map[string]any{"id": id, "name": "x", "status": status, "keeper": 0, "remove": remove})
			if err != nil {
				t.Fatal(err)
			}
			for _, where := range [][3]string{{string(document), "", ""}, {"", string(document), ""}, {string(document), string(document), ""}} {
				s, victim := damagedStore(t, where[0], where[1], where[2])
				s.Sweep()
				list, err := s.List()
				if err != nil {
					t.Error(err)
				}
				for _, sb := range list {
					if err := sb.Remove(t.Context(), true); err != nil {
						t.Errorf("remove: %v", err)
					}
				}
				unharmed(t, victim)
			}
		}
	}
}

// A name that leads to no id names no sandbox.
func TestNameOfNoSandbox(t *testing.T) {
	t.Parallel()
	for _, target := range []string{"../../victim", "/../../victim", ".", "..", "fedcba"} {
		s, victim := damagedStore(t, "", "", "")
		if err := os.Symlink(target, s.name("web")); err != nil {
			t.Fatal(err)
		}
		if sb, err := s.Find("web"); err == nil {
			t.Errorf("%s is %+v", target, sb)
		}
		unharmed(t, victim)
		if _, err := s.List(); err != nil {
			t.Error(err)
		}
	}
}

// FuzzState has the state documents of a sandbox be damaged in any way: it is
// listed or settled, and nothing else is touched.
func FuzzState(f *testing.F) {
	exit := 3
	written := func(st supervisor.State) string {
		document, err := json.Marshal(st)
		if err != nil {
			f.Fatal(err)
		}
		return string(document)
	}
	stopped := written(supervisor.State{ID: damagedID, Name: "web", Status: supervisor.Stopped, Bundle: "/b", Rootfs: "bb", Command: []string{"sh"}, ExitCode: &exit})
	running := written(supervisor.State{ID: damagedID, Name: "web", Status: supervisor.Running, PID: 7, PIDStart: 1, Keeper: 7, KeepStart: 1, Remove: true})
	f.Add("", stopped)
	f.Add(running, stopped)
	f.Add(running, "")
	f.Add(`{"id":"../../victim","status":"creating"}`, "{")
	f.Add("", `{"id":"`+damagedID+`","name":"../../victim","status":"stopped","keeper":-1,"exitCode":-5}`)
	f.Fuzz(func(t *testing.T, running, stopped string) {
		for _, document := range []string{running, stopped} {
			var st supervisor.State
			json.Unmarshal([]byte(document), &st) // as far as it can be
			if len(st.Groups) > 0 {
				return // groups of this machine: package cgroup has targets for what is in them
			}
			if strings.Count(st.ID+st.Name, "..") > 2 {
				return // were it followed, it would lead out of the test's own directory
			}
		}
		s, victim := damagedStore(t, running, stopped, "")
		s.Notice = func(line string) {
			if strings.ContainsAny(line, "\x1b\n") {
				t.Errorf("it says %q", line)
			}
		}
		s.Sweep()
		list, err := s.List()
		if err != nil || len(list) > 1 {
			t.Errorf("there are %d sandboxes, %v", len(list), err)
		}
		for _, sb := range list {
			if sb.ID != damagedID {
				t.Errorf("it is called %q", sb.ID)
			}
			again := supervisor.State{}
			document, err := json.Marshal(sb.State)
			if err == nil {
				err = json.Unmarshal(document, &again)
			}
			if err != nil || !reflect.DeepEqual(again, sb.State) {
				t.Errorf("%+v becomes %+v, %v", sb.State, again, err)
			}
		}
		unharmed(t, victim)
	})
}

// FuzzConfig has our own config.json be damaged in any way: what a sandbox's
// state and plan are made from it is refused, or as it says.
func FuzzConfig(f *testing.F) {
	for _, caller := range []spec.Caller{{Privileged: true}, {UID: 1000, GID: 1000}} {
		o := spec.Options{Name: "n", Rootfs: "/r", Command: []string{"sh"}, TTY: true, RootSwitch: spec.PivotRoot, Volumes: []string{"/a:/b:ro"}, Init: true}
		config, err := spec.New(o, spec.Root{Path: "/r", Mountpoint: "/m", Overlays: []spec.Overlay{{Dest: "/", Lower: []string{"/r"}, Upper: "/u", Work: "/w"}}}, caller)
		if err != nil {
			f.Fatal(err)
		}
		document, err := spec.Encode(config)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(document)
	}
	f.Add([]byte(`{"process":null,"linux":null,"root":null,"annotations":{"aquarium.overlays":"[{}]","aquarium.cgroups":"[null]"}}`))
	f.Add([]byte(`{"process":{"args":[]},"mounts":[{}]}`))
	f.Fuzz(func(t *testing.T, document []byte) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, configName), document, 0o600); err != nil {
			t.Fatal(err)
		}
		config, err := readConfig(dir)
		if err != nil {
			return
		}
		stateOf("id", dir, config)
		spec.Copied(config)
		if plan, err := launch.NewPlan(config); err == nil && !strings.Contains(plan.Text(), "execve(") {
			t.Errorf("nothing is run:\n%s", plan.Text())
		}
	})
}
