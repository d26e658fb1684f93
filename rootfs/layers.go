package rootfs

import (
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/unpack"
)

// Layer describes one layer of the store: layer.json.
type Layer struct {
	Digest  string   `json:"digest"`  // of the uncompressed archive, "sha256:…"
	Bytes   int64    `json:"bytes"`   // of file content
	Entries int      `json:"entries"` // in the archive
	Notes   []string `json:"notes,omitempty"`
	// Implied are the directories that the archive does not list; see [unpack.Report].
	Implied [][]byte `json:"implied,omitempty"`
}

// LayerOptions say how an archive becomes a layer.
type LayerOptions struct {
	// Digest is what the uncompressed archive has to have, "sha256:…"; "" accepts any.
	Digest string
	// Image takes names such as ".wh.x" as whiteouts.
	Image  bool
	Limits unpack.Limits
	// Check, if not nil, is called when all is unpacked; its error refuses the layer.
	Check func() error
}

func (c *Catalogue) layerDir(digest string) string {
	return filepath.Join(c.dataDir, "layers", "sha256", strings.TrimPrefix(digest, "sha256:"))
}

func (c *Catalogue) layerTree(digest string) string {
	return filepath.Join(c.layerDir(digest), "tree")
}

// shortLength is how many digits of a digest a layer's short name has: enough that two layers of
// one store never share it by chance.
const shortLength = 12

// shortPath is where the link to a layer's tree is.
func (c *Catalogue) shortPath(digest string) string {
	return filepath.Join(c.dataDir, "l", strings.TrimPrefix(digest, "sha256:")[:shortLength])
}

// mountPath is the name to mount a layer by: the short one, wherever it leads to the right layer.
func (c *Catalogue) mountPath(digest string) string {
	short := c.shortPath(digest)
	if target, err := os.Readlink(short); err == nil && target == shortTarget(digest) {
		return short
	}
	return c.layerTree(digest)
}

func shortTarget(digest string) string {
	return filepath.Join("..", "layers", "sha256", strings.TrimPrefix(digest, "sha256:"), "tree")
}

// linkShort gives a layer its short name. Where another has it, or the file system has no links,
// the layer is mounted by its long one.
func (c *Catalogue) linkShort(digest string) error {
	if err := makePrivate(c.dataDir, "l"); err != nil {
		return err
	}
	_ = os.Symlink(shortTarget(digest), c.shortPath(digest))
	return nil
}

// Layer returns the description of a layer, and whether it is in the store.
func (c *Catalogue) Layer(digest string) (Layer, bool) {
	if !isDigest(digest) {
		return Layer{}, false
	}
	data, err := os.ReadFile(filepath.Join(c.layerDir(digest), "layer.json"))
	var l Layer
	if err != nil || json.Unmarshal(data, &l) != nil || l.Digest != digest {
		return Layer{}, false
	}
	return l, true
}

// AddLayer unpacks an archive, compressed or not, as a layer of the store. One that is there
// already is left as it is. Whatever goes wrong, nothing of it stays. The caller holds the store
// ([Catalogue.Hold]) until a document refers to the layer.
func (c *Catalogue) AddLayer(ctx context.Context, archive io.Reader, o LayerOptions) (Layer, error) {
	if o.Digest != "" && !isDigest(o.Digest) {
		return Layer{}, errText("%s is no digest", quote(o.Digest))
	}
	if l, known := c.Layer(o.Digest); known {
		return l, nil
	}
	work, err := c.workDir("layer")
	if err != nil {
		return Layer{}, err
	}
	defer work.discard()
	l, err := c.unpackLayer(ctx, work.path, archive, o)
	if err != nil {
		return Layer{}, err
	}
	return l, c.publishLayer(work.path, l)
}

func (c *Catalogue) unpackLayer(ctx context.Context, dir string, archive io.Reader, o LayerOptions) (Layer, error) {
	tree := filepath.Join(dir, "tree")
	if err := makeDir(tree, 0o755); err != nil {
		return Layer{}, err
	}
	stream, err := unpack.Open(archive, o.Limits)
	if err != nil {
		return Layer{}, err
	}
	defer stream.Close()
	digest := newDigester(stream)
	// The headers of an archive are read in small pieces; handing each to the hash would cost more
	// than the hash.
	buffered := bufio.NewReaderSize(digest, digestPiece)
	report, err := c.apply(ctx, tree, buffered, o, stream.Made)
	sum := digest.sum()
	if err != nil {
		return Layer{}, err
	}
	if o.Digest != "" && sum != o.Digest {
		return Layer{}, errText("its digest is %s, not %s", sum, o.Digest)
	}
	if o.Check != nil {
		if err := o.Check(); err != nil {
			return Layer{}, err
		}
	}
	return Layer{Digest: sum, Bytes: report.Bytes, Entries: report.Entries, Notes: report.Notes(), Implied: report.Implied}, nil
}

func (c *Catalogue) publishLayer(dir string, l Layer) error {
	data, err := json.MarshalIndent(l, "", "\t")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "layer.json"), append(data, '\n'), 0o600); err != nil {
		return fail("write", "layer.json", err)
	}
	if err := makePrivate(c.dataDir, "layers", "layers/sha256"); err != nil {
		return err
	}
	err = os.Rename(dir, c.layerDir(l.Digest))
	if err != nil && !errors.Is(err, unix.EEXIST) && !errors.Is(err, unix.ENOTEMPTY) {
		return fail("store layer", l.Digest, err)
	}
	return c.linkShort(l.Digest) // the layer is made by us, or by somebody else at the same time
}

// digester takes the digest of what is read through it, in a goroutine of its own, because that
// takes as long as the unpacking.
type digester struct {
	reader io.Reader
	pieces chan []byte
	free   chan []byte
	done   chan struct{}
	hash   hash.Hash
}

// digestPieces is how many pieces may wait for the hash, and digestPiece the size of one in bytes.
const (
	digestPieces = 8
	digestPiece  = 256 << 10
)

func newDigester(r io.Reader) *digester {
	d := &digester{reader: r, pieces: make(chan []byte, digestPieces), free: make(chan []byte, digestPieces), done: make(chan struct{}), hash: sha256.New()}
	for range digestPieces {
		d.free <- make([]byte, 0, digestPiece)
	}
	go func() {
		defer close(d.done)
		for piece := range d.pieces {
			d.hash.Write(piece)
			d.free <- piece[:0]
		}
	}()
	return d
}

func (d *digester) Read(p []byte) (int, error) {
	n, err := d.reader.Read(p[:min(len(p), digestPiece)])
	if n > 0 {
		d.pieces <- append(<-d.free, p[:n]...)
	}
	return n, err
}

// sum ends the goroutine and returns the digest of all that was read.
func (d *digester) sum() string {
	close(d.pieces)
	<-d.done
	return "sha256:" + hex.EncodeToString(d.hash.Sum(nil))
}
