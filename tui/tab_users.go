package tui

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"aquarium/runtime/inspect"
)

// usersFacet is who the first process is, and what it may do.
func usersFacet() facet {
	return facet{name: "Users", shortcut: "7", read: readUsers}
}

func readUsers(_ context.Context, l look) (sheet, error) {
	u, err := l.target.Users()
	if err != nil {
		return sheet{}, err
	}
	arrow := " " + l.theme.arrow() + " "
	groups := make([]string, len(u.Groups))
	for i, g := range u.Groups {
		groups[i] = strconv.Itoa(g)
	}
	who := named("PID 1",
		fact{"uid", strconv.Itoa(u.UID) + arrow + strconv.Itoa(u.HostUID) + " on the host"},
		fact{"gid", strconv.Itoa(u.GID) + arrow + strconv.Itoa(u.HostGID) + " on the host"},
		fact{"other groups", cmp.Or(strings.Join(groups, " "), "none")},
		fact{"setgroups", u.SetGroups},
		fact{"no_new_privs", yesNo(u.NoNewPrivs, "set: set-id programs give nothing", "not set")},
		fact{"seccomp", seccompWords(u)},
		fact{"security label", cmp.Or(u.Label, "none")},
	)
	if s := l.who.subject; s != nil && len(s.Weaker) > 0 {
		who.add("not isolation", strings.Join(s.Weaker, ", "), toneWarn)
	}
	if u.Tracer != 0 {
		who.add("traced by", "process "+strconv.Itoa(u.Tracer)+" of the host", toneWarn)
	}
	s := sheet{sections: []section{who, idMap(l.theme, "User ids", u.UIDs), idMap(l.theme, "Group ids", u.GIDs)}}
	s.sections = append(s.sections, capabilities(u))
	return s, nil
}

func yesNo(b bool, yes, no string) string {
	if b {
		return yes
	}
	return no
}

func seccompWords(u *inspect.Users) string {
	if u.SeccompFilters > 0 {
		return fmt.Sprintf("%s (%d)", u.Seccomp, u.SeccompFilters)
	}
	return u.Seccomp
}

// idMap draws the ranges of a map: on the left inside, on the right the host.
func idMap(t theme, title string, ranges []inspect.Range) section {
	s := section{title: title, columns: []column{{name: "INSIDE", right: true}, {}, {name: "HOST"}, {name: "HOW MANY", right: true, flex: true}}}
	for _, r := range ranges {
		bar := "=="
		if r.Inside != r.Outside {
			bar = "=" + t.arrow()
		}
		s.rows = append(s.rows, row{
			key:   strconv.Itoa(r.Inside),
			cells: []string{span(t, r.Inside, r.Count), bar, span(t, r.Outside, r.Count), strconv.Itoa(r.Count)},
		})
	}
	if len(ranges) == 0 {
		s.rows = append(s.rows, row{key: "none", cells: []string{"none", "", "every id is 65534", ""}, tone: toneWarn})
	}
	return s
}

func span(t theme, from, count int) string {
	if count == 1 {
		return strconv.Itoa(from)
	}
	dots := "…"
	if t.ascii {
		dots = ".."
	}
	return strconv.Itoa(from) + dots + strconv.Itoa(from+count-1)
}

// capabilities has a row for each one that is in any set.
func capabilities(u *inspect.Users) section {
	s := section{title: "Capabilities of PID 1", columns: []column{{name: "CAPABILITY"}, {name: "SETS"}, {name: "ALLOWS TO", flex: true}}}
	sets := []struct {
		letter, word string
		names        []string
	}{{"P", "permitted", u.Permitted}, {"E", "effective", u.Effective}, {"I", "inheritable", u.Inheritable}, {"B", "bounding", u.Bounding}, {"A", "ambient", u.Ambient}}
	var all []string
	for _, set := range sets {
		all = append(all, set.names...)
	}
	slices.Sort(all)
	for _, name := range slices.Compact(all) {
		letters, words := "", []string{}
		for _, set := range sets {
			if slices.Contains(set.names, name) {
				letters, words = letters+set.letter, append(words, set.word)
			} else {
				letters += "-"
			}
		}
		short := strings.ToLower(strings.TrimPrefix(name, "CAP_"))
		r := row{key: name, cells: []string{short, letters, capabilityWords[short]}, more: []fact{{"in", strings.Join(words, ", ")}}}
		if !slices.Contains(u.Effective, name) {
			r.tone = toneMuted
		}
		s.rows = append(s.rows, r)
	}
	if len(s.rows) == 0 {
		s.rows = append(s.rows, row{key: "none", cells: []string{"none", "", "nothing beyond any other user"}})
	}
	return s
}
