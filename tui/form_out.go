package tui

import (
	"cmp"
	"context"
	"os"

	tea "charm.land/bubbletea/v2"

	"aquarium/rootfs"
	"aquarium/rootfs/image"
)

// The forms that take a root filesystem out, and that keep a sandbox's changes.

// openExportForm writes the selected root filesystem to a file.
func (m *root) openExportForm() tea.Cmd {
	r, ok := m.trees.selected()
	if !ok {
		return nil
	}
	of, c := visible(r.Name), m.store.Catalogue
	format := &choiceEditor{}
	for _, f := range image.Formats {
		format.words = append(format.words, string(f))
	}
	about := map[image.Format]string{
		image.Tar:           "the files alone, as one tar",
		image.OCIArchive:    "an OCI layout in a tar: podman load, skopeo, containerd",
		image.DockerArchive: "docker load",
	}
	chosen := func() image.Format { return image.Formats[format.at] }
	file, path := typedPath("File", "it appears when it is whole", func() string { return exportName(r.Name, chosen()) })
	tag, called := typed("Image", "what the image is called in the archive", words("its name"))
	tag.when = func() bool { return chosen() != image.Tar }
	file.blame = always
	replace := &toggleEditor{}
	m.open(&form{
		theme: m.theme, heading: "Export " + of, does: "export",
		fields: []formField{
			{label: "Format", edit: format, about: func() string { return about[chosen()] }},
			file, tag, {label: "Replace", about: words("overwrite the file, if there is one"), edit: replace},
		},
		command: func() []string {
			line := append([]string{"aquarium", "rootfs", "export", r.Name, "--format", string(chosen())}, flagWords("--tag", called.said())...)
			return append(line, "-o", path.or())
		},
		task: func() (task, error) {
			to, format, tag, over := expandHome(path.or()), chosen(), called.said(), replace.on
			return task{verb: "export", object: r.Name, run: func(ctx context.Context, report func(rootfs.Progress)) (string, error) {
				if info, err := os.Stat(to); err == nil && info.Mode().IsRegular() && !over {
					return "", &formError{"write " + to + ": the file is there", "name another, or switch Replace on"}
				}
				err := image.ExportFile(ctx, c, r, format, tag, to, report)
				return of + " is in " + visible(to) + sizeNote(to), err
			}}, nil
		},
	})
	return nil
}

// exportBase is a name for what comes out of a root filesystem, whose own may
// be a path.
func exportBase(name string) string { return cmp.Or(image.NameOf(name), "rootfs") }

// exportName is the name of a file.
func exportName(name string, format image.Format) string {
	base := exportBase(name)
	switch format {
	case image.OCIArchive:
		return base + ".oci.tar"
	case image.DockerArchive:
		return base + ".docker.tar"
	}
	return base + ".tar"
}

// sizeNote is how large a file is.
func sizeNote(path string) string {
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return ""
	}
	return ", " + rootfs.BytesText(info.Size())
}

// openPushForm sends the selected root filesystem to a registry.
func (m *root) openPushForm() tea.Cmd {
	r, ok := m.trees.selected()
	if !ok {
		return nil
	}
	c := m.store.Catalogue
	reference, ref := typed("Image", "registry.example.org/team/image:tag; docker login or podman login is used", words(""))
	reference.blame = always
	plain := &toggleEditor{}
	m.open(&form{
		theme: m.theme, heading: "Push " + visible(r.Name), does: "push",
		fields: []formField{reference, {label: "Plain HTTP", about: words("speak HTTP, not HTTPS, to the registry"), edit: plain}},
		command: func() []string {
			return append([]string{"aquarium", "rootfs", "push", r.Name, cmp.Or(ref.said(), "IMAGE")}, switchWords("--plain-http", plain.on)...)
		},
		task: func() (task, error) {
			to, o := ref.said(), image.Options{PlainHTTP: plain.on}
			if to == "" {
				return task{}, &formError{"push: no image is named", "for instance registry.example.org/me/" + exportBase(r.Name) + ":1"}
			}
			return task{verb: "push", object: r.Name, run: func(ctx context.Context, report func(rootfs.Progress)) (string, error) {
				o.Progress = report
				_, err := image.Push(ctx, c, r, to, o)
				return visible(r.Name) + " is in the registry as " + visible(to), err
			}}, nil
		},
	})
	return nil
}

// openCommitForm keeps what the selected sandbox has written.
func (m *root) openCommitForm() tea.Cmd {
	sb := m.work.subject.Sandbox
	as, name := typed("Name", "what the new root filesystem is called", words(sb.Name))
	m.open(&form{
		theme: m.theme, heading: "Commit " + visible(sb.Name), does: "commit",
		fields: []formField{as},
		command: func() []string {
			return []string{"aquarium", "rootfs", "commit", sb.Name, name.or()}
		},
		task: func() (task, error) {
			store := m.store
			return m.making("commit", name.or(), func(ctx context.Context, _ *rootfs.Catalogue, as string, report func(rootfs.Progress)) (rootfs.Rootfs, error) {
				return store.Commit(ctx, sb, as, report)
			})
		},
	})
	return nil
}
