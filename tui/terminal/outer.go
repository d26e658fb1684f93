package terminal

import "fmt"

// AttachKeys returns what the outer terminal is to be told when a pane with
// these modes gets the keys, and again when ModifyOtherKeys or KittyFlags
// change: send keys the way the pane's program asked for. Without it, a UI's
// own keyboard protocol would reach the program.
func AttachKeys(m Modes) string {
	return fmt.Sprintf("\x1b[>4;%dm\x1b[=%d;1u", m.ModifyOtherKeys, m.KittyFlags)
}

// DetachKeys returns what the outer terminal is to be told when the UI gets
// the keys back: modifyOtherKeys 2, and the kitty keyboard flags that the UI
// uses (Bubble Tea v2: 1).
func DetachKeys(kittyFlags int) string {
	return fmt.Sprintf("\x1b[>4;2m\x1b[=%d;1u", kittyFlags)
}
