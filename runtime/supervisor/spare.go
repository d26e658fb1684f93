package supervisor

import (
	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
)

// spare asks the kernel to end others than this process when memory runs out:
// its end would be that of the sandbox, and of what it has put out. It takes
// CAP_SYS_RESOURCE; without, the score stays what the launcher's is. It comes
// after init's start: what a process inherits it may go back to.
func spare() { kernel.WriteProc("self/"+step.OOMScoreFile, "-500") }
