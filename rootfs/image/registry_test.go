package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"aquarium/rootfs"
)

func nameTag(t testing.TB, ref string) name.Tag {
	t.Helper()
	tag, err := name.NewTag(ref)
	if err != nil {
		t.Fatal(err)
	}
	return tag
}

// serve starts a registry with the sample image in it as "team/sample:1"; wrap may change answers
// after that.
func serve(t *testing.T, wrap func(http.Handler) http.Handler) (ref string) {
	t.Helper()
	real := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	var handler atomic.Value
	handler.Store(http.HandlerFunc(real.ServeHTTP))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { handler.Load().(http.HandlerFunc)(w, r) }))
	t.Cleanup(server.Close)
	ref = strings.TrimPrefix(server.URL, "http://") + "/team/sample:1"
	if err := remote.Write(nameTag(t, ref), sample(t, thisMachine())); err != nil {
		t.Fatal(err)
	}
	if wrap != nil {
		handler.Store(http.HandlerFunc(wrap(real).ServeHTTP))
	}
	return ref
}

func TestPull(t *testing.T) {
	t.Parallel()
	var blobs atomic.Int32
	ref := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
				blobs.Add(1)
			}
			next.ServeHTTP(w, r)
		})
	})
	c := newStore(t)
	r, err := Pull(t.Context(), c, "one", ref, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, c, r)
	if d, err := c.Document("one"); err != nil || d.Source != ref {
		t.Errorf("the document is %+v, %v", d, err)
	}
	before := blobs.Load()
	if _, err := Pull(t.Context(), c, "two", ref, Options{}); err != nil {
		t.Fatal(err)
	}
	if again := blobs.Load() - before; again != 1 { // the configuration
		t.Errorf("the second pull fetched %d blobs", again)
	}
}

// Transfers that break half-way are begun again.
func TestPullOverABadLine(t *testing.T) {
	t.Parallel()
	var seen sync.Map
	ref := serve(t, func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !strings.Contains(r.URL.Path, "/blobs/") {
				next.ServeHTTP(w, r)
				return
			}
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, r)
			body := answer.Body.Bytes()
			if _, again := seen.LoadOrStore(r.URL.Path, true); !again && !json.Valid(body) {
				w.Header().Set("Content-Length", fmt.Sprint(len(body)))
				w.Write(body[:len(body)/2])
				panic(http.ErrAbortHandler)
			}
			w.Write(body)
		})
	})
	c := newStore(t)
	r, err := Pull(t.Context(), c, "x", ref, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, c, r)
}

// A registry may keep its layers on another machine, which is told no credentials.
func TestPullIsRedirected(t *testing.T) {
	t.Parallel()
	ref := serve(t, func(registry http.Handler) http.Handler {
		store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Authorization") != "" {
				w.WriteHeader(http.StatusTeapot)
				return
			}
			registry.ServeHTTP(w, r)
		}))
		t.Cleanup(store.Close)
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.Path, "/blobs/") {
				http.Redirect(w, r, strings.Replace(store.URL, "127.0.0.1", "localhost", 1)+r.URL.Path, http.StatusTemporaryRedirect)
				return
			}
			registry.ServeHTTP(w, r)
		})
	})
	c := newStore(t)
	r, err := Pull(t.Context(), c, "x", ref, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, c, r)
}

func TestPushAndPull(t *testing.T) {
	t.Parallel()
	ref := serve(t, nil)
	there := strings.Replace(ref, "team/sample:1", "pushed:2", 1)
	c := newStore(t)
	r := mustImport(t, c, "one", writeLayout(t, sample(t, thisMachine())), Options{})
	var reports atomic.Int32
	o := Options{ImportOptions: rootfs.ImportOptions{Progress: func(rootfs.Progress) { reports.Add(1) }}}
	pushed, err := Push(t.Context(), c, r, there, o)
	if err != nil {
		t.Fatal(err)
	}
	if want := strings.TrimSuffix(there, ":2") + "@sha256:"; !strings.HasPrefix(pushed, want) {
		t.Errorf("it is called %s, want %s…", pushed, want)
	}
	for _, from := range []string{there, pushed} {
		other := newStore(t)
		pulled, err := Pull(t.Context(), other, "two", from, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkSample(t, other, pulled)
	}
	if reports.Load() == 0 {
		t.Error("no progress was reported")
	}
}

func TestPullCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(context.Background())
	ref := serve(t, func(http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			cancel()
			<-r.Context().Done()
		})
	})
	c := newStore(t)
	if _, err := Pull(ctx, c, "x", ref, Options{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error is %v", err)
	}
	if got := left(t, c); got != "0 0 0" {
		t.Errorf("names, layers and work are %s, want none", got)
	}
}

