package rootfs

import (
	"bufio"
	"context"
	"io"
	"slices"

	"aquarium/rootfs/pack"
)

// AddDirectories adds a layer to those that a root filesystem is made of, the lowest first, if it would
// otherwise show directories with attributes that nobody gave them; see [pack.Writer.Implied]. The
// caller holds the store.
func (c *Catalogue) AddDirectories(ctx context.Context, digests []string) ([]string, error) {
	var pile []pack.Sparse
	seen := map[string]bool{}
	for _, digest := range slices.Backward(digests) {
		if l, known := c.Layer(digest); known && !seen[digest] { // as in lower
			pile = append(pile, pack.Sparse{Dir: c.layerTree(digest), Implied: l.Implied})
		}
		seen[digest] = true
	}
	archive := c.streamImplied(ctx, pile)
	defer archive.Close()
	buffered := bufio.NewReader(archive)
	if _, err := buffered.Peek(1); err == io.EOF {
		return digests, nil
	}
	l, err := c.AddLayer(ctx, buffered, LayerOptions{Image: true})
	if err != nil {
		return digests, err
	}
	return append(slices.Clone(digests), l.Digest), nil
}

// streamImplied streams the directories, and nothing at all where there are none.
func (c *Catalogue) streamImplied(ctx context.Context, pile []pack.Sparse) io.ReadCloser {
	if ids, ok := c.subordinate(); ok {
		return streamApart(ctx, ids, taskImplied, pile)
	}
	reader, writer := io.Pipe()
	go func() { writer.CloseWithError(packImplied(ctx, writer, pile)) }()
	return reader
}

func packImplied(ctx context.Context, w io.Writer, pile []pack.Sparse) error {
	archive := pack.NewWriter(ctx, w)
	if n, err := archive.Implied(pile); n == 0 || err != nil {
		return err
	}
	return archive.Close()
}
