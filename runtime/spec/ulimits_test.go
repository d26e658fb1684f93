package spec

import (
	"errors"
	"testing"

	"github.com/opencontainers/runtime-spec/specs-go"

	"aquarium/runtime/kernel"
)

func TestParseUlimit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]specs.POSIXRlimit{
		"nofile=1024":      {Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 1024},
		"nofile=1024:4096": {Type: "RLIMIT_NOFILE", Soft: 1024, Hard: 4096},
		"core=0:unlimited": {Type: "RLIMIT_CORE", Hard: kernel.Unlimited},
		"as=-1":            {Type: "RLIMIT_AS", Soft: kernel.Unlimited, Hard: kernel.Unlimited},
	} {
		if got, err := ParseUlimit(text); err != nil || got != want {
			t.Errorf("%s is %+v, %v; want %+v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "nofile", "nofile=", "nofile=x", "nofile=1:", "nofile=2:1", "nofile=-2", "NOFILE=1", "files=1", "nofile=1:2:3", "nofile=-1:1", "\x1b[31m=1"} {
		if got, err := ParseUlimit(text); err == nil || !errors.As(err, new(*Refusal)) {
			t.Errorf("%q is taken for %+v, %v", text, got, err)
		}
	}
}
