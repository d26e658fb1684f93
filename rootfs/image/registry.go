package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"aquarium/rootfs"
)

// Defaults for registries.
const (
	defaultStall = time.Minute
	defaultJobs  = 3
	userAgent    = "aquarium"
)

// Pull makes a root filesystem of an image in a registry, such as "debian:12",
// "ghcr.io/owner/image@sha256:…" or "localhost:5000/image". Credentials come from the files of
// Docker and Podman. Layers that an earlier pull finished are not fetched again. as is what it is
// called in the catalogue; "" takes [NameOf] ref.
func Pull(ctx context.Context, c *rootfs.Catalogue, as, ref string, o Options) (rootfs.Rootfs, error) {
	reference, err := parseReference(ref, o)
	if err != nil {
		return rootfs.Rootfs{}, rootfs.NewError("pull", ref, err)
	}
	if as == "" {
		as = NameOf(ref)
	}
	if err := c.CheckFree(as); err != nil {
		return rootfs.Rootfs{}, err
	}
	r := newRemoteBlobs(ctx, reference.Context(), o)
	image, err := r.image(reference, o.Platform)
	if err != nil {
		return rootfs.Rootfs{}, registryError("pull", ref, err)
	}
	image.source = reference.Name()
	made, err := store(ctx, c, as, image, o)
	if err != nil {
		return rootfs.Rootfs{}, registryError("pull", ref, err)
	}
	return made, nil
}

// NameOf is the name that an image or an archive gets where nobody gives it one: the last part of
// where it comes from, without tag, digest and what kind of archive it is. It is "" where that makes
// no name.
func NameOf(source string) string {
	last := path.Base(strings.TrimRight(source, "/"))
	last, _, _ = strings.Cut(last, "@")
	if i := strings.LastIndexByte(last, ':'); i > 0 {
		last = last[:i]
	}
	for _, ending := range []string{".gz", ".xz", ".zst", ".bz2", ".tgz", ".txz", ".tar", ".oci", ".docker"} {
		last = strings.TrimSuffix(last, ending)
	}
	if rootfs.CheckName(last) != nil {
		return ""
	}
	return last
}

func parseReference(ref string, o Options) (name.Reference, error) {
	var options []name.Option
	if o.PlainHTTP {
		options = append(options, name.Insecure)
	}
	reference, err := name.ParseReference(ref, options...)
	if err != nil || strings.Contains(ref, "..") {
		return nil, errors.New("it is no image name, such as debian:12 or registry.example/team/image:tag")
	}
	return reference, nil
}

// registryError says in one line what a registry answered, with a way out where there is one.
func registryError(verb, ref string, err error) error {
	var answer *transport.Error
	if !errors.As(err, &answer) {
		return rootfs.MakeError(verb, ref, err)
	}
	switch answer.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		return rootfs.NewError(verb, ref, errors.New("the registry refuses access, or there is no such image")).
			WithHint("log in with podman login or docker login; their credential files are read")
	case http.StatusNotFound:
		return rootfs.NewError(verb, ref, errors.New("the registry has no such image"))
	case http.StatusTooManyRequests:
		return rootfs.NewError(verb, ref, errors.New("the registry has had too many requests from here")).WithHint("wait, or log in")
	}
	return rootfs.NewError(verb, ref, fmt.Errorf("the registry answers %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
}

// remoteBlobs reads one repository of a registry.
type remoteBlobs struct {
	repository name.Repository
	options    []remote.Option
	stall      time.Duration
	jobs       int
}

func newRemoteBlobs(ctx context.Context, repository name.Repository, o Options) *remoteBlobs {
	r := &remoteBlobs{repository: repository, stall: o.Stall, jobs: o.Jobs}
	if r.stall == 0 {
		r.stall = defaultStall
	}
	if r.jobs == 0 {
		r.jobs = defaultJobs
	}
	base := o.Transport
	if base == nil {
		base = remote.DefaultTransport
	}
	r.options = []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(authn.DefaultKeychain), remote.WithUserAgent(userAgent),
		remote.WithTransport(&patient{base: base, stall: r.stall}), remote.WithJobs(r.jobs),
	}
	return r
}

