package image

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

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
	if err := Push(t.Context(), c, r, there, o); err != nil {
		t.Fatal(err)
	}
	other := newStore(t)
	pulled, err := Pull(t.Context(), other, "two", there, Options{})
	if err != nil {
		t.Fatal(err)
	}
	checkSample(t, other, pulled)
	if reports.Load() == 0 {
		t.Error("no progress was reported")
	}
}

func TestBadRegistries(t *testing.T) {
	t.Parallel()
	onBlobs := func(answer http.HandlerFunc) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/blobs/") {
					answer(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	onLayers := func(answer func(w http.ResponseWriter, r *http.Request, layer []byte)) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				right := httptest.NewRecorder()
				next.ServeHTTP(right, r)
				if body := right.Body.Bytes(); strings.Contains(r.URL.Path, "/blobs/") && !json.Valid(body) {
					answer(w, r, body)
					return
				}
				maps.Copy(w.Header(), right.Header())
				w.WriteHeader(right.Code)
				w.Write(right.Body.Bytes())
			})
		}
	}
	onManifests := func(answer http.HandlerFunc) func(http.Handler) http.Handler {
		return func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if strings.Contains(r.URL.Path, "/manifests/") {
					answer(w, r)
					return
				}
				next.ServeHTTP(w, r)
			})
		}
	}
	tests := []struct {
		name string
		wrap func(http.Handler) http.Handler
		want string
	}{
		{"stalls", onLayers(func(w http.ResponseWriter, r *http.Request, layer []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(layer)))
			w.Write(layer[:len(layer)/2])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}), "the registry has stopped answering"},
		{"never answers", onManifests(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), "the registry has stopped answering"},
		{"redirects for ever", onBlobs(func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }), "redirects"},
		{"other content", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.Write(bytes.Repeat([]byte("x"), len(layer)))
		}), "its digest is sha256:"},
		{"other layer", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			other := bytes.Clone(layer)
			other[4]++ // gzip's time stamp
			w.Write(other)
		}), "its digest is sha256:"},
		{"more than it said", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.Write(append(bytes.Clone(layer), "more"...))
		}), "the registry says that it has "},
		{"less than it said", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.Write(layer[:len(layer)-1])
		}), "the registry says that it has "},
		{"ends early", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.(http.Flusher).Flush() // without a length
			w.Write(layer[:len(layer)-1])
		}), "the transfer broke after "},
		{"cuts off", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.Header().Set("Content-Length", fmt.Sprint(len(layer)))
			w.Write(layer[:1])
		}), "the transfer broke after 1 of "},
		{"a part unasked", onLayers(func(w http.ResponseWriter, _ *http.Request, layer []byte) {
			w.Header().Set("Content-Range", "bytes 1-2/3")
			w.WriteHeader(http.StatusPartialContent)
		}), "a part that nobody asked for"},
		{"elsewhere and no further", onBlobs(func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "ftp://127.0.0.1/", http.StatusFound)
		}), "ftp"},
		{"not there", onManifests(http.NotFound), "the registry has no such image"},
		{"refuses", onManifests(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusForbidden) }), "refuses access"},
		{"breaks", onManifests(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusNotImplemented) }), "the registry answers 501"},
		{"no manifest", onManifests(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			w.Write([]byte("<html>\x1b[31m"))
		}), ""},
		{"endless manifest", onManifests(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/vnd.oci.image.manifest.v1+json")
			for range 9 << 10 {
				w.Write(bytes.Repeat([]byte(" "), 1<<10))
			}
		}), "too large"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := newStore(t)
			_, err := Pull(t.Context(), c, "x", serve(t, test.wrap), Options{Stall: 500 * time.Millisecond})
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is %v, want one line with %q", err, test.want)
			}
			if got := left(t, c); got != "0 0 0" {
				t.Errorf("names, layers and work are %s, want none", got)
			}
		})
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

