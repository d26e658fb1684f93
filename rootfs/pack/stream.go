package pack

import (
	"context"
	"io"

	"aquarium/rootfs/inside"
	"aquarium/runtime/userns"
)

// StreamLayer streams the directory of one layer as an uncompressed archive;
// an upper directory of overlayfs is one. ids are those of the user namespace
// that wrote it. What goes wrong is the reader's error.
func StreamLayer(ctx context.Context, dir string, ids userns.Map) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		writer.CloseWithError(func() error {
			tree, err := inside.Open(dir)
			if err != nil {
				return err
			}
			defer tree.Close()
			archive := NewWriter(ctx, writer)
			archive.WrittenBy(ids)
			if err := archive.Layer(tree); err != nil {
				return err
			}
			return archive.Close()
		}())
	}()
	return reader
}
