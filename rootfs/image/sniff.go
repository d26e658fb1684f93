package image

import (
	"archive/tar"
	"bytes"
	"io"
	"strings"
	"sync"

	"aquarium/rootfs/unpack"
)

// sniffSize is how much of an archive is looked at to see what it is, in bytes, as it comes and
// decompressed. All of a block has to be there before its beginning is seen: up to 900 kB with bzip2.
const sniffSize = 4 << 20

// sniff tells from an archive's beginning whether it is an image or a root filesystem, and returns
// the whole archive again.
func sniff(archive io.Reader) (_ io.Reader, isImage bool) {
	head := &recorder{from: archive}
	isImage = looksLikeImage(head)
	return head.rest(), isImage
}

// recorder keeps what is read through it.
type recorder struct {
	mutex sync.Mutex // a decompressor may read ahead, for a while after it is closed too
	from  io.Reader
	seen  []byte
	over  bool
}

func (r *recorder) Read(p []byte) (int, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	p = p[:min(len(p), sniffSize-len(r.seen))]
	if r.over || len(p) == 0 {
		return 0, io.EOF
	}
	n, err := r.from.Read(p)
	r.seen = append(r.seen, p[:n]...)
	return n, err
}

// rest returns all, from the beginning; nothing is recorded any more.
func (r *recorder) rest() io.Reader {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.over = true
	return io.MultiReader(bytes.NewReader(r.seen), r.from)
}

func looksLikeImage(archive io.Reader) bool {
	stream, err := unpack.Open(archive, unpack.Limits{})
	if err != nil {
		return false
	}
	defer stream.Close()
	entries := tar.NewReader(io.LimitReader(stream, sniffSize))
	for {
		header, err := entries.Next()
		if err != nil {
			return false
		}
		name := strings.Trim(strings.TrimPrefix(header.Name, "./"), "/")
		if isImagePart(name, entries) {
			return true
		}
		if top, _, _ := strings.Cut(name, "/"); isTreePart(top) {
			return false
		}
	}
}

// isTreePart tells names that only a root filesystem has at its top (file-hierarchy(7)).
func isTreePart(name string) bool {
	switch name {
	case "bin", "boot", "dev", "etc", "home", "lib", "lib64", "proc", "root", "run", "sbin", "sys", "tmp", "usr", "var":
		return true
	}
	return false
}

// isImagePart tells whether an entry of an archive is what docker, podman, skopeo, umoci and this
// package put into images: a document that says so, or a file that is called by its digest.
func isImagePart(name string, content io.Reader) bool {
	documents := map[string]string{"oci-layout": `"imageLayoutVersion"`, "index.json": `"manifests"`, "manifest.json": `"Config"`}
	if says, known := documents[name]; known {
		data, _ := io.ReadAll(io.LimitReader(content, maxDocument)) // one that is cut off says enough
		return bytes.Contains(data, []byte(says))
	}
	name = strings.TrimPrefix(strings.TrimPrefix(name, "blobs/"), "sha256/")
	top, _, _ := strings.Cut(strings.TrimPrefix(name, "sha256:"), "/")
	for _, ending := range []string{".json", ".gz", ".tar"} {
		top = strings.TrimSuffix(top, ending)
	}
	return isDigits(top)
}

// isDigits tells whether s is a digest's 64 hexadecimal digits.
func isDigits(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }
