package image

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote"

	"aquarium/rootfs"
)

// line stands between a registry and a pull, and does to layers what lines do.
type line struct {
	t     *testing.T
	cut   func(request int) int // after how many bytes of an answer the line breaks; below 0 never
	deny  func(w http.ResponseWriter, r *http.Request) bool
	noted atomic.Int32 // requests for layers
	sent  atomic.Int64 // bytes of layers
}

func (l *line) ServeHTTP(w http.ResponseWriter, r *http.Request, registry http.Handler) {
	if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
		registry.ServeHTTP(w, r)
		return
	}
	whole := r.Clone(r.Context())
	whole.Header.Del("Range")
	answer := httptest.NewRecorder()
	registry.ServeHTTP(answer, whole)
	body := answer.Body.Bytes()
	if json.Valid(body) { // the configuration
		w.Write(body)
		return
	}
	number := int(l.noted.Add(1))
	if l.deny != nil && l.deny(w, r) {
		return
	}
	limit := -1
	if l.cut != nil {
		limit = l.cut(number)
	}
	http.ServeContent(&cutting{w, l, limit}, r, "", time.Time{}, bytes.NewReader(body))
}

// cutting is an answer on a line that breaks.
type cutting struct {
	http.ResponseWriter
	line *line
	left int
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left >= 0 && len(p) > c.left {
		n, _ := c.ResponseWriter.Write(p[:c.left])
		c.line.sent.Add(int64(n))
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	c.line.sent.Add(int64(len(p)))
	return c.ResponseWriter.Write(p)
}

// noise is a file that no compression makes smaller.
func noise(size int) file {
	content := make([]byte, size)
	random := rand.NewChaCha8([32]byte{1})
	random.Read(content)
	return file{"noise", string(content)}
}

// serveNoise serves an image of one large layer over a line.
func serveNoise(t *testing.T, l *line) (ref string, layerSize int64) {
	t.Helper()
	l.t = t
	ref = serve(t, func(registry http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { l.ServeHTTP(w, r, registry) })
	})
	ref = strings.Replace(ref, "sample", "noise", 1)
	image := imageOf(t, thisMachine(), layerOf(t, noise(2<<20)))
	if err := remote.Write(nameTag(t, ref), image); err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	size, err := layers[0].Size()
	if err != nil {
		t.Fatal(err)
	}
	return ref, size
}

func partials(t *testing.T, c *rootfs.Catalogue) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(c.DataDir(), "partial/*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func checkNoise(t *testing.T, c *rootfs.Catalogue, r rootfs.Rootfs, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	want := noise(2 << 20)
	dirs, _, err := c.Layers(r)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(filepath.Join(dirs[0], want.name)); err != nil || string(got) != want.content {
		t.Errorf("the layer holds %d other bytes, %v", len(got), err)
	}
	if kept := partials(t, c); len(kept) != 0 {
		t.Errorf("parts are left: %q", kept)
	}
}

// A line that breaks every half megabyte brings each byte once.
func TestTransferGoesOnWhereItBroke(t *testing.T) {
	t.Parallel()
	l := &line{cut: func(int) int { return 500 << 10 }}
	ref, size := serveNoise(t, l)
	c := newStore(t)
	r, err := Pull(t.Context(), c, "x", ref, Options{})
	checkNoise(t, c, r, err)
	if l.noted.Load() != 5 || l.sent.Load() != size {
		t.Errorf("%d requests brought %d bytes of %d, want 5 and each once", l.noted.Load(), l.sent.Load(), size)
	}
}

// breakOff pulls until the line is dead for good, and returns the store with what had come.
func breakOff(t *testing.T, l *line) (c *rootfs.Catalogue, ref string, size int64) {
	t.Helper()
	l.cut = func(request int) int {
		if request == 1 {
			return 1 << 20
		}
		return 0
	}
	ref, size = serveNoise(t, l)
	c = newStore(t)
	_, err := Pull(t.Context(), c, "x", ref, Options{})
	hint, _ := err.(interface{ Hint() string })
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the transfer broke after 1048576 of %d bytes", size)) || !strings.Contains(hint.Hint(), "pull again") {
		t.Fatalf("the error is %v", err)
	}
	if got := left(t, c); got != "0 0 0" || len(partials(t, c)) != 1 {
		t.Fatalf("names, layers and work are %s, parts %q; want one part", got, partials(t, c))
	}
	l.cut = nil
	l.sent.Store(0)
	return c, ref, size
}