// image finds the image that a reference means and reads its documents.
func (r *remoteBlobs) image(reference name.Reference, platform string) (contents, error) {
	found, err := remote.Get(reference, r.options...)
	if err != nil {
		return contents{}, err
	}
	d := found.Descriptor
	if len(found.Manifest) > maxDocument {
		return contents{}, errors.New("its manifest is too large")
	}
	if d.MediaType.IsIndex() {
		var index v1.IndexManifest
		if err := decode(found.Manifest, "index", &index); err != nil {
			return contents{}, err
		}
		if d, err = choose(r, index.Manifests, "", platform); err != nil {
			return contents{}, err
		}
	} else if !d.MediaType.IsImage() {
		return contents{}, fmt.Errorf("it is no image, but %s", rootfs.Visible(string(d.MediaType)))
	}
	return readManifest(r, d, r.jobs)
}

// document fetches a manifest, an index or a configuration.
func (r *remoteBlobs) document(d v1.Descriptor) ([]byte, error) {
	if d.Size > maxDocument {
		return nil, errors.New("a document of the image is too large")
	}
	if d.MediaType.IsImage() || d.MediaType.IsIndex() || d.MediaType.IsSchema1() {
		found, err := remote.Get(r.repository.Digest(d.Digest.String()), r.options...)
		if err != nil {
			return nil, err
		}
		return found.Manifest, nil // its digest was checked against the reference
	}
	stream, err := r.blob(context.Background(), d)
	if err != nil {
		return nil, err
	}
	defer stream.Close()
	return readVerified(stream, d.Digest.String(), d.Size)
}

// blob fetches a layer or a configuration.
func (r *remoteBlobs) blob(ctx context.Context, d v1.Descriptor) (io.ReadCloser, error) {
	options := append([]remote.Option{}, r.options...)
	if ctx != context.Background() {
		options = append(options, remote.WithContext(ctx))
	}
	layer, err := remote.Layer(r.repository.Digest(d.Digest.String()), options...)
	if err != nil {
		return nil, err
	}
	return layer.Compressed()
}

// patient is a transport that gives up when nothing arrives for a while, however long a transfer as
// a whole may take.
type patient struct {
	base  http.RoundTripper
	stall time.Duration
}

// errStalled is the cause when a registry sends nothing more.
var errStalled = errors.New("the registry has stopped answering")

// maxRedirects is how often a registry may send a request elsewhere. The library below follows
// redirects without an end.
const maxRedirects = 10

func redirects(request *http.Request) int {
	n := 0
	for from := request.Response; from != nil && from.Request != nil; from = from.Request.Response {
		n++
	}
	return n
}

func (p *patient) RoundTrip(request *http.Request) (*http.Response, error) {
	if redirects(request) > maxRedirects {
		return nil, errors.New("the registry redirects without end")
	}
	ctx, cancel := context.WithCancelCause(request.Context())
	timer := time.AfterFunc(p.stall, func() { cancel(errStalled) })
	response, err := p.base.RoundTrip(request.WithContext(ctx))
	if err != nil {
		timer.Stop()
		defer cancel(nil)
		if cause := context.Cause(ctx); cause != nil {
			return nil, cause
		}
		return nil, err
	}
	response.Body = &patientBody{response.Body, ctx, cancel, timer, p.stall}
	return response, nil
}

type patientBody struct {
	io.ReadCloser
	ctx    context.Context
	cancel context.CancelCauseFunc
	timer  *time.Timer
	stall  time.Duration
}

func (b *patientBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		if cause := context.Cause(b.ctx); cause != nil {
			err = cause
		}
	}
	if n > 0 {
		b.timer.Reset(b.stall)
	}
	return n, err
}

func (b *patientBody) Close() error {
	b.timer.Stop()
	defer b.cancel(nil)
	return b.ReadCloser.Close()
}
