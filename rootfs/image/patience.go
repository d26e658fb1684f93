package image

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"
)

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
