package pack

import (
	"context"
	"io"

	"aquarium/rootfs/inside"
	"aquarium/runtime/userns"
)

// StreamLayer is [WriteLayer] as a stream. What goes wrong is the reader's error.
func StreamLayer(ctx context.Context, dir string, ids userns.Map) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(WriteLayer(ctx, writer, dir, ids, nil)) }()
	return reader
}

// WriteLayer writes the directory of one layer as an uncompressed archive;
// an upper directory of overlayfs is one. ids are those of the user namespace
// that wrote it. What is at the paths of omit is left out.
func WriteLayer(ctx context.Context, w io.Writer, dir string, ids userns.Map, omit []string) error {
	tree, err := inside.Open(dir)
	if err != nil {
		return err
	}
	defer tree.Close()
	archive := NewWriter(ctx, w)
	archive.WrittenBy(ids)
	archive.Omit(omit)
	if err := archive.Layer(tree); err != nil {
		return err
	}
	return archive.Close()
}
