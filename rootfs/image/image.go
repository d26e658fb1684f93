// Package image brings container images into the catalogue and takes root filesystems out as images.
//
//	OCI layout (directory or tar) ─┐
//	`docker save` archive ─────────┼─▶ contents ─▶ layers of the store ─▶ rootfs.json
//	registry ──────────────────────┘
//
// Whatever comes from outside is checked: sizes and digests of every blob, the digest of every
// uncompressed layer, the number of layers, the size of every document.
package image

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"aquarium/rootfs"
	"aquarium/rootfs/unpack"
)

// maxDocument bounds manifests, indexes and configurations, in bytes.
const maxDocument = 8 << 20

// Options go with every import and pull.
type Options struct {
	rootfs.ImportOptions
	Platform string // "linux/arm64", "linux/arm/v7"; "" means this machine's
	Tag      string // which image of an archive that holds several; "" where there is one

	// The rest is for registries.
	PlainHTTP bool              // speak HTTP, not HTTPS
	Transport http.RoundTripper // nil means Go's default
	Stall     time.Duration     // give up when nothing arrives for that long; default one minute
	Jobs      int               // layers fetched side by side; default 3
}

// contents is an image, wherever it comes from.
type contents struct {
	config v1.ConfigFile
	layers []layerBlob // the lowest first
	source string
	jobs   int // how many layers may be read side by side
}

// layerBlob is one compressed layer.
type layerBlob struct {
	digest string // of what open returns, or "" where only the uncompressed digest is known
	size   int64  // in bytes, 0 if unknown
	open   func(context.Context) (stream, error)
}

// stream is a layer being read.
type stream interface {
	io.Reader
	// end lets go of it, knowing what came of the layer, which it may have something to say about. It
	// also tells whether another try makes sense.
	end(err error) (again bool, _ error)
}

// fileStream is a layer in a file.
type fileStream struct{ *os.File }

func (f fileStream) end(err error) (again bool, _ error) {
	f.Close()
	return false, err
}

// store puts an image into the catalogue.
func store(ctx context.Context, c *rootfs.Catalogue, name string, image contents, o Options) (rootfs.Rootfs, error) {
	if err := image.check(o.Platform); err != nil {
		return rootfs.Rootfs{}, err
	}
	return c.Build(name, func() (rootfs.Document, error) { return image.add(ctx, c, o) })
}

// add brings the layers of an image into the store. When the transfer of one breaks, those that are
// finished stay for the next try; when the image is refused or the import canceled, nothing does.
func (image contents) add(ctx context.Context, c *rootfs.Catalogue, o Options) (rootfs.Document, error) {
	layers, err := addLayers(ctx, c, image, o)
	if err != nil {
		var d rootfs.Document
		if ctx.Err() != nil || !errors.Is(err, errBroke) {
			for _, diffID := range image.config.RootFS.DiffIDs {
				d.Layers = append(d.Layers, diffID.String())
			}
		}
		return d, err
	}
	d := rootfs.Document{Source: image.source, Platform: platformOf(image.config), Defaults: defaultsOf(image.config.Config)}
	if d.Config, err = json.Marshal(image.config.Config); err != nil {
		return d, err
	}
	if o.Source != "" {
		d.Source = o.Source
	}
	for i, l := range layers {
		d.Layers = append(d.Layers, l.Digest)
		for _, note := range l.Notes {
			d.Notes = append(d.Notes, fmt.Sprintf("layer %d: %s", i+1, note))
		}
	}
	d.Layers, err = c.AddDirectories(ctx, d.Layers)
	return d, err
}

func (image contents) check(platform string) error {
	diffIDs := image.config.RootFS.DiffIDs
	switch {
	case len(image.layers) == 0:
		return errors.New("the image has no layer")
	case len(image.layers) > rootfs.MaxLayers:
		return fmt.Errorf("the image has %d layers, more than the %d that one overlay can have", len(image.layers), rootfs.MaxLayers)
	case len(image.layers) != len(diffIDs):
		return fmt.Errorf("the image has %d layers, but its configuration names %d", len(image.layers), len(diffIDs))
	case image.config.OS != "" && image.config.OS != "linux":
		return fmt.Errorf("the image is for %s, not for Linux", rootfs.Visible(image.config.OS))
	}
	if platform != "" && !matches(platform, image.config.Platform()) {
		return fmt.Errorf("the image is for %s, not for %s", rootfs.Visible(platformOf(image.config)), rootfs.Visible(platform))
	}
	return nil
}

