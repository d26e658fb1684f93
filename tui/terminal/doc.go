// Package terminal is an embedded terminal: a screen model that understands
// what programs write to an xterm, a Pane that shows it inside a larger user
// interface, and Passthrough, which hands the user's keys to it byte for byte.
//
//	program's output ──Feed──▶ Pane ── Screen ── grid, history
//	                            │  ▲
//	       finished rows ◀──Rows┘  └──▶ replies to the program's queries
//
// Screen is the model and nothing else: it never blocks, never fails, and its
// memory is bounded whatever the program sends. Pane adds a lock, the scroll
// position, search and selection. What Pane hands out holds no byte of the
// program's control sequences: only text, and styles built here.
//
// Behaviour follows xterm's ctlseqs, ECMA-48 and DEC STD 070 where these
// agree, and xterm where they do not.
package terminal
