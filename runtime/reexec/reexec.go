// Package reexec takes over when this binary was started again as init or as
// a supervisor.
//
// Go initialises ready packages in import-path order. This package and all it
// imports need only the standard library, so "aquarium/…" comes before
// "charm.land/…" and everything else: the process is taken over before a UI
// or command-line library has spent time and memory on itself. A test holds
// the property. It is the only package that works in init.
package reexec

import (
	"os"

	"aquarium/runtime/itself"
	"aquarium/runtime/kernel"
	"aquarium/runtime/step"
	"aquarium/runtime/supervisor"
)

func init() {
	switch os.Args[0] {
	case step.InitName:
		step.Init()
	case step.ReaperName:
		step.Reaper()
	case supervisor.Name:
		supervisor.Main()
	case supervisor.RemoverName:
		supervisor.Remove()
	}
	if len(os.Args) < 2 {
		return
	}
	switch os.Args[1] {
	case "run":
		supervisor.Prestart()
	case "enter": // it becomes the parent of a program among others' processes
		itself.Again()
		kernel.SetName("aquarium") // it would be a descriptor's number
	}
}
