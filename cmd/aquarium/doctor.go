package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"aquarium/rootfs"
	"aquarium/runtime/doctor"
)

func newDoctor() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what this machine allows, and the exact knob for what it does not",
		Long: `Tries, as the user who asks, everything that a launch needs: each namespace kind,
an overlay mount where layers are kept, subordinate ids, cgroups, the system
call filter. What fails is shown with what it costs and how to allow it. The
exit status is 1 when a sandbox cannot be launched.`,
		Example: "  aquarium doctor\n  sudo aquarium doctor --json",
		Args:    arguments(0, 0),
	}
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON document")
	c.RunE = func(*cobra.Command, []string) error {
		store, err := openStore()
		if err != nil {
			return err
		}
		findings := doctor.Examine(store.Data)
		if asJSON {
			return printJSON(findings)
		}
		return printDiagnosis(findings)
	}
	return c
}

func printDiagnosis(findings []doctor.Finding) error {
	missing := 0
	for _, f := range findings {
		mark := "✓"
		if !f.OK {
			mark = "✗"
			missing++
		}
		line := mark + " " + f.What
		if f.Detail != "" {
			line += ": " + f.Detail
		}
		fmt.Println(rootfs.Visible(line))
		if !f.OK {
			fmt.Println("    " + rootfs.Visible(f.Effect))
			fmt.Println("    hint: " + rootfs.Visible(f.Knob))
		}
	}
	if missing > 0 {
		fmt.Fprintf(os.Stderr, "aquarium: doctor: not available: %d of %d\n", missing, len(findings))
		return exitCode(1)
	}
	return nil
}
