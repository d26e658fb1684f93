package inspect

import "time"

// Identity is what a process is, on the face of it.
type Identity struct {
	PID     int       `json:"pid"` // as this process numbers it
	Inside  int       `json:"inside"`
	Parent  int       `json:"parent"`
	Name    string    `json:"name"` // see ContainerName
	Command string    `json:"command"`
	State   string    `json:"state"` // in a word, as in Process
	Started time.Time `json:"started"`
	Threads int       `json:"threads"`
}

// Identity reads what may be known of every process, whoever's it is.
func (t *Target) Identity() (*Identity, error) {
	st, err := t.stat()
	if err != nil {
		return nil, t.failure("read identity", err)
	}
	numbers, err := t.status()
	if err != nil {
		return nil, t.failure("read identity", err)
	}
	i := &Identity{
		PID: t.PID, Inside: numbers.pids[len(numbers.pids)-1], Parent: st.parent, Name: t.ContainerName(), State: stateWord(st.state),
		Started: bootTime().Add(time.Duration(st.start) * (time.Second / ticks)), Threads: st.threads,
	}
	i.Command, _ = t.commandLine(st)
	return i, nil
}
