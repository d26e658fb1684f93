package step

import (
	"bytes"
	"encoding/json"
)

// firstReport decodes the report at the head of b and returns what follows
// it; ok is false while the report is not complete.
func firstReport(b []byte) (r report, rest []byte, ok bool) {
	if len(b) == 0 {
		return r, b, false
	}
	decoder := json.NewDecoder(bytes.NewReader(b))
	if decoder.Decode(&r) != nil {
		return r, b, false
	}
	return r, b[decoder.InputOffset():], true
}
