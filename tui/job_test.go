package tui

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"aquarium/rootfs"
)

// pulls begins to pull the registry's image, and waits until it stands still.
func (u *user) pulls(r *slowRegistry) {
	u.t.Helper()
	u.sees("Root filesystems (1)")
	u.types("P")
	u.sees("Pull an image", "Name", "Platform")
	u.types(r.image)
	u.sees("$ aquarium rootfs pull " + r.image)
	u.types("\r")
	u.sees("Pull tank: ", fmt.Sprintf(" of %d done", layerCount), "waits", "%)", "c cancel")
	const sideBySide = 3
	u.waits("to see three layers begun", func(screen string) bool { return strings.Count(screen, "waits") == layerCount-sideBySide })
}

func TestPullWithProgress(t *testing.T) {
	t.Parallel()
	for _, size := range []struct{ cols, rows int }{{80, 24}, {120, 40}} {
		t.Run(fmt.Sprintf("%dx%d", size.cols, size.rows), func(t *testing.T) {
			t.Parallel()
			h, r := newHome(t), newSlowRegistry(t)
			u := h.open(t, size.cols, size.rows)
			u.pulls(r)
			u.types("\x1b") // it goes on
			u.seesNo("c cancel")
			u.sees("◌ tank", "pull  ", "J 1 under way")
			u.types("?") // and nothing waits for it
			u.sees("Help", "Pull: make a root filesystem")
			u.types("\x1b")
			u.seesNo("Help")
			u.types("J")
			u.sees("Pull tank: ", "waits")
			close(r.passes)
			u.sees("tank is made: Enter launches it, c checks it", "Root filesystems (2)", "▸  tank")
			u.types("\r")
			u.sees("/ #")
			u.types("cat /etc/motd\r")
			u.sees("from the registry")
		})
	}
}

// Whoever cancels finds nothing left, of finished layers neither.
func TestPullCanceled(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	u := h.open(t, 80, 24)
	u.pulls(r)
	u.types("c")
	u.sees("Pull tank: canceled, and nothing of it is left", "Root filesystems (1)")
	u.sees("Enter pull", r.image) // what was filled in is there still
	if left := h.leftovers(t); len(left) > 0 {
		t.Errorf("the canceled pull has left %v", left)
	}
	close(r.passes)
	u.types("\r")
	u.sees("tank is made")
}

// Two at once: one is canceled from its row when the other has what it needs.
func TestTwoJobs(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	u := h.open(t, 80, 24)
	u.pulls(r)
	u.types("\x1b")
	u.seesNo("c cancel")
	u.types("N")
	u.sees("Create a root filesystem", "From", "< busybox >")
	u.types("\r")
	u.sees("busybox is made", "Root filesystems (2)", "◌ tank")
	u.types("N\ttank\r")
	u.sees("! the name tank is being taken by another job: pull tank", "Way out: ", "▸ Name         tank")
	u.types("\x15bb2\r")
	u.sees("bb2 is made", "Root filesystems (3)")
	u.types("GJ")
	u.sees("Pull tank: ")
	u.types("\x1b")
	u.seesNo("Pull tank: ")
	u.types("G")
	u.sees("▸◌ tank", "d cancel")
	u.types("d")
	u.sees("Pull tank: canceled")
	u.seesNo("◌ tank")
	names, err := h.store.Catalogue.List()
	if err != nil || len(names) != 3 {
		t.Errorf("the catalogue holds %v, %v", names, err)
	}
	left := h.leftovers(t)
	if len(left) != 4 { // two names, one layer and its short name
		t.Errorf("left is %v", left)
	}
	for _, entry := range left {
		if strings.HasPrefix(entry, "tmp/") || strings.Contains(entry, "tank") {
			t.Errorf("%s is left", entry)
		}
	}
}

