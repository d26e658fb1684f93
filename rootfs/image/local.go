package image

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"aquarium/rootfs"
	"aquarium/rootfs/inside"
	"aquarium/rootfs/unpack"
)

// Import makes a root filesystem of source: a directory, a tar of a root filesystem (plain, gzip,
// xz, zstd or bzip2), an OCI layout as a directory or a tar, or a `docker save` archive. Which of
// them it is, is seen from the content. "-" reads a tar from standard input.
func Import(ctx context.Context, c *rootfs.Catalogue, name, source string, stdin io.Reader, o Options) (rootfs.Rootfs, error) {
	if err := c.CheckFree(name); err != nil {
		return rootfs.Rootfs{}, err
	}
	if source == "-" {
		if o.Source == "" {
			o.Source = "standard input"
		}
		archive := interruptible(ctx, func() (io.ReadCloser, error) { return io.NopCloser(stdin), nil })
		defer archive.Close()
		return importStream(ctx, c, name, archive, 0, o)
	}
	if o.Source == "" {
		o.Source = absolute(source)
	}
	// A FIFO is as good a source as a file, so it may block; a directory must not be opened as one.
	info, err := os.Stat(source)
	if err != nil {
		return rootfs.Rootfs{}, importError(source, err)
	}
	if info.IsDir() {
		return importDir(ctx, c, name, source, o)
	}
	if !info.Mode().IsRegular() {
		archive := interruptible(ctx, func() (io.ReadCloser, error) { return os.Open(source) })
		defer archive.Close()
		return importStream(ctx, c, name, archive, 0, o)
	}
	f, err := os.Open(source)
	if err != nil {
		return rootfs.Rootfs{}, importError(source, err)
	}
	defer f.Close()
	return importStream(ctx, c, name, f, info.Size(), o)
}

// interruptible reads what may block for ever, until ctx is done or it is closed. A read that blocks
// then is left behind; what was opened is closed when it returns.
func interruptible(ctx context.Context, open func() (io.ReadCloser, error)) io.ReadCloser {
	reader, writer := io.Pipe()
	context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
	go func() {
		from, err := open()
		if err == nil {
			_, err = io.Copy(writer, from)
			from.Close()
		}
		writer.CloseWithError(err)
	}()
	return reader
}

func absolute(path string) string {
	if abs, err := filepath.Abs(path); err == nil {
		return abs
	}
	return path
}

// importError is one line about a source.
func importError(source string, err error) error { return rootfs.MakeError("import", source, err) }

func importDir(ctx context.Context, c *rootfs.Catalogue, name, dir string, o Options) (rootfs.Rootfs, error) {
	tree, err := inside.Open(dir)
	if err != nil {
		return rootfs.Rootfs{}, importError(dir, err)
	}
	defer tree.Close()
	image, err := readImage(tree, o)
	if errors.Is(err, errNoImage) && o.Tag != "" {
		err = noneCalled(o.Tag)
	}
	if errors.Is(err, errNoImage) {
		return c.ImportDirectory(ctx, name, dir, o.ImportOptions)
	}
	if err != nil {
		return rootfs.Rootfs{}, importError(dir, err)
	}
	r, err := store(ctx, c, name, image, o)
	if err != nil {
		return r, importError(dir, err)
	}
	return r, nil
}

func importStream(ctx context.Context, c *rootfs.Catalogue, name string, archive io.Reader, size int64, o Options) (rootfs.Rootfs, error) {
	archive, isImage := sniff(archive)
	if !isImage {
		if o.Tag != "" {
			return rootfs.Rootfs{}, importError(name, noneCalled(o.Tag))
		}
		return c.ImportArchive(ctx, name, archive, size, o.ImportOptions)
	}
	dir, discard, err := c.Scratch("image")
	if err != nil {
		return rootfs.Rootfs{}, err
	}
	defer discard()
	if err := spool(ctx, dir, archive, size, o); err != nil {
		return rootfs.Rootfs{}, importError(name, err)
	}
	tree, err := inside.Open(dir)
	if err != nil {
		return rootfs.Rootfs{}, importError(name, err)
	}
	defer tree.Close()
	image, err := readImage(tree, o)
	if err != nil {
		return rootfs.Rootfs{}, importError(name, err)
	}
	r, err := store(ctx, c, name, image, o)
	if err != nil {
		return r, importError(name, err)
	}
	return r, nil
}

// spool unpacks an image archive, whose parts come in any order, so that they can be read in theirs.
func spool(ctx context.Context, dir string, archive io.Reader, size int64, o Options) error {
	meter := rootfs.NewMeter(o.Progress, "read", "", size)
	defer meter.Stop()
	stream, err := unpack.Open(meter.Reader(archive), o.Limits)
	if err != nil {
		return err
	}
	defer stream.Close()
	if _, err := unpack.Apply(ctx, dir, stream, unpack.Options{Limits: o.Limits, Made: stream.Made}); err != nil {
		return err
	}
	meter.Finish()
	return nil
}

// errNoImage means that a directory holds no image; it may be a root filesystem.
var errNoImage = errors.New("there is no image in it")

// noneCalled is the error where an image is wanted by its name, and there is none at all.
func noneCalled(tag string) error {
	return fmt.Errorf("it is no image, so there is none called %q", tag)
}

// readImage finds out what kind of image a directory holds, and reads its documents.
func readImage(tree *inside.Tree, o Options) (contents, error) {
	if st, err := tree.Lstat("oci-layout"); err == nil && st.Mode&unix.S_IFMT == unix.S_IFREG {
		return readLayout(tree, o)
	}
	if data, err := tree.ReadFile("manifest.json", maxDocument); err == nil && bytes.Contains(data, []byte(`"Config"`)) {
		return readDockerArchive(tree, data, o)
	}
	return contents{}, errNoImage
}