func TestBadReferences(t *testing.T) {
	t.Parallel()
	for _, ref := range []string{"", "UPPER/case", "a b", "host/../x", "\x1b[31m", strings.Repeat("x", 5000)} {
		_, err := Pull(t.Context(), newStore(t), "x", ref, Options{})
		if err == nil || !strings.Contains(err.Error(), "it is no image name") || len(err.Error()) > 300 {
			t.Errorf("%.40q: the error is %v", ref, err)
		}
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

// What skopeo and umoci make is read here, and what is made here is read by them.
func TestSkopeoAndUmoci(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"skopeo", "umoci"} {
		if _, err := exec.LookPath(program); err != nil {
			if os.Getenv("CI") != "" {
				t.Fatal(err)
			}
			t.Skip(err)
		}
	}
	run := func(args ...string) {
		t.Helper()
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
		}
	}
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	skopeo := []string{"skopeo", "--insecure-policy", "--tmpdir", dir, "copy", "--quiet"}
	source := writeLayout(t, sample(t, thisMachine()))
	c := newStore(t)
	for i, to := range []string{"oci:" + in("oci") + ":x", "oci-archive:" + in("oci.tar") + ":x", "docker-archive:" + in("docker.tar") + ":example/x:1"} {
		run(append(skopeo, "oci:"+source, to)...)
		path := strings.Split(to, ":")[1]
		checkSample(t, c, mustImport(t, c, fmt.Sprintf("from%d", i), path, Options{}))
	}
	run(append(skopeo, "--dest-compress-format", "zstd", "oci:"+source, "oci:"+in("zstd")+":x")...)
	other := newStore(t)
	checkSample(t, other, mustImport(t, other, "zstd", in("zstd"), Options{}))

	if got := left(t, c); got != "3 3 0" {
		t.Errorf("names, layers and work are %s, want 3 3 0: the same digests, whichever way they came", got)
	}
	r, err := c.Find("from0")
	if err != nil {
		t.Fatal(err)
	}
	for format, transport := range map[Format]string{OCIArchive: "oci-archive:", DockerArchive: "docker-archive:"} {
		out, err := os.Create(in(string(format)))
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(Export(t.Context(), c, r, format, "", out, nil), out.Close()); err != nil {
			t.Fatal(err)
		}
		layout := in("back-" + string(format))
		run(append(skopeo, transport+out.Name(), "oci:"+layout+":x")...)
		umoci := []string{"umoci", "unpack", "--image", layout + ":x", layout + "-bundle"}
		if os.Geteuid() != 0 {
			umoci = append(umoci[:2], append([]string{"--rootless"}, umoci[2:]...)...)
		}
		run(umoci...)
		for name, want := range map[string]string{"kept": "third", "d/new": "y"} {
			if data, err := os.ReadFile(filepath.Join(layout+"-bundle/rootfs", name)); string(data) != want {
				t.Errorf("%s: %s holds %q, %v", format, name, data, err)
			}
		}
		for _, name := range []string{"gone", "d/old"} {
			if _, err := os.Lstat(filepath.Join(layout+"-bundle/rootfs", name)); err == nil {
				t.Errorf("%s: %s is there", format, name)
			}
		}
		// What umoci makes of changes is a layer here.
		changed := layout + "-bundle/rootfs/"
		err = errors.Join(os.Remove(changed+"kept"), os.RemoveAll(changed+"d"), os.Mkdir(changed+"d", 0o750), os.WriteFile(changed+"d/newer", []byte("z"), 0o640))
		if err != nil {
			t.Fatal(err)
		}
		run("umoci", "repack", "--image", layout+":changed", layout+"-bundle")
		name := "changed-" + string(format)
		if got, want := content(t, c, mustImport(t, c, name, layout, Options{Tag: "changed"})), "bin/sh=#!/bin/none\n d/newer=z"; got != want {
			t.Errorf("%s: after umoci repack it holds %q, want %q", format, got, want)
		}
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
