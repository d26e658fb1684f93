package terminal

import (
	"encoding/base64"
	"fmt"
)

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

// SetClipboard returns what makes the outer terminal put text on the user's
// clipboard (OSC 52). For text that the user copied or agreed to, only.
func SetClipboard(text string) string {
	return "\x1b]52;c;" + base64.StdEncoding.EncodeToString([]byte(text)) + "\x1b\\"
}
