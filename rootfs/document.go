package rootfs

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"aquarium/rootfs/stack"
)

const (
	documentName    = "rootfs.json"
	documentVersion = 1
	maxDocument     = 4 << 20 // bytes

	// MaxLayers is how many layers one overlay may have (kernel: OVL_MAX_STACK).
	MaxLayers = 500
)

// Document describes a stored root filesystem: rootfs.json.
type Document struct {
	Version int `json:"version"`
	// Layers are the digests of the layers' uncompressed archives, "sha256:…", the lowest first: what
	// images call diff ids.
	Layers   []string `json:"layers"`
	Defaults Defaults `json:"defaults"`
	// Config is all that an image says about running it, labels and ports too, as it says it: the
	// object "config" of its configuration (OCI image-spec, config.md). An export gives it back.
	Config   json.RawMessage `json:"config,omitempty"`
	Created  time.Time       `json:"created"`
	Source   string          `json:"source,omitempty"`   // what it was made from, in the user's words
	Platform string          `json:"platform,omitempty"` // "linux/amd64", where the source says
	Notes    []string        `json:"notes,omitempty"`    // what could not be kept, in sentences
	// What the check found when it was made; the layers never change after that.
	Problem      string   `json:"problem,omitempty"`
	NeedsCommand bool     `json:"needsCommand,omitempty"`
	Shell        []string `json:"shell,omitempty"`
}

// isDigest reports whether s is "sha256:" and 64 hexadecimal digits, and so is safe in a path.
func isDigest(s string) bool {
	digits, found := strings.CutPrefix(s, "sha256:")
	return found && len(digits) == 64 && strings.Trim(digits, "0123456789abcdef") == ""
}

// Document reads the document of the stored root filesystem of that name. A plain tree has none:
// the error is then fs.ErrNotExist.
func (c *Catalogue) Document(name string) (Document, error) {
	if err := CheckName(name); err != nil {
		return Document{}, err
	}
	d, err := readDocument(filepath.Join(c.storedPath(name), documentName))
	if err != nil {
		return Document{}, fail("read the document of", quote(name), err)
	}
	return d, nil
}

// documentOf reads the document of an entry of the catalogue; fs.ErrNotExist means that it has none.
func (c *Catalogue) documentOf(r Rootfs) (Document, error) {
	if r.Kind != Stored {
		return Document{}, fs.ErrNotExist
	}
	return c.Document(r.Name)
}

func readDocument(path string) (d Document, err error) {
	// A plain tree may have anything of that name: a FIFO must not block, a link not lead away.
	f, err := os.OpenFile(path, os.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK, 0)
	if err != nil {
		return d, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return d, err
	}
	if !info.Mode().IsRegular() {
		return d, errors.New("rootfs.json is not a regular file")
	}
	data, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return d, err
	}
	return parseDocument(data)
}

var errTooLarge = errors.New("rootfs.json is too large")

func parseDocument(data []byte) (d Document, err error) {
	if len(data) > maxDocument {
		return d, errTooLarge
	}
	if err := json.Unmarshal(data, &d); err != nil {
		return Document{}, errText("rootfs.json is damaged: %w", err)
	}
	if err := d.check(); err != nil {
		return Document{}, err
	}
	return d, nil
}

func (d Document) check() error {
	switch {
	case d.Version != documentVersion:
		return errText("rootfs.json is of version %d, known is %d", d.Version, documentVersion)
	case len(d.Layers) == 0:
		return errors.New("rootfs.json names no layer")
	case len(d.Layers) > MaxLayers:
		return errText("%d layers are more than the %d that one overlay can have", len(d.Layers), MaxLayers)
	}
	for _, digest := range d.Layers {
		if !isDigest(digest) {
			return errText("%s is no digest", quote(digest))
		}
	}
	return nil
}