func TestQuitWithAJob(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		act  func(u *user, r *slowRegistry)
		made bool
	}{
		"cancel": {func(u *user, _ *slowRegistry) { u.types("c") }, false},
		"wait": {func(u *user, r *slowRegistry) {
			u.types("w")
			u.sees("Quits when this is done")
			close(r.passes)
		}, true},
		"SIGTERM": {func(u *user, _ *slowRegistry) { u.signal(syscall.SIGTERM) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h, r := newHome(t), newSlowRegistry(t)
			u := h.open(t, 80, 24)
			u.pulls(r)
			u.types("\x1b")
			u.seesNo("c cancel")
			u.types("q")
			u.sees("Quit?", "One is under way", "Pull tank", "c cancel and quit", "w wait")
			u.types("\x1b") // stays
			u.seesNo("Quit?")
			u.types("q")
			u.sees("Quit?")
			c.act(u, r)
			if code := u.waitsEnd(); code != 0 {
				t.Errorf("exit status %d", code)
			}
			left := h.leftovers(t)
			if made := len(left) > 0; made != c.made {
				t.Errorf("left is %v", left)
			}
		})
	}
}

// What fails out of sight keeps its row, and comes back as it was filled in.
func TestJobFailsOutOfSight(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	u := h.open(t, 80, 24)
	u.pulls(r)
	u.types("\x1b")
	u.seesNo("c cancel")
	if _, err := h.store.Catalogue.Create(t.Context(), "tank", "empty", rootfs.ImportOptions{}); err != nil { // somebody is faster
		t.Fatal(err)
	}
	close(r.passes)
	u.sees("Pull tank failed: Enter on its row says why", "! tank", "pull failed", "1 failed")
	u.types("J")
	u.sees("the name is taken", "Way out: choose another name", r.image, "Enter pull")
	u.types("\x15other\r") // the keys are where it is wrong
	u.sees("other is made", "Root filesystems (3)")
	u.seesNo("failed")
}

func TestPushAndExport(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	close(r.passes)
	if _, err := h.store.Catalogue.Create(t.Context(), "bb", "busybox", rootfs.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	u := h.open(t, 80, 24)
	u.sees("Root filesystems (2)")
	u.types("jU")
	u.sees("Push bb", "Image")
	u.types("\r")
	u.sees("! push: no image is named", "Way out: ")
	u.types(r.host + "/sent:2\r")
	u.sees("bb is in the registry as " + r.host + "/sent:2")
	tag, err := name.NewTag(r.host + "/sent:2")
	if err != nil {
		t.Fatal(err)
	}
	if image, err := remote.Image(tag); err != nil {
		t.Error(err)
	} else if config, err := image.ConfigFile(); err != nil || config.OS != "linux" {
		t.Errorf("what was sent is %+v, %v", config, err)
	}
	for _, format := range []struct{ keys, flag, file string }{
		{"", "tar", "bb.tar"}, {" ", "oci-archive", "bb.oci.tar"}, {"  ", "docker-archive", "bb.docker.tar"},
	} {
		file := h.dir + "/" + format.file
		u.types("X")
		u.sees("Export bb", "< tar >", "Replace")
		u.types(format.keys)
		u.sees("--format " + format.flag)
		u.types("\t" + file + "\r")
		u.sees("bb is in ")
		u.types("\x15") // clears the notice
		u.types("I")
		u.sees("Import", "Source")
		u.types(file + "\t" + format.flag + "\r")
		u.sees(format.flag + " is made")
		u.types("gj")
	}
	u.types("X\t" + h.dir + "/bb.tar\r")
	u.sees("the file is there", "Way out: name another, or switch Replace on")
}

// Whoever waits for a job before leaving is told when it fails.
func TestQuitWaitsForWhatFails(t *testing.T) {
	t.Parallel()
	h, r := newHome(t), newSlowRegistry(t)
	u := h.open(t, 80, 24)
	u.pulls(r)
	u.types("\x1b")
	u.seesNo("c cancel")
	u.types("q")
	u.sees("Quit?")
	u.types("w")
	u.sees("Quits when this is done")
	if _, err := h.store.Catalogue.Create(t.Context(), "tank", "empty", rootfs.ImportOptions{}); err != nil {
		t.Fatal(err)
	}
	close(r.passes)
	u.sees("the name is taken", "Enter pull", r.image)
	u.types("\x1b")
	u.seesNo("Enter pull")
	u.types("q")
	u.waitsEnd()
}
