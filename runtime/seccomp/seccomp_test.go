package seccomp

import (
	"testing"
	"time"

	"aquarium/runtime/kernel"
	"aquarium/runtime/spec"
)

func TestDefaultFitsTheKernelsLimit(t *testing.T) {
	for _, bounding := range [][]string{nil, spec.DefaultCapabilities, kernel.Capabilities()} {
		began := time.Now()
		program, err := Default(bounding)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%d capabilities: %d instructions in %v", len(bounding), len(program)/8, time.Since(began))
		const bpfMaxInstructions = 4096 // BPF_MAXINSNS
		if len(program)%8 != 0 || len(program)/8 > bpfMaxInstructions || len(program) < 8*100 {
			t.Errorf("the program has %d bytes", len(program))
		}
	}
}
