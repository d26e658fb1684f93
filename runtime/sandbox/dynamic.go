package sandbox

import (
	"debug/elf"
	"slices"
)

// dynamic tells whether this binary is put together by a dynamic linker, as Go
// builds it where there is a C compiler. A reaper is started where the linker
// and the libraries are not.
func dynamic() bool {
	file, err := elf.Open("/proc/self/exe")
	if err != nil {
		return false // its start will say more
	}
	defer file.Close()
	return slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP })
}
