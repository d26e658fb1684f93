package rootfs

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/inside"
	"aquarium/runtime/kernel"
)

// Finding is one thing noticed about a root filesystem.
type Finding struct {
	What   string `json:"what"`   // what was seen: "/bin/sh is for aarch64, this machine is x86_64"
	Effect string `json:"effect"` // what it will cause; "" where it is a fact and nothing more
	Fatal  bool   `json:"fatal"`  // no sandbox can start

	kind findingKind
}

// findingKind marks the findings that other code asks about.
type findingKind int

const (
	otherFinding findingKind = iota
	emptyTree
	noShell
)

// files is a directory tree to look at: one directory ([inside.Tree]) or a pile of layers
// ([stack.Stack]). Paths are resolved inside it.
type files interface {
	Stat(path string) (unix.Stat_t, error)
	Lstat(path string) (unix.Stat_t, error)
	OpenFile(path string) (*os.File, error)
	ReadFile(path string, limit int64) ([]byte, error)
	Empty() (bool, error)
}

// mountPoints are the directories that a launch mounts on.
var mountPoints = []string{"proc", "dev", "sys"}

// maxSmallFile bounds the text files read from a tree, in bytes.
const maxSmallFile = 1 << 20

// Check looks at the directory tree at path: whether a shell is there that this machine can start,
// whether the mount points are real directories, who it says it is, and what is missing that
// programs expect. The worst findings come first. It opens regular files only and runs nothing.
func Check(path string) []Finding {
	tree, finding := openTree(path)
	if finding != nil {
		return []Finding{*finding}
	}
	defer tree.Close()
	return checkFiles(tree)
}

func checkFiles(t files) []Finding {
	findings, _ := fatalFindings(t)
	if len(findings) > 0 && findings[0].kind == emptyTree {
		return findings
	}
	findings = append(findings, missingMountPoints(t)...)
	findings = append(findings, missingFiles(t)...)
	return append(findings, identity(t)...)
}

// Check is the function [Check] for an entry of the catalogue, which may be a stack of layers.
func (c *Catalogue) Check(r Rootfs) ([]Finding, error) {
	d, err := c.documentOf(r)
	if errors.Is(err, os.ErrNotExist) {
		return Check(r.Path), nil
	}
	if err != nil {
		return nil, err
	}
	var findings []Finding
	if ids, ok := c.subordinate(); ok {
		err = apart{task: taskCheck, args: c.lower(d)}.do(context.Background(), ids, &findings)
	} else {
		findings, err = checkStack(c.lower(d))
	}
	if err != nil {
		return nil, fail("check", quote(r.Name), err)
	}
	return findings, nil
}

// fatalFindings are those that keep a sandbox from starting, and the shell where there is one. It is
// cheap: every row of the catalogue passes through it.
func fatalFindings(t files) (findings []Finding, shell []string) {
	if empty, err := t.Empty(); err != nil {
		return []Finding{unreadable(err)}, nil
	} else if empty {
		return []Finding{{What: "the directory is empty", Effect: "there is no program to start", Fatal: true, kind: emptyTree}}, nil
	}
	shell, err := findShell(t)
	if err != nil {
		findings = append(findings, Finding{What: err.Error(), Effect: "no shell can be started", Fatal: true, kind: noShell})
	}
	return append(findings, badMountPoints(t)...), shell
}

// openTree opens a root filesystem's directory, or says why it cannot be one.
func openTree(path string) (*inside.Tree, *Finding) {
	tree, err := inside.Open(path)
	if err != nil {
		finding := unreadable(err)
		return nil, &finding
	}
	return tree, nil
}

func unreadable(err error) Finding {
	what := "it cannot be opened: " + fail("", "", err).Cause.Error()
	switch {
	case errors.Is(err, os.ErrNotExist):
		what = "there is no such directory"
	case errors.Is(err, unix.ENOTDIR):
		what = "it is not a directory"
	case errors.Is(err, os.ErrPermission):
		what = "it is not readable: permission denied"
	}
	return Finding{What: what, Effect: "there is nothing to use as /", Fatal: true}
}