func TestNextPullGoesOn(t *testing.T) {
	t.Parallel()
	half := int64(1 << 20)
	for name, test := range map[string]struct {
		deny   func(w http.ResponseWriter, r *http.Request) bool
		damage func(path string) error
		want   func(size int64) int64 // bytes that are to come
	}{
		"from there": {nil, nil, func(size int64) int64 { return size - half }},
		"without parts": {func(_ http.ResponseWriter, r *http.Request) bool {
			r.Header.Del("Range")
			return false
		}, nil, func(size int64) int64 { return size }},
		"another part": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.Header().Set("Content-Range", "bytes 7-8/9")
			w.WriteHeader(http.StatusPartialContent)
			w.Write([]byte("no"))
			return true
		}, nil, func(size int64) int64 { return size }},
		"no such part": {func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("Range") == "" {
				return false
			}
			w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
			return true
		}, nil, func(size int64) int64 { return size }},
		"damaged meanwhile": {nil, func(path string) error {
			return os.WriteFile(path, bytes.Repeat([]byte("x"), int(half)), 0o600)
		}, nil},
		"a hole at its end": {nil, func(path string) error { // as after a power cut
			if err := os.Truncate(path, half/2); err != nil {
				return err
			}
			return os.Truncate(path, half)
		}, nil},
		"too long":         {nil, func(path string) error { return os.Truncate(path, 1<<30) }, func(size int64) int64 { return size }},
		"of full length":   {nil, func(path string) error { return os.Truncate(path, 2<<20) }, nil},
		"nothing any more": {nil, os.Remove, func(size int64) int64 { return size }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &line{}
			c, ref, size := breakOff(t, l)
			l.deny = test.deny
			if test.damage != nil {
				if err := test.damage(partials(t, c)[0]); err != nil {
					t.Fatal(err)
				}
			}
			r, err := Pull(t.Context(), c, "x", ref, Options{})
			checkNoise(t, c, r, err)
			if test.want != nil && l.sent.Load() != test.want(size) {
				t.Errorf("%d bytes came, want %d of %d", l.sent.Load(), test.want(size), size)
			}
		})
	}
}

func TestPartsAreCleared(t *testing.T) {
	t.Parallel()
	c, _, _ := breakOff(t, &line{})
	if n := c.Sweep(); n != 0 || len(partials(t, c)) != 1 {
		t.Errorf("a fresh part was swept away: %d", n)
	}
	long := time.Now().Add(-25 * time.Hour)
	if err := os.Chtimes(partials(t, c)[0], long, long); err != nil {
		t.Fatal(err)
	}
	if n := c.Sweep(); n != 1 || len(partials(t, c)) != 0 {
		t.Errorf("of a part that nobody wanted for a day %q is left, %d swept", partials(t, c), n)
	}
	c, _, _ = breakOff(t, &line{})
	if p, err := c.Prune(); err != nil || p.Interrupted != 1 || len(partials(t, c)) != 0 {
		t.Errorf("pruned %+v, %v; %q is left", p, err, partials(t, c))
	}
}

// Who cancels wants nothing left, not even for later.
func TestCanceledPullKeepsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	l := &line{cut: func(request int) int { return 1 << 20 }}
	l.deny = func(_ http.ResponseWriter, r *http.Request) bool {
		if l.noted.Load() > 1 {
			cancel()
			<-r.Context().Done()
		}
		return false
	}
	ref, _ := serveNoise(t, l)
	c := newStore(t)
	if _, err := Pull(ctx, c, "x", ref, Options{}); err == nil {
		t.Error("it was not canceled")
	}
	if got := left(t, c); got != "0 0 0" || len(partials(t, c)) != 0 {
		t.Errorf("names, layers and work are %s, parts %q; want none", got, partials(t, c))
	}
}

// Two pulls of the same at once: one keeps what comes, the other does without.
func TestPullsSideBySide(t *testing.T) {
	t.Parallel()
	ref, _ := serveNoise(t, &line{cut: func(int) int { return 700 << 10 }})
	c := newStore(t)
	errs := make(chan error)
	for i := range 3 {
		go func() {
			_, err := Pull(t.Context(), c, fmt.Sprint("x", i), ref, Options{})
			errs <- err
		}()
	}
	for range 3 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if got := left(t, c); got != "3 1 0" || len(partials(t, c)) != 0 {
		t.Errorf("names, layers and work are %s, parts %q; want 3 1 0 and none", got, partials(t, c))
	}
}
