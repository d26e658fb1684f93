package image

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"aquarium/rootfs"
	"aquarium/rootfs/inside"
)

// dockerManifest is one image of a `docker save` archive: manifest.json holds a list of them.
type dockerManifest struct {
	Config   string
	RepoTags []string
	Layers   []string // paths, the lowest first
}

func readDockerArchive(tree *inside.Tree, data []byte, o Options) (contents, error) {
	var list []dockerManifest
	if err := decode(data, "manifest", &list); err != nil {
		return contents{}, err
	}
	chosen, err := chooseDocker(list, o.Tag)
	if err != nil {
		return contents{}, err
	}
	if len(chosen.Layers) > rootfs.MaxLayers {
		return contents{}, fmt.Errorf("the image has %d layers, more than the %d that one overlay can have", len(chosen.Layers), rootfs.MaxLayers)
	}
	config, err := tree.ReadFile(chosen.Config, maxDocument)
	if err != nil {
		return contents{}, fmt.Errorf("its configuration: %w", plain(err))
	}
	image := contents{jobs: 2}
	if err := decode(config, "configuration", &image.config); err != nil {
		return contents{}, err
	}
	for _, path := range chosen.Layers {
		st, err := tree.Stat(path)
		if err != nil {
			return contents{}, fmt.Errorf("layer %q: %w", path, plain(err))
		}
		image.layers = append(image.layers, layerBlob{size: st.Size, open: func(context.Context) (stream, error) {
			f, err := tree.OpenFile(path) // a link to another layer's file, as older versions save, stays inside
			if err != nil {
				return nil, plain(err)
			}
			return fileStream{f}, nil
		}})
	}
	return image, nil
}

func chooseDocker(list []dockerManifest, tag string) (dockerManifest, error) {
	var tags []string
	for _, m := range list {
		if tag != "" && slices.Contains(m.RepoTags, tag) {
			return m, nil
		}
		tags = append(tags, m.RepoTags...)
	}
	called := rootfs.Visible(strings.Join(tags, ", "))
	switch {
	case tag != "":
		return dockerManifest{}, notCalled(tag, called)
	case len(list) > 1:
		return dockerManifest{}, severalCalled(called)
	case len(list) == 0:
		return dockerManifest{}, errors.New("there is no image in it")
	}
	return list[0], nil
}
