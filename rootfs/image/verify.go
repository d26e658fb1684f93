package image

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
)

// verifier checks size and digest of what is read through it.
type verifier struct {
	reader io.Reader
	digest string // "" checks none
	size   int64  // 0 checks none
	read   int64
	hash   hash.Hash
}

func newVerifier(r io.Reader, digest string, size int64) *verifier {
	return &verifier{reader: r, digest: digest, size: size, hash: sha256.New()}
}

func (v *verifier) Read(p []byte) (int, error) {
	n, err := v.reader.Read(p)
	v.read += int64(n)
	v.hash.Write(p[:n])
	if v.size > 0 && v.read > v.size {
		return 0, fmt.Errorf("it is larger than the %d bytes it should have", v.size)
	}
	return n, err
}

// finish reads what a decompressor left unread, and says whether all of it is what it should be.
func (v *verifier) finish() error {
	if _, err := io.Copy(io.Discard, v); err != nil {
		return err
	}
	if v.size > 0 && v.read != v.size {
		return fmt.Errorf("it has %d bytes instead of %d", v.read, v.size)
	}
	return v.checkDigest()
}

func (v *verifier) checkDigest() error {
	if sum := fmt.Sprintf("sha256:%x", v.hash.Sum(nil)); v.digest != "" && sum != v.digest {
		return fmt.Errorf("its digest is %s, not %s", sum, v.digest)
	}
	return nil
}

// blame returns the reason behind err: what is not what it should be cannot be read either.
func (v *verifier) blame(err error) error {
	if v.size == 0 || v.read != v.size {
		return err // not all of it has been seen
	}
	if wrong := v.checkDigest(); wrong != nil {
		return wrong
	}
	return err
}

// readVerified reads a small document whole.
func readVerified(r io.Reader, digest string, size int64) ([]byte, error) {
	if size > maxDocument {
		return nil, errors.New("a document of the image is too large")
	}
	v := newVerifier(r, digest, size)
	data, err := io.ReadAll(io.LimitReader(v, maxDocument+1))
	if err != nil {
		return nil, err
	}
	if len(data) > maxDocument {
		return nil, errors.New("a document of the image is too large")
	}
	return data, v.finish()
}
