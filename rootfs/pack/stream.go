package pack

import (
	"context"
	"io"

	"aquarium/rootfs/inside"
)

// StreamLayer streams the directory of one layer as an uncompressed archive;
// an upper directory of overlayfs is one. What goes wrong is the reader's error.
func StreamLayer(ctx context.Context, dir string) io.ReadCloser {
	reader, writer := io.Pipe()
	go func() {
		writer.CloseWithError(func() error {
			tree, err := inside.Open(dir)
			if err != nil {
				return err
			}
			defer tree.Close()
			archive := NewWriter(ctx, writer)
			if err := archive.Layer(tree); err != nil {
				return err
			}
			return archive.Close()
		}())
	}()
	return reader
}
