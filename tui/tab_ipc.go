package tui

import (
	"context"
	"fmt"
	"strconv"

	"aquarium/runtime/inspect"
)

// ipcFacet is names, and what processes talk through besides the network.
func ipcFacet() facet {
	return facet{name: "Hostname & IPC", shortcut: "6", read: readIPC}
}

func readIPC(_ context.Context, l look) (sheet, error) {
	view, err := l.target.IPC()
	if err != nil {
		return sheet{}, err
	}
	s := sheet{sections: []section{named("Names", fact{"hostname", view.Hostname}, fact{"NIS domain", view.Domain})}}
	objects := func(title string, n int, names [2]string, of func(i int) (o inspect.Object, values [2]int)) {
		sec := section{title: counted(title, n), columns: []column{
			{name: "KEY", right: true}, {name: "ID", right: true}, {name: names[0], right: true}, {name: names[1], right: true}, {name: "MODE", right: true, rank: 1}, {name: "OWNER", flex: true},
		}}
		for i := range n {
			o, values := of(i)
			second := ""
			if names[1] != "" {
				second = strconv.Itoa(values[1])
			}
			sec.rows = append(sec.rows, row{
				key:   strconv.Itoa(o.ID),
				cells: []string{fmt.Sprintf("%#x", uint32(o.Key)), strconv.Itoa(o.ID), strconv.Itoa(values[0]), second, o.Mode, strconv.Itoa(o.Owner)},
			})
		}
		s.sections = append(s.sections, sec)
	}
	objects("System V queues", len(view.Queues), [2]string{"BYTES", "MESSAGES"}, func(i int) (inspect.Object, [2]int) {
		q := view.Queues[i]
		return q.Object, [2]int{q.Bytes, q.Messages}
	})
	objects("System V semaphores", len(view.Semaphores), [2]string{"NUMBER", ""}, func(i int) (inspect.Object, [2]int) {
		return view.Semaphores[i].Object, [2]int{view.Semaphores[i].Semaphores}
	})
	objects("System V shared memory", len(view.SharedMemory), [2]string{"BYTES", "ATTACHED"}, func(i int) (inspect.Object, [2]int) {
		m := view.SharedMemory[i]
		return m.Object, [2]int{m.Bytes, m.Attached}
	})
	posix := section{title: counted("POSIX queues", len(view.PosixQueues)), columns: []column{{name: "NAME", flex: true}, {name: "BYTES", right: true}}}
	for _, q := range view.PosixQueues {
		bytes := "needs root"
		if q.Bytes >= 0 {
			bytes = strconv.Itoa(q.Bytes)
		}
		posix.rows = append(posix.rows, row{key: q.Name, cells: []string{q.Name, bytes}})
	}
	s.sections = append(s.sections, posix)
	if len(view.Unknown) > 0 {
		unknown := named("Not known")
		for _, why := range view.Unknown {
			unknown.add("", why, toneWarn)
		}
		s.sections = append(s.sections, unknown)
	}
	if view.Partial {
		s.note = "not all"
	}
	return s, nil
}
