package rootfs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestCreateBusybox(t *testing.T) {
	t.Parallel()
	needProgram(t, "busybox")
	needNamespaces(t)
	c := newStore(t)
	var reports []Progress
	r, err := c.Create(t.Context(), "box", "busybox", ImportOptions{Progress: func(p Progress) { reports = append(reports, p) }})
	if err != nil {
		t.Fatal(err)
	}
	if r.Problem != "" || !slices.Equal(r.Defaults.Command, []string{"/bin/sh"}) {
		t.Errorf("it is %+v", r)
	}
	if len(reports) == 0 || reports[len(reports)-1].Done < 100_000 {
		t.Errorf("the progress is %+v", reports)
	}
	view, err := c.View(r, isRoot())
	if err != nil {
		t.Fatal(err)
	}
	work := filepath.Join(workspace(t), "work")
	if out := runInView(t, view, work, `echo hi > /etc/new; rm /etc/passwd; ls / | wc -l; cat /etc/new; id -u`); out != "15\nhi\n0\n" {
		t.Errorf("the script said %q", out)
	}
	if findings, err := c.Check(r); err != nil || slices.ContainsFunc(findings, func(f Finding) bool { return f.Fatal }) {
		t.Errorf("the check says %+v, %v", findings, err)
	}
	// The same again is the same layer.
	if _, err := c.Create(t.Context(), "box2", "busybox", ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := c.left(t); got != "2 1 0" {
		t.Errorf("names, layers and work are %s, want 2 1 0", got)
	}
	usage, err := c.Usage()
	if u := usage["box"]; err != nil || u.Bytes < 100_000 || u.Shared != u.Bytes || u.Layers != 1 {
		t.Errorf("the usage is %+v, %v", usage, err)
	}
}

func TestCreateEmpty(t *testing.T) {
	t.Parallel()
	r, err := newStore(t).Create(t.Context(), "bare", "empty", ImportOptions{})
	if err != nil || !strings.Contains(r.Problem, "it has no shell") {
		t.Errorf("it is %+v, %v", r, err)
	}
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	for from, want := range map[string]string{
		"nothing": "is not known", "debootstrap:../../etc": "is no suite", "debootstrap:": "is no suite", "debootstrap:--help": "is no suite",
	} {
		if _, err := c.Create(t.Context(), "x", from, ImportOptions{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("from %q: the error is %v, want one with %q", from, err, want)
		}
	}
	if _, err := os.Lstat(c.dataDir); err == nil {
		t.Error("a refusal made the data directory")
	}
}

func TestDebootstrapNeedsRoot(t *testing.T) {
	t.Parallel()
	if isRoot() {
		t.Skip("root has what it needs: for an ordinary user")
	}
	_, err := newStore(t).Create(t.Context(), "x", "debootstrap:bookworm", ImportOptions{})
	if err == nil || !strings.Contains(err.Error(), "needs root") {
		t.Errorf("the error is %v", err)
	}
}

// What only administrators run is not on everybody's PATH.
func TestFindProgram(t *testing.T) {
	t.Setenv("PATH", "/nowhere")
	if path, err := findProgram("ldconfig"); err != nil || filepath.Base(path) != "ldconfig" {
		t.Errorf("it is %q, %v", path, err)
	}
	if path, err := findProgram("no-such-program"); err == nil {
		t.Errorf("it is %q", path)
	}
}
