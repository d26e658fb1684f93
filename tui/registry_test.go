package tui

import (
	"archive/tar"
	"bytes"
	"io"
	"log"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// slowRegistry is a registry on the loopback whose layers stop half-way until
// they are let through.
type slowRegistry struct {
	host   string
	image  string        // an image of several layers that is in it
	passes chan struct{} // closed lets all through
}

// layerCount is how many layers the image has: more than are fetched side by side.
const layerCount = 5

func newSlowRegistry(t *testing.T) *slowRegistry {
	t.Helper()
	passes := make(chan struct{})
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			w = &halting{w, r, passes, 0}
		}
		real.ServeHTTP(w, r)
	}))
	t.Cleanup(server.CloseClientConnections)
	host := strings.TrimPrefix(server.URL, "http://")
	reg := &slowRegistry{host, host + "/team/tank:1", passes}
	tag, err := name.NewTag(reg.image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(tag, tankImage(t)); err != nil {
		t.Fatal(err)
	}
	return reg
}

// halting writes a layer's first half at once, and the rest when it may.
type halting struct {
	http.ResponseWriter
	request *http.Request
	passes  chan struct{}
	sent    int
}

func (h *halting) Write(p []byte) (int, error) {
	total, _ := strconv.Atoi(h.Header().Get("Content-Length"))
	const document = 16 << 10 // what is smaller is no layer
	first := max(0, total/2-h.sent)
	if total > document && first < len(p) {
		n, err := h.ResponseWriter.Write(p[:first])
		if err != nil {
			return n, err
		}
		h.ResponseWriter.(http.Flusher).Flush()
		select {
		case <-h.passes:
		case <-h.request.Context().Done():
			return n, h.request.Context().Err()
		}
		m, err := h.ResponseWriter.Write(p[first:])
		h.sent += n + m
		return n + m, err
	}
	n, err := h.ResponseWriter.Write(p)
	h.sent += n
	return n, err
}

// tankImage is an image that busybox is in, with layers that do not compress.
func tankImage(t *testing.T) v1.Image {
	t.Helper()
	program, err := os.ReadFile(needProgram(t, "busybox"))
	if err != nil {
		t.Fatal(err)
	}
	layers := []v1.Layer{tarLayer(t, map[string][]byte{"bin/sh": program, "bin/cat": program, "etc/motd": []byte("from the registry\n")})}
	for i := range layerCount - 1 {
		water := make([]byte, 100<<10)
		random := rand.NewChaCha8([32]byte{byte(i)})
		random.Read(water)
		layers = append(layers, tarLayer(t, map[string][]byte{"water" + strconv.Itoa(i): water}))
	}
	image, err := mutate.AppendLayers(empty.Image, layers...)
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	config = config.DeepCopy()
	config.OS, config.Architecture = "linux", runtime.GOARCH
	if image, err = mutate.ConfigFile(image, config); err != nil {
		t.Fatal(err)
	}
	return image
}

func tarLayer(t *testing.T, files map[string][]byte) v1.Layer {
	t.Helper()
	archive := tarOf(t, files)
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(archive)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return layer
}

// tarOf packs files, each executable.
func tarOf(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for name, content := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(content))}); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// leftovers are the names, the layers and the work in progress in the store.
func (h home) leftovers(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"rootfs/*", "layers/sha256/*", "l/*", "tmp/*", "partial/*"} {
		found, err := filepath.Glob(filepath.Join(h.store.Data, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range found {
			all = append(all, strings.TrimPrefix(path, h.store.Data+"/"))
		}
	}
	return all
}
