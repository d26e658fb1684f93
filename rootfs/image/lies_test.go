package image

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

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
	const stalled = "the registry has stopped answering"
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
		}), stalled},
		{"never answers", onManifests(func(w http.ResponseWriter, r *http.Request) { <-r.Context().Done() }), stalled},
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
			var o Options
			if test.want == stalled { // from the others all comes, be it slowly
				o.Stall = 500 * time.Millisecond
			}
			_, err := Pull(t.Context(), c, "x", serve(t, test.wrap), o)
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.ContainsAny(err.Error(), "\x1b\n") {
				t.Errorf("the error is %v, want one line with %q", err, test.want)
			}
			if got := left(t, c); got != "0 0 0" {
				t.Errorf("names, layers and work are %s, want none", got)
			}
		})
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
