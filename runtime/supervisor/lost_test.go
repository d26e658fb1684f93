package supervisor

import (
	"os/exec"
	"testing"
)

// TestKillLostSparesOthers has states that tell of a process which is not the
// program any more.
func TestKillLostSparesOthers(t *testing.T) {
	t.Parallel()
	c := exec.Command("sleep", "1000")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		c.Wait()
		close(ended)
	}()
	start, err := StartTime(c.Process.Pid)
	if err != nil {
		t.Fatal(err)
	}
	for what, s := range map[string]State{
		"another start":     {PID: c.Process.Pid, PIDStart: start - 1, Shared: []string{"pid"}},
		"another namespace": {PID: c.Process.Pid, PIDStart: start},
		"none":              {},
		"the first":         {PID: 1, Shared: []string{"pid"}},
	} {
		s.KillLost()
		if now, err := StartTime(c.Process.Pid); err != nil || now != start {
			t.Fatalf("%s: it is gone (%v)", what, err)
		}
	}
	State{PID: c.Process.Pid, PIDStart: start, Shared: []string{"pid"}}.KillLost()
	<-ended
}
