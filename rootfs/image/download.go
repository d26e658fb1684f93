package image

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"

	"aquarium/rootfs"
	"aquarium/rootfs/unpack"
)

// A transfer that breaks goes on where it was, again and again, as long as it gets on.
const (
	maxBreaks  = 3         // in a row, without getting on
	gettingOn  = 256 << 10 // bytes
	firstPause = 200 * time.Millisecond
)

// download is a layer on its way from a registry. What has come is kept in the store, so that a later
// pull goes on there. Whether it is the right layer, only the digest of the whole tells.
type download struct {
	ctx     context.Context
	from    *remoteBlobs
	blob    v1.Descriptor
	partial *rootfs.Partial // nil where nothing can be kept
	earlier int64           // bytes that an earlier pull had fetched

	at     int64         // bytes handed on
	body   io.ReadCloser // nil where none is open
	breaks int
	mark   int64 // where it was when breaks was last 0
}

// download begins to fetch a blob, where an earlier pull left off if store has something of it.
func (r *remoteBlobs) download(ctx context.Context, blob v1.Descriptor, store *rootfs.Catalogue) *download {
	d := &download{ctx: ctx, from: r, blob: blob}
	if store != nil {
		d.partial = store.OpenPartial(blob.Digest.String())
	}
	if d.partial != nil && d.partial.Size() > blob.Size {
		d.partial.Remove() // not of this blob
		d.partial = nil
	}
	if d.partial != nil {
		d.earlier = d.partial.Size()
	}
	return d
}

func (d *download) Read(p []byte) (int, error) {
	if d.at < d.earlier {
		n, err := d.partial.ReadAt(p[:min(int64(len(p)), d.earlier-d.at)], d.at)
		d.at += int64(n)
		if n > 0 {
			err = nil
		}
		return n, err
	}
	for {
		if d.at == d.blob.Size {
			return 0, io.EOF
		}
		n, err := d.readBody(p[:min(int64(len(p)), d.blob.Size-d.at)])
		if n > 0 {
			return n, nil
		}
		if err != nil && !d.goOn(err) {
			return 0, err
		}
	}
}

// readBody reads of the transfer, and opens one where there is none.
func (d *download) readBody(p []byte) (int, error) {
	if d.body == nil {
		body, err := d.from.fetch(d.ctx, d.blob, d.at)
		if err != nil {
			return 0, err
		}
		d.body = body
	}
	n, err := d.body.Read(p)
	if n > 0 {
		d.keep(p[:n])
		d.at += int64(n)
	}
	if err == io.EOF && d.at < d.blob.Size {
		err = io.ErrUnexpectedEOF
	}
	if err != nil && n == 0 {
		d.body.Close()
		d.body = nil
	}
	return n, err
}

// keep adds to what is in the store. Without room for it the pull goes on, and cannot be resumed.
func (d *download) keep(p []byte) {
	if d.partial != nil && d.partial.Append(p) != nil {
		d.partial.Remove()
		d.partial = nil
	}
}

// goOn reports whether a transfer that broke is tried again, after a pause.
func (d *download) goOn(err error) bool {
	if !broken(err) || d.ctx.Err() != nil {
		return false
	}
	if d.at-d.mark >= gettingOn {
		d.breaks, d.mark = 0, d.at
	}
	if d.breaks++; d.breaks == maxBreaks {
		return false
	}
	select {
	case <-d.ctx.Done():
		return false
	case <-time.After(firstPause << (2 * (d.breaks - 1))):
		return true
	}
}

// broken reports whether a transfer has failed on the way, and not for what came.
func broken(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, errStalled) || errors.Is(err, unpack.ErrCutOff) ||
		errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, syscall.ECONNRESET)
}

// errBroke says that a layer has not come, not that there is anything wrong with it. What came is kept.
var errBroke = errors.New("the transfer broke")

// end lets go of the download. To try once more makes sense where an earlier pull had fetched a part,
// which may have been damaged since.
func (d *download) end(err error) (again bool, _ error) {
	if d.body != nil {
		d.body.Close()
	}
	broke := err != nil && (d.ctx.Err() != nil || broken(err) && d.at < d.blob.Size)
	canceled := d.from.ctx.Err() != nil
	if d.partial != nil && broke && !canceled {
		d.partial.Keep()
	} else if d.partial != nil {
		d.partial.Remove() // who cancels wants nothing left
	}
	if broke && !canceled {
		return false, fmt.Errorf("%w after %d of %d bytes: %w", errBroke, d.at, d.blob.Size, err)
	}
	again = err != nil && d.earlier > 0 && !errors.Is(err, unpack.ErrTooMuch) && !errors.Is(err, syscall.ENOSPC)
	return again && !canceled, err
}

// fetch opens a blob from an offset on. A registry that does not give parts sends all of it, of which
// the beginning is passed over.
func (r *remoteBlobs) fetch(ctx context.Context, blob v1.Descriptor, offset int64) (io.ReadCloser, error) {
	response, err := r.get(ctx, blob, offset)
	if err != nil {
		return nil, err
	}
	start := int64(0)
	if response.StatusCode == http.StatusPartialContent {
		start = offset
	}
	if length := response.ContentLength; length >= 0 && start+length != blob.Size {
		response.Body.Close()
		return nil, fmt.Errorf("the registry says that it has %d bytes instead of %d", start+length, blob.Size)
	}
	if _, err := io.CopyN(io.Discard, response.Body, offset-start); err != nil {
		response.Body.Close()
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return response.Body, nil
}

// get asks for a blob from an offset on, and then for all of it where the answer is no such part.
func (r *remoteBlobs) get(ctx context.Context, blob v1.Descriptor, offset int64) (*http.Response, error) {
	client, err := r.client()
	if err != nil {
		return nil, err
	}
	url := fmt.Sprintf("%s://%s/v2/%s/blobs/%s", r.repository.Scheme(), r.repository.RegistryStr(), r.repository.RepositoryStr(), blob.Digest)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept-Encoding", "identity") // the digest is of the bytes as they are
	if offset > 0 {
		request.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	partial := response.StatusCode == http.StatusPartialContent
	wrong := partial && !strings.HasPrefix(response.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", offset))
	if offset > 0 && (wrong || response.StatusCode == http.StatusRequestedRangeNotSatisfiable) {
		response.Body.Close()
		return r.get(ctx, blob, 0)
	}
	if wrong {
		response.Body.Close()
		return nil, errors.New("the registry sends a part that nobody asked for")
	}
	if err := transport.CheckError(response, http.StatusOK, http.StatusPartialContent); err != nil {
		response.Body.Close()
		return nil, err
	}
	return response, nil
}
