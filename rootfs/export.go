package rootfs

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
)

// ExportTar writes a root filesystem as one tar archive, the same bytes every time.
func (c *Catalogue) ExportTar(ctx context.Context, r Rootfs, w io.Writer, report func(Progress)) error {
	overlays, err := c.exportOverlays(r)
	if err != nil {
		return err
	}
	meter := NewMeter(report, "write", "", 0)
	defer meter.Stop()
	archive := c.packed(ctx, overlays)
	defer archive.Close()
	if _, err := io.Copy(meter.Writer(w), archive); err != nil {
		return fail("export", quote(r.Name), err)
	}
	meter.Finish()
	return nil
}

func (c *Catalogue) exportOverlays(r Rootfs) ([]Overlay, error) {
	if r.Kind == Host {
		view, err := c.hostView(os.Geteuid() == 0)
		return view.Overlays, err
	}
	lower, err := c.lowerOf(r)
	return []Overlay{{Dest: "/", Lower: lower}}, err
}

// Layers returns the directories that a root filesystem consists of, the lowest first and each in
// overlayfs' form, and the document that goes with them. A plain tree is one layer. `host` has none.
func (c *Catalogue) Layers(r Rootfs) ([]string, Document, error) {
	if r.Kind == Host {
		return nil, Document{}, fail("export", quote(r.Name), errors.New("it is put together for each sandbox")).
			withHint("make a copy first: aquarium rootfs create NAME --from host")
	}
	d, err := c.documentOf(r)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{r.Path}, Document{Defaults: r.Defaults}, nil
	}
	if err != nil {
		return nil, Document{}, err
	}
	dirs := c.lower(d)
	slices.Reverse(dirs)
	return dirs, d, nil
}
