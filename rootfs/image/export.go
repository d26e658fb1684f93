package image

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"aquarium/rootfs"
	"aquarium/rootfs/pack"
	"aquarium/rootfs/stack"
)

// Format is a form that a root filesystem can be exported in.
type Format string

// The formats. All of them come out the same, byte for byte, every time.
const (
	Tar           Format = "tar"            // the merged tree, without what an image says about it
	OCIArchive    Format = "oci-archive"    // a tar of an OCI layout: podman load, skopeo, containerd
	DockerArchive Format = "docker-archive" // docker load
)

// Formats are all of them, for help texts and completion.
var Formats = []Format{Tar, OCIArchive, DockerArchive}

// Export writes a root filesystem to w. tag is what the image is called in an archive; "" means the
// root filesystem's name.
func Export(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, format Format, tag string, w io.Writer, report func(rootfs.Progress)) error {
	if tag == "" {
		tag = defaultTag(r.Name)
	}
	var err error
	switch format {
	case Tar:
		return c.ExportTar(ctx, r, w, report)
	case OCIArchive:
		err = exportOCI(ctx, c, r, tag, w, report)
	case DockerArchive:
		err = exportDocker(ctx, c, r, tag, w, report)
	default:
		err = fmt.Errorf("the format %q is not known", string(format))
	}
	if err != nil {
		return exportError(r, err)
	}
	return nil
}

// ExportFile is Export to what a path leads to. A file appears when it is whole, and one that is there
// is replaced; a device, a FIFO or /dev/stdout is written through.
func ExportFile(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, format Format, tag, path string, report func(rootfs.Progress)) error {
	out, err := openOutput(ctx, path)
	if err == nil {
		err = out.finish(Export(ctx, c, r, format, tag, out, report))
	}
	if err != nil {
		return rootfs.MakeError("write", path, err)
	}
	return nil
}

func exportError(r rootfs.Rootfs, err error) error {
	var done *rootfs.Error
	if errors.As(err, &done) {
		return err
	}
	return rootfs.NewError("export", r.Name, err)
}

// meterWriting counts what is written.
func meterWriting(report func(rootfs.Progress)) *rootfs.Meter {
	return rootfs.NewMeter(report, "write", "", 0)
}

// defaultTag makes an image name of a root filesystem's: image names have no capitals, and a
// directory's path is none.
func defaultTag(of string) string {
	return strings.ToLower(strings.Trim(filepath.Base(of), "._-")) + ":latest"
}

func exportOCI(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, tag string, w io.Writer, report func(rootfs.Progress)) error {
	image, err := build(ctx, c, r, report)
	if err != nil {
		return err
	}
	dir, discard, err := c.Scratch("export")
	if err != nil {
		return err
	}
	defer discard()
	path, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	if err := path.AppendImage(image, layout.WithAnnotations(map[string]string{tagAnnotation: tag})); err != nil {
		return err
	}
	if err := settle(dir); err != nil {
		return err
	}
	s, err := stack.Open(dir)
	if err != nil {
		return err
	}
	defer s.Close()
	meter := meterWriting(report)
	defer meter.Stop()
	archive := pack.NewWriter(ctx, meter.Writer(w))
	if err := archive.Plain(s); err != nil {
		return err
	}
	return archive.Close()
}

// settle gives the files of a layout the modes that other users' programs need to read it.
func settle(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		return os.Chmod(path, 0o644)
	})
}

func exportDocker(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, tag string, w io.Writer, report func(rootfs.Progress)) error {
	image, err := build(ctx, c, r, report)
	if err != nil {
		return err
	}
	called, err := name.NewTag(tag)
	if err != nil {
		return fmt.Errorf("%q is no image name", tag)
	}
	meter := meterWriting(report)
	defer meter.Stop()
	return tarball.Write(called, image, meter.Writer(w))
}