// lower returns the directories of the document's layers, the topmost first.
func (c *Catalogue) lower(d Document) []string {
	var dirs []string
	for _, digest := range slices.Backward(d.Layers) {
		// An image may have one layer twice; overlayfs wants each directory once, and the upper
		// one hides the lower completely.
		if dir := c.mountPath(digest); !slices.Contains(dirs, dir) {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// describe completes the catalogue's entry from a document.
func (c *Catalogue) describe(r *Rootfs, d Document) {
	r.Problem, r.NeedsCommand, r.Defaults = d.Problem, d.NeedsCommand, d.Defaults
	if len(r.Defaults.Command) == 0 {
		r.Defaults.Command = d.Shell
	}
	for _, digest := range d.Layers {
		if _, err := os.Lstat(c.layerTree(digest)); err != nil {
			r.Problem, r.NeedsCommand = "a layer is missing: "+digest, false
		}
	}
}

// examineStack fills in what the document says about the layers' content.
func (c *Catalogue) examineStack(d *Document) (err error) {
	if ids, ok := c.subordinate(); ok {
		return apart{task: taskExamine, args: examineArgs{c.lower(*d), *d}}.do(context.Background(), ids, d)
	}
	*d, err = examineLayers(c.lower(*d), *d)
	return err
}

func examineLayers(dirs []string, d Document) (Document, error) {
	s, err := stack.Open(dirs...)
	if err != nil {
		return d, err
	}
	defer s.Close()
	v := judgeFiles(s)
	d.Problem, d.NeedsCommand, d.Shell = v.problem, v.needsCommand, v.shell
	if len(d.Defaults.Command) == 0 || d.Problem != "" && !d.NeedsCommand {
		return d, nil
	}
	// Without a shell an image is fine if it knows what to run.
	d.Problem, d.NeedsCommand = "", false
	if err := checkCommand(s, d.Defaults); err != nil {
		d.Problem, d.NeedsCommand = err.Error(), true
	}
	return d, nil
}

// Put makes a stored root filesystem of layers that are in the store, under a name that is not
// taken. It appears at once and whole.
func (c *Catalogue) Put(name string, d Document) (Rootfs, error) {
	if err := c.CheckFree(name); err != nil {
		return Rootfs{}, err
	}
	d.Version = documentVersion
	if d.Created.IsZero() {
		d.Created = time.Now().UTC().Truncate(time.Second)
	}
	if err := d.check(); err != nil {
		return Rootfs{}, fail("store", quote(name), err)
	}
	if err := c.examineStack(&d); err != nil {
		return Rootfs{}, fail("store", quote(name), err)
	}
	data, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return Rootfs{}, fail("store", quote(name), err)
	}
	if len(data) > maxDocument {
		return Rootfs{}, fail("store", quote(name), errTooLarge)
	}
	work, err := c.workDir("rootfs")
	if err != nil {
		return Rootfs{}, err
	}
	defer work.discard()
	if err := os.WriteFile(filepath.Join(work.path, documentName), append(data, '\n'), 0o600); err != nil {
		return Rootfs{}, fail("store", quote(name), err)
	}
	if err := makePrivate(c.dataDir, "rootfs"); err != nil {
		return Rootfs{}, err
	}
	// Of two that take one name at the same time, one is told so.
	err = unix.Renameat2(unix.AT_FDCWD, work.path, unix.AT_FDCWD, c.storedPath(name), unix.RENAME_NOREPLACE)
	if errors.Is(err, unix.EEXIST) {
		return Rootfs{}, nameTaken(name)
	}
	if err != nil {
		return Rootfs{}, fail("store", quote(name), err)
	}
	return c.Find(name)
}

// CheckFree returns an error where a name can be none, or is taken.
func (c *Catalogue) CheckFree(name string) error {
	if err := CheckName(name); err != nil {
		return err
	}
	if _, err := os.Lstat(c.storedPath(name)); err == nil {
		return nameTaken(name)
	} else if !errors.Is(err, fs.ErrNotExist) {
		return fail("store", quote(name), err)
	}
	return nil
}

// ErrTaken is the cause where a name is wanted that another root filesystem has.
var ErrTaken = errors.New("the name is taken")

func nameTaken(name string) error {
	return fail("store", quote(name), ErrTaken).
		withHint("choose another name, or remove it first: aquarium rootfs rm %s", name)
}
