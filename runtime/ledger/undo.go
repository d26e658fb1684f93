package ledger

import "errors"

// Undoer undoes a thing of one kind. It says what it did, "removed its cgroup",
// or "" where the thing was gone already. The name may have been written by
// anyone: an Undoer touches nothing but what Aquarium makes, and answers
// ErrNotOurs to everything else.
type Undoer func(name string) (did string, err error)

// ErrNotOurs is the answer of an Undoer to a name that no launch writes down.
var ErrNotOurs = errors.New("not made by a launch")

// Undo undoes what is left, latest first, and ticks it off. It says what it
// did. The first thing that cannot be undone ends it, since what was made
// before may hold it (a directory what is mounted there); the next Undo tries
// again. Names that are not ours, and kinds that by does not know, are left
// alone, and that is said.
func (l *Ledger) Undo(by map[Kind]Undoer) (did []string, err error) {
	left, err := l.Left()
	if err != nil {
		return nil, err
	}
	for i := len(left) - 1; i >= 0; i-- {
		said, err := undo(left[i], by)
		if said != "" {
			did = append(did, said)
		}
		if err != nil {
			return did, err
		}
		l.Done(left[i].Kind, left[i].Name) // not written for want of space: it is looked for once more
	}
	return did, nil
}

func undo(e Entry, by map[Kind]Undoer) (did string, err error) {
	undoer, ok := by[e.Kind]
	if !ok {
		return "left alone " + e.String() + ": unknown kind", nil
	}
	did, err = undoer(e.Name)
	if errors.Is(err, ErrNotOurs) {
		return "left alone " + e.String() + ": " + ErrNotOurs.Error(), nil
	}
	if err != nil {
		return did, &Error{e, err}
	}
	return did, nil
}

// Error is a thing that could not be undone.
type Error struct {
	Entry Entry
	Err   error
}

func (e *Error) Error() string { return "undo " + e.Entry.String() + ": " + e.Err.Error() }
func (e *Error) Unwrap() error { return e.Err }