// Push sends a root filesystem to a registry as an image; see [Pull] for names and credentials. It
// returns the name that means this image and no other, "registry/repository@sha256:…".
func Push(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, ref string, o Options) (string, error) {
	reference, err := parseReference(ref, o)
	if err != nil {
		return "", rootfs.NewError("push", ref, err)
	}
	image, err := build(ctx, c, r, o.Progress)
	if err != nil {
		return "", exportError(r, err)
	}
	there := newRemoteBlobs(ctx, nil, reference.Context(), o)
	options := there.options
	if o.Progress != nil {
		updates := make(chan v1.Update, 16)
		finished := make(chan bool)
		go func() {
			defer close(finished)
			for u := range updates {
				o.Progress(rootfs.Progress{Stage: "upload", Done: u.Complete, Total: u.Total})
			}
		}()
		defer func() { <-finished }() // remote.Write closes updates
		options = append(options, remote.WithProgress(updates))
	}
	if err := remote.Write(reference, image, options...); err != nil {
		return "", registryError("push", ref, err)
	}
	digest, err := image.Digest()
	if err != nil {
		return "", exportError(r, err)
	}
	return reference.Context().Digest(digest.String()).String(), nil
}

// build describes a root filesystem as an image. Nothing is packed until it is read; it is read more
// than once, first for its digests.
func build(ctx context.Context, c *rootfs.Catalogue, r rootfs.Rootfs, report func(rootfs.Progress)) (v1.Image, error) {
	dirs, d, err := c.Layers(r)
	if err != nil {
		return nil, err
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	var layers []mutate.Addendum
	for i, dir := range dirs {
		open := func() (io.ReadCloser, error) {
			return newPacking(c.StreamLayer(ctx, dir), report, fmt.Sprintf("layer %d", i+1)), nil
		}
		layer, err := tarball.LayerFromOpener(open,
			tarball.WithCompressionLevel(gzip.DefaultCompression), tarball.WithMediaType(types.OCILayer))
		if err != nil {
			return nil, err
		}
		layers = append(layers, mutate.Addendum{Layer: layer, MediaType: types.OCILayer, History: v1.History{CreatedBy: "aquarium", Created: v1.Time{Time: d.Created}}})
	}
	if image, err = mutate.Append(image, layers...); err != nil {
		return nil, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	if err := describe(config, d); err != nil {
		return nil, err
	}
	return mutate.ConfigFile(image, config)
}

// packing is a layer that is packed, with its progress.
type packing struct {
	io.ReadCloser
	counted io.Reader
	meter   *rootfs.Meter
}

func newPacking(layer io.ReadCloser, report func(rootfs.Progress), item string) *packing {
	meter := rootfs.NewMeter(report, "pack", item, 0)
	return &packing{layer, meter.Reader(layer), meter}
}

func (p *packing) Read(b []byte) (int, error) {
	n, err := p.counted.Read(b)
	if err == io.EOF {
		p.meter.Finish()
	}
	return n, err
}

func (p *packing) Close() error {
	p.meter.Stop()
	return p.ReadCloser.Close()
}

// describe says of an image what is known of a root filesystem: what the image that it came from said,
// or the opposite of defaultsOf.
func describe(config *v1.ConfigFile, d rootfs.Document) error {
	config.OS, config.Architecture = "linux", runtime.GOARCH
	if p, err := v1.ParsePlatform(d.Platform); err == nil && p.Architecture != "" {
		config.OS, config.Architecture, config.Variant = p.OS, p.Architecture, p.Variant
	}
	config.Created = v1.Time{Time: d.Created}
	config.Config = v1.Config{Cmd: d.Defaults.Command, Env: d.Defaults.Env, User: d.Defaults.User, WorkingDir: d.Defaults.Workdir, StopSignal: d.Defaults.StopSignal}
	if d.Config != nil {
		config.Config = v1.Config{}
		if err := decode(d.Config, "configuration", &config.Config); err != nil {
			return err
		}
	}
	if len(config.Config.Entrypoint)+len(config.Config.Cmd) == 0 {
		config.Config.Cmd = d.Shell
	}
	return nil
}
