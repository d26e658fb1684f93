package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"unicode"
)

// printJSON prints one document.
func printJSON(v any) error { return writeDocument(os.Stdout, v) }

// writeDocument writes v as people read it. What is C in it stays so: "<" is
// not escaped.
func writeDocument(w io.Writer, v any) error {
	var document bytes.Buffer
	encoder := json.NewEncoder(&document)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(v); err != nil {
		return err
	}
	_, err := w.Write(escapeInvisible(document.Bytes()))
	return err
}

// escapeInvisible writes what a terminal could act on as \u escapes: of such
// characters encoding/json leaves those from DEL on as they are. They can
// stand only in strings.
func escapeInvisible(document []byte) []byte {
	var b bytes.Buffer
	b.Grow(len(document))
	for _, r := range string(document) {
		switch {
		case r < 0x7f || unicode.IsPrint(r):
			b.WriteRune(r)
		case r > 0xffff:
			r -= 0x10000
			fmt.Fprintf(&b, `\u%04x\u%04x`, 0xd800+(r>>10), 0xdc00+(r&0x3ff))
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.Bytes()
}