// badMountPoints finds what would make a mount land elsewhere: a symbolic link at /dev may lead
// out of the tree, and mount(2) would follow it.
func badMountPoints(t files) []Finding {
	var findings []Finding
	for _, name := range mountPoints {
		st, err := t.Lstat(name)
		if err != nil {
			continue
		}
		var what string
		switch st.Mode & unix.S_IFMT {
		case unix.S_IFDIR:
			continue
		case unix.S_IFLNK:
			what = "/" + name + " is a symbolic link"
		default:
			what = "/" + name + " is not a directory"
		}
		findings = append(findings, Finding{What: what, Effect: "nothing can be mounted there safely", Fatal: true})
	}
	return findings
}

func missingMountPoints(t files) []Finding {
	var findings []Finding
	for _, name := range mountPoints {
		if _, err := t.Lstat(name); errors.Is(err, os.ErrNotExist) {
			findings = append(findings, Finding{
				What:   "/" + name + " is missing",
				Effect: "it is made in the sandbox's own layer; with a read-only root the launch fails",
			})
		}
	}
	return findings
}

func missingFiles(t files) []Finding {
	wanted := []struct{ path, effect string }{
		{"/etc/passwd", "user names are unknown; --user takes numbers only"},
		{"/etc/group", "group names are unknown"},
		{"/etc/resolv.conf", "host names do not resolve until there is one"},
		{"/tmp", "programs that need a temporary directory fail"},
	}
	var findings []Finding
	for _, w := range wanted {
		if _, err := t.Stat(w.path); err != nil {
			findings = append(findings, Finding{What: w.path + " is missing", Effect: w.effect})
		}
	}
	return findings
}

// identity is what /etc/os-release says (os-release(5)).
func identity(t files) []Finding {
	for _, path := range []string{"/etc/os-release", "/usr/lib/os-release"} {
		data, err := t.ReadFile(path, maxSmallFile)
		if errors.Is(err, kernel.ErrLeased) {
			return []Finding{{What: plainCause(path, err).Error(), Effect: "who reads it waits, such as programs that ask which distribution this is"}}
		}
		if name := osName(data); name != "" {
			return []Finding{{What: "it calls itself " + Visible(name)}}
		}
	}
	return []Finding{{What: "there is no os-release", Effect: "programs cannot tell which distribution this is"}}
}

// osName returns PRETTY_NAME of an os-release file, or else NAME.
func osName(data []byte) string {
	values := map[string]string{}
	lines := bufio.NewScanner(bytes.NewReader(data))
	for lines.Scan() {
		key, value, found := strings.Cut(strings.TrimSpace(lines.Text()), "=")
		if found {
			values[key] = strings.Trim(value, `"'`)
		}
	}
	if name := values["PRETTY_NAME"]; name != "" {
		return name
	}
	return values["NAME"]
}

// verdict is the catalogue's short form of Check.
type verdict struct {
	problem      string   // one sentence, or "" where a sandbox can start
	needsCommand bool     // the problem is only that there is no shell to start
	shell        []string // what to start where nothing else is said
}

// judge looks at the directory tree at path.
func judge(path string) verdict {
	tree, finding := openTree(path)
	if finding != nil {
		return verdict{problem: finding.What}
	}
	defer tree.Close()
	return judgeFiles(tree)
}

func judgeFiles(t files) verdict {
	findings, shell := fatalFindings(t)
	if len(findings) == 0 {
		return verdict{shell: shell}
	}
	worst := slices.IndexFunc(findings, func(f Finding) bool { return f.kind != noShell })
	if worst < 0 {
		return verdict{problem: findings[0].What, needsCommand: true}
	}
	return verdict{problem: findings[worst].What}
}
