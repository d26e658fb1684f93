package tui

import "aquarium/tui/terminal"

// endingInput is the terminal's input, which says when it has ended. Who has no
// controlling terminal, as under `su -c`, gets no SIGHUP when that goes.
type endingInput struct {
	*terminal.Passthrough
	ended func()
}

// Read implements io.Reader.
func (in endingInput) Read(b []byte) (int, error) {
	n, err := in.Passthrough.Read(b)
	if err != nil {
		in.ended()
	}
	return n, err
}
