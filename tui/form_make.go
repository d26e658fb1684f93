package tui

import (
	"cmp"
	"context"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/rootfs/image"
	"aquarium/rootfs/unpack"
)

// The forms that make a root filesystem: of an image, of what is on this
// machine's disk, of this machine itself.

// typed makes a field for a line of text. empty is what it stands for when
// nothing is typed.
func typed(label, about string, empty func() string) (formField, *emptyEditor) {
	e := &emptyEditor{empty: empty}
	return formField{label: label, about: words(about), edit: e}, e
}

// words makes a function that always returns the same.
func words(s string) func() string { return func() string { return s } }

// flagWords are the words of a flag, where it is given.
func flagWords(flag, value string) []string {
	if value == "" {
		return nil
	}
	return []string{flag, value}
}

func switchWords(flag string, on bool) []string {
	if on {
		return []string{flag}
	}
	return nil
}

// platformField chooses among the images of several platforms.
func platformField() (formField, *emptyEditor) {
	return typed("Platform", "OS/ARCHITECTURE, of an image that is there for several", words("this machine's"))
}

// largeField lifts the limits on what an archive may expand to.
func largeField() (formField, *toggleEditor) {
	e := &toggleEditor{}
	return formField{label: "Allow large", about: words("unpack what looks like a decompression bomb"), edit: e}, e
}

func limits(large bool) unpack.Limits {
	if large {
		return unpack.Unlimited
	}
	return unpack.Limits{}
}

// openPullForm makes a root filesystem of an image in a registry.
func (m *root) openPullForm() tea.Cmd {
	reference, ref := typed("Image", "debian:12, or registry.example.org/team/image:tag", words(""))
	as, name := typed("Name", "what it is called here", func() string { return image.NameOf(ref.said()) })
	reference.blame, as.blame = aboutSource, aboutName
	platform, wanted := platformField()
	plain := &toggleEditor{}
	large, lift := largeField()
	m.open(&form{
		theme: m.theme, heading: "Pull an image", does: "pull",
		fields: []formField{reference, as, platform, {label: "Plain HTTP", about: words("speak HTTP, not HTTPS, to the registry"), edit: plain}, large},
		command: func() []string {
			line := append([]string{"aquarium", "rootfs", "pull"}, flagWords("--as", name.said())...)
			line = append(line, flagWords("--platform", wanted.said())...)
			line = append(line, switchWords("--plain-http", plain.on)...)
			return append(append(line, switchWords("--allow-large", lift.on)...), cmp.Or(ref.said(), "IMAGE"))
		},
		task: func() (task, error) {
			from, o := ref.said(), image.Options{Platform: wanted.said(), PlainHTTP: plain.on}
			o.Limits = limits(lift.on)
			if from == "" {
				return task{}, &formError{"pull: no image is named", "for instance debian:12, or localhost:5000/mine"}
			}
			return m.making("pull", name.or(), func(ctx context.Context, c *rootfs.Catalogue, as string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
				o.Progress = report
				return image.Pull(ctx, c, as, from, o)
			})
		},
	})
	return nil
}

// openImportForm makes a root filesystem of a directory or an archive.
func (m *root) openImportForm() tea.Cmd {
	source, path := typedPath("Source", "directory, tar (.gz .xz .zst .bz2), OCI layout or docker save archive", words(""))
	as, name := typed("Name", "what it is called here", func() string { return image.NameOf(path.said()) })
	source.blame, as.blame = aboutSource, aboutName
	platform, wanted := platformField()
	tag, called := typed("Image", "which one of an archive that holds several", words(""))
	large, lift := largeField()
	m.open(&form{
		theme: m.theme, heading: "Import", does: "import",
		fields: []formField{source, as, platform, tag, large},
		command: func() []string {
			line := append([]string{"aquarium", "rootfs", "import"}, flagWords("--platform", wanted.said())...)
			line = append(line, flagWords("--tag", called.said())...)
			return append(append(line, switchWords("--allow-large", lift.on)...), cmp.Or(name.or(), "NAME"), cmp.Or(path.said(), "SOURCE"))
		},
		task: func() (task, error) {
			from, o := expandHome(path.said()), image.Options{Platform: wanted.said(), Tag: called.said()}
			o.Limits = limits(lift.on)
			if from == "" {
				return task{}, &formError{"import: no source is named", "type the path of a directory or an archive"}
			}
			if from == "-" {
				from = "./-" // standard input is the keyboard here
			}
			return m.making("import", name.or(), func(ctx context.Context, c *rootfs.Catalogue, as string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
				o.Progress = report
				return image.Import(ctx, c, as, from, nil, o)
			})
		},
	})
	return nil
}

// debootstrapWord is the source that needs a suite.
const debootstrapWord = "debootstrap"

// openCreateForm makes a root filesystem of what this machine has.
func (m *root) openCreateForm() tea.Cmd {
	from := &choiceEditor{words: []string{"busybox", debootstrapWord, "host", "empty"}}
	source := func() string { return from.words[from.at] }
	about := map[string]string{
		"busybox": "this machine's static busybox: a shell and some 300 small programs",
		"host":    "a copy of what host shows of this machine", "empty": "the usual directories, and no program",
		debootstrapWord: "a minimal Debian or Ubuntu, by this machine's debootstrap; needs root",
	}
	suite, release := typed("Suite", "the release: bookworm, trixie, noble", words("bookworm"))
	suite.when = func() bool { return source() == debootstrapWord }
	spec := func() string {
		if source() == debootstrapWord {
			return debootstrapWord + ":" + release.or()
		}
		return source()
	}
	as, name := typed("Name", "what it is called here", func() string {
		switch source() {
		case debootstrapWord:
			return release.or()
		case "host":
			return "host-copy"
		}
		return source()
	})
	as.blame = aboutName
	f := &form{
		theme: m.theme, heading: "Create a root filesystem", does: "create",
		command: func() []string {
			return []string{"aquarium", "rootfs", "create", name.or(), "--from", spec()}
		},
		task: func() (task, error) {
			from := spec()
			return m.making("create", name.or(), func(ctx context.Context, c *rootfs.Catalogue, as string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
				return c.Create(ctx, as, from, rootfs.ImportOptions{Progress: report})
			})
		},
	}
	f.fields = []formField{{label: "From", edit: from, about: func() string { return about[source()] }}, suite, as}
	m.open(f)
	return nil
}

// making is a task that makes a root filesystem, once the name is seen to be
// one. Whether it is taken is seen when it begins.
func (m *root) making(verb, name string, do func(ctx context.Context, c *rootfs.Catalogue, name string, report func(rootfs.Progress)) (rootfs.Rootfs, error)) (task, error) {
	if err := rootfs.CheckName(name); err != nil {
		return task{}, err
	}
	c := m.store.Catalogue
	return task{verb: verb, object: name, makes: true, run: func(ctx context.Context, report func(rootfs.Progress)) (string, error) {
		r, err := do(ctx, c, name, report)
		if err != nil {
			return "", err
		}
		return madeNotice(c, r), nil
	}}, nil
}

// madeNotice says what has come of it.
func madeNotice(c *rootfs.Catalogue, r rootfs.Rootfs) string {
	name := visible(r.Name)
	if r.Problem != "" {
		return name + " is made, but cannot start (" + visible(r.Problem) + ")"
	}
	if d, err := c.Document(r.Name); err == nil && len(d.Notes) > 0 {
		return name + plural(len(d.Notes), " is made, with %d note on what could not be kept", " is made, with %d notes on what could not be kept")
	}
	return name + " is made"
}
