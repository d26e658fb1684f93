//go:build tool

// Package runtimetest holds the version of the OCI's own test of runtimes, and
// of a library that it still compiles with. It is a module of its own: nothing
// of Aquarium needs it.
package runtimetest

import _ "github.com/opencontainers/runtime-tools/cmd/runtimetest"
