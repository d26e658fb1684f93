package image

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
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
	r := newRemoteBlobs(ctx, c, reference.Context(), o)
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
	switch {
	case errors.As(err, &answer):
	case errors.Is(err, errBroke):
		return rootfs.NewError(verb, ref, err).WithHint("what has come is kept for a day: pull again to go on there")
	default:
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
	ctx        context.Context
	repository name.Repository
	store      *rootfs.Catalogue // keeps what has come of layers
	options    []remote.Option
	client     func() (*http.Client, error) // logged in for pulling
	jobs       int
}

func newRemoteBlobs(ctx context.Context, store *rootfs.Catalogue, repository name.Repository, o Options) *remoteBlobs {
	r := &remoteBlobs{ctx: ctx, store: store, repository: repository, jobs: cmp.Or(o.Jobs, defaultJobs)}
	base := o.Transport
	if base == nil {
		base = remote.DefaultTransport
	}
	waiting := &patient{base: base, stall: cmp.Or(o.Stall, defaultStall)}
	r.options = []remote.Option{
		remote.WithContext(ctx), remote.WithAuthFromKeychain(keychain{}), remote.WithUserAgent(userAgent),
		remote.WithTransport(waiting), remote.WithJobs(r.jobs),
	}
	r.client = sync.OnceValues(func() (*http.Client, error) { return r.logIn(waiting) })
	return r
}

// logIn returns a client for the repository's blobs.
func (r *remoteBlobs) logIn(base http.RoundTripper) (*http.Client, error) {
	credentials, err := authn.Resolve(r.ctx, keychain{}, r.repository)
	if err != nil {
		return nil, err
	}
	base = transport.NewUserAgent(transport.NewRetry(base), userAgent)
	loggedIn, err := transport.NewWithContext(r.ctx, r.repository.Registry, credentials, base, []string{r.repository.Scope(transport.PullScope)})
	if err != nil {
		return nil, err
	}
	return &http.Client{Transport: loggedIn}, nil
}

// blob fetches a layer.
func (r *remoteBlobs) blob(ctx context.Context, d v1.Descriptor) (stream, error) {
	return r.download(ctx, d, r.store), nil
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
	stream := r.download(r.ctx, d, nil)
	data, err := readVerified(stream, d.Digest.String(), d.Size)
	stream.end(err)
	return data, err
}