func TestExportedArchives(t *testing.T) {
	t.Parallel()
	c := newStore(t)
	r := mustImport(t, c, "one", writeLayout(t, sample(t, thisMachine())), Options{})
	for _, format := range []Format{OCIArchive, DockerArchive} {
		var first, second bytes.Buffer
		err := errors.Join(Export(t.Context(), c, r, format, "", &first, nil), Export(t.Context(), c, r, format, "", &second, nil))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(first.Bytes(), second.Bytes()) {
			t.Errorf("%s: two exports differ", format)
		}
		again, err := Import(t.Context(), c, string(format), "-", &first, Options{})
		if err != nil {
			t.Fatal(err)
		}
		checkSample(t, c, again)
	}
	host, err := c.Find(rootfs.HostName)
	if err != nil {
		t.Fatal(err)
	}
	if err := Export(t.Context(), c, host, OCIArchive, "", io.Discard, nil); err == nil || !strings.Contains(err.Error(), "put together for each sandbox") {
		t.Errorf("host: %v", err)
	}
	if err := Export(t.Context(), c, r, "zip", "", io.Discard, nil); err == nil || !strings.Contains(err.Error(), `format "zip" is not known`) {
		t.Errorf("zip: %v", err)
	}
}

func TestNameOf(t *testing.T) {
	t.Parallel()
	for source, want := range map[string]string{
		"debian:12":                        "debian",
		"localhost:5000/team/dev":          "dev",
		"localhost:5000/team/dev:1.2":      "dev",
		"ghcr.io/o/i@sha256:0123":          "i",
		"/tmp/debian.tar.xz":               "debian",
		"/srv/alpine-3.20.oci.tar":         "alpine-3.20",
		"./layout/":                        "layout",
		"host":                             "",
		"":                                 "",
		"/":                                "",
		"..":                               "",
		"\x1b[31m":                         "",
		"a b":                              "",
		"/x/" + strings.Repeat("long", 40): "",
	} {
		if got := NameOf(source); got != want {
			t.Errorf("%q is called %q, want %q", source, got, want)
		}
	}
}

// All layers are known before the first has come, and those that are there already count as done.
func TestPullProgress(t *testing.T) {
	t.Parallel()
	ref := serve(t, nil)
	c := newStore(t)
	pull := func(as string) (first []rootfs.Progress, pace *rootfs.Pace) {
		t.Helper()
		pace = &rootfs.Pace{}
		o := Options{ImportOptions: rootfs.ImportOptions{Progress: func(p rootfs.Progress) {
			first = append(first, p)
			pace.Take(p)
		}}}
		if _, err := Pull(t.Context(), c, as, ref, o); err != nil {
			t.Fatal(err)
		}
		return first, pace
	}
	first, pace := pull("")
	if _, err := c.Find("sample"); err != nil {
		t.Errorf("without a name it is not called as the image: %v", err)
	}
	items := pace.Items()
	if len(items) < 2 || len(first) < len(items) {
		t.Fatalf("items %v of reports %v", items, first)
	}
	for i, item := range items {
		if first[i].Done != 0 || first[i].Total == 0 || first[i].Item != item.Item {
			t.Errorf("report %d is %+v, want the announcement of %s", i, first[i], item.Item)
		}
		if !item.Finished() {
			t.Errorf("%s did not finish", item.Text())
		}
	}
	again, pace := pull("again")
	if sum, finished := pace.Sum(); len(again) != len(items) || finished != len(items) || !sum.Finished() {
		t.Errorf("the second pull reports %v", again)
	}
}
