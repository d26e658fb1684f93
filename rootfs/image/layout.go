package image

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"aquarium/rootfs"
	"aquarium/rootfs/inside"
)

// Bounds of what an index may lead to.
const (
	maxIndexDepth  = 4
	maxDescriptors = 1000
)

// tagAnnotation is where a layout says what an image is called (OCI image-spec, annotations.md).
const tagAnnotation = "org.opencontainers.image.ref.name"

// blobs reads an image's parts by digest.
type blobs interface {
	document(d v1.Descriptor) ([]byte, error)
	blob(ctx context.Context, d v1.Descriptor) (stream, error)
}

// layoutDir is an OCI image layout (OCI image-spec, image-layout.md).
type layoutDir struct{ tree *inside.Tree }

func (l layoutDir) open(d v1.Descriptor) (*os.File, error) {
	if d.Digest.Algorithm != "sha256" || !isDigits(d.Digest.Hex) {
		return nil, fmt.Errorf("%q is no digest", d.Digest.String())
	}
	f, err := l.tree.OpenFile("blobs/sha256/" + d.Digest.Hex)
	if err != nil {
		return nil, fmt.Errorf("blob %s: %w", d.Digest, plain(err))
	}
	return f, nil
}

func (l layoutDir) document(d v1.Descriptor) ([]byte, error) {
	f, err := l.open(d)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readVerified(f, d.Digest.String(), d.Size)
}

func (l layoutDir) blob(_ context.Context, d v1.Descriptor) (stream, error) {
	f, err := l.open(d)
	return fileStream{f}, err
}

// plain leaves out the path, which is in the scratch directory and tells nobody anything.
func plain(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func readLayout(tree *inside.Tree, o Options) (contents, error) {
	data, err := tree.ReadFile("index.json", maxDocument)
	if err != nil {
		return contents{}, fmt.Errorf("index.json: %w", plain(err))
	}
	var index v1.IndexManifest
	if err := decode(data, "index", &index); err != nil {
		return contents{}, err
	}
	source := layoutDir{tree}
	chosen, err := choose(source, index.Manifests, o.Tag, o.Platform)
	if err != nil {
		return contents{}, err
	}
	return readManifest(source, chosen, 2)
}

// readManifest reads an image's manifest and configuration.
func readManifest(from blobs, d v1.Descriptor, jobs int) (contents, error) {
	data, err := from.document(d)
	if err != nil {
		return contents{}, err
	}
	var manifest v1.Manifest
	if err := decode(data, "manifest", &manifest); err != nil {
		return contents{}, err
	}
	if len(manifest.Layers) > rootfs.MaxLayers {
		return contents{}, fmt.Errorf("the image has %d layers, more than the %d that one overlay can have", len(manifest.Layers), rootfs.MaxLayers)
	}
	if data, err = from.document(manifest.Config); err != nil {
		return contents{}, err
	}
	image := contents{jobs: jobs}
	if err := decode(data, "configuration", &image.config); err != nil {
		return contents{}, err
	}
	for _, layer := range manifest.Layers {
		if layer.Size < 0 {
			return contents{}, errors.New("a layer has a negative size")
		}
		image.layers = append(image.layers, layerBlob{
			digest: layer.Digest.String(),
			size:   layer.Size,
			open:   func(ctx context.Context) (stream, error) { return from.blob(ctx, layer) },
		})
	}
	return image, nil
}

// choose finds the one image that is meant among those of an index, and of the indexes it leads to.
func choose(from blobs, list []v1.Descriptor, tag, platform string) (v1.Descriptor, error) {
	if tag != "" {
		tagged := slices.DeleteFunc(slices.Clone(list), func(d v1.Descriptor) bool { return d.Annotations[tagAnnotation] != tag })
		if len(tagged) == 0 {
			return v1.Descriptor{}, notCalled(tag, names(list))
		}
		list = tagged
	}
	if called := names(list); strings.Contains(called, ", ") {
		return v1.Descriptor{}, severalCalled(called)
	}
	indexes := flattening{from: from}
	if err := indexes.follow(list, maxIndexDepth); err != nil {
		return v1.Descriptor{}, err
	}
	found := indexes.images
	wanted := platform
	if wanted == "" {
		wanted = thisMachine()
	}
	var there []string
	for _, d := range found {
		if d.Platform == nil {
			if len(found) == 1 {
				return d, nil // its configuration says the rest
			}
			continue
		}
		if matches(wanted, d.Platform) {
			return d, nil
		}
		there = append(there, d.Platform.String())
	}
	if len(found) == 1 && platform == "" {
		return found[0], nil // the only one there is; the check says if it cannot run
	}
	if len(found) == 0 {
		return v1.Descriptor{}, errors.New("its index names no image")
	}
	return v1.Descriptor{}, fmt.Errorf("no image for %s; there are: %s", rootfs.Visible(wanted), rootfs.Visible(strings.Join(there, ", ")))
}

func notCalled(tag, called string) error {
	if called == "" {
		return fmt.Errorf("no image in it is called %q; none has a name", tag)
	}
	return fmt.Errorf("no image in it is called %q; there are: %s", tag, called)
}

func severalCalled(called string) error {
	return fmt.Errorf("several images are in it, choose one with --tag: %s", called)
}

// names are the tags of images, for the user to choose from.
func names(list []v1.Descriptor) string {
	var all []string
	for _, d := range list {
		if tag := d.Annotations[tagAnnotation]; tag != "" && len(all) < 20 {
			all = append(all, rootfs.Visible(tag))
		}
	}
	slices.Sort(all)
	return strings.Join(slices.Compact(all), ", ")
}

// flattening follows indexes within indexes. A cycle cannot be, as each names the next by its digest;
// but a few small ones that name each other many times would lead to billions of images.
type flattening struct {
	from    blobs
	visited int
	images  []v1.Descriptor
}

func (f *flattening) follow(list []v1.Descriptor, depth int) error {
	if depth == 0 {
		return fmt.Errorf("indexes are nested more than %d deep", maxIndexDepth)
	}
	for _, d := range list {
		if f.visited++; f.visited > maxDescriptors {
			return fmt.Errorf("more than %d images are in it", maxDescriptors)
		}
		switch {
		case d.MediaType == types.OCIImageIndex || d.MediaType == types.DockerManifestList:
			data, err := f.from.document(d)
			if err != nil {
				return err
			}
			var index v1.IndexManifest
			if err := decode(data, "index", &index); err != nil {
				return err
			}
			if err := f.follow(index.Manifests, depth-1); err != nil {
				return err
			}
		case d.MediaType.IsImage() || d.MediaType == "":
			f.images = append(f.images, d)
		}
	}
	return nil
}