// addLayers brings all layers into the store, several at a time. Those that are there already are
// not read. When one fails the others stop; layers that are finished stay for the next try.
func addLayers(asked context.Context, c *rootfs.Catalogue, image contents, o Options) ([]rootfs.Layer, error) {
	ctx, cancel := context.WithCancelCause(asked)
	defer cancel(nil)
	if o.Progress != nil {
		var mutex sync.Mutex
		report := o.Progress
		o.Progress = func(p rootfs.Progress) {
			mutex.Lock()
			defer mutex.Unlock()
			report(p)
		}
	}
	o.Limits.Together = &unpack.Tally{}
	image.announce(c, o.Progress)
	layers := make([]rootfs.Layer, len(image.layers))
	turns := make(chan bool, max(1, image.jobs))
	var workers sync.WaitGroup
	for i, blob := range image.layers {
		turns <- true
		workers.Go(func() {
			defer func() { <-turns }()
			var err error
			if layers[i], err = addLayer(ctx, c, image.config.RootFS.DiffIDs[i].String(), blob, o); err != nil {
				cancel(fmt.Errorf("layer %d of %d: %w", i+1, len(image.layers), err))
			}
		})
	}
	workers.Wait()
	if err := asked.Err(); err != nil {
		return nil, err
	}
	return layers, context.Cause(ctx)
}

// announce reports every layer before the first is read, so that all that is to come is known: those
// that are in the store already as finished.
func (image contents) announce(c *rootfs.Catalogue, report func(rootfs.Progress)) {
	if report == nil {
		return
	}
	for i, blob := range image.layers {
		p := rootfs.Progress{Stage: unpackStage, Item: image.config.RootFS.DiffIDs[i].String(), Total: blob.size}
		if l, known := c.Layer(p.Item); known {
			p.Total = max(1, cmp.Or(blob.size, l.Bytes)) // one without content is finished too
			p.Done = p.Total
		}
		report(p)
	}
}

// unpackStage is what is done to layers.
const unpackStage = "unpack"

// addLayer brings one layer into the store.
func addLayer(ctx context.Context, c *rootfs.Catalogue, diffID string, blob layerBlob, o Options) (rootfs.Layer, error) {
	if l, known := c.Layer(diffID); known {
		return l, nil
	}
	l, again, err := addLayerOnce(ctx, c, diffID, blob, o)
	if again {
		l, _, err = addLayerOnce(ctx, c, diffID, blob, o)
	}
	return l, err
}

func addLayerOnce(ctx context.Context, c *rootfs.Catalogue, diffID string, blob layerBlob, o Options) (l rootfs.Layer, again bool, err error) {
	if err := ctx.Err(); err != nil {
		return l, false, err
	}
	from, err := blob.open(ctx)
	if err != nil {
		return l, false, err
	}
	defer func() { again, err = from.end(err) }()
	if o.Progress != nil {
		o.Progress(rootfs.Progress{Stage: unpackStage, Item: diffID, Total: blob.size}) // its turn has come
	}
	meter := rootfs.NewMeter(o.Progress, unpackStage, diffID, blob.size)
	defer meter.Stop()
	checked := newVerifier(meter.Reader(from), blob.digest, blob.size)
	l, err = c.AddLayer(ctx, checked, rootfs.LayerOptions{Digest: diffID, Image: true, Limits: o.Limits, Check: checked.finish})
	if err != nil {
		return l, false, checked.blame(err)
	}
	meter.Finish()
	return l, false, nil
}

// defaultsOf takes what an image says about running it (OCI image-spec, config.md).
func defaultsOf(config v1.Config) rootfs.Defaults {
	return rootfs.Defaults{
		Command:    slices.Concat(config.Entrypoint, config.Cmd),
		Env:        config.Env,
		User:       config.User,
		Workdir:    config.WorkingDir,
		StopSignal: config.StopSignal,
	}
}

func platformOf(config v1.ConfigFile) string {
	if config.Architecture == "" {
		return ""
	}
	return config.Platform().String()
}

// thisMachine is the platform of this machine in the words of images.
func thisMachine() string { return "linux/" + runtime.GOARCH }

// matches reports whether a platform is the one wanted, "OS/ARCHITECTURE" or with "/VARIANT".
func matches(wanted string, p *v1.Platform) bool {
	parts := strings.Split(wanted, "/")
	if p == nil || len(parts) < 2 || p.OS != parts[0] || p.Architecture != parts[1] {
		return false
	}
	return len(parts) == 2 || p.Variant == parts[2]
}

// decode reads a document of an image.
func decode(data []byte, what string, into any) error {
	if err := json.Unmarshal(data, into); err != nil {
		return fmt.Errorf("its %s is damaged: %s", what, rootfs.Visible(err.Error()))
	}
	return nil
}
