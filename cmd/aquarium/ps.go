package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aquarium/runtime/sandbox"
)

func newPs() *cobra.Command {
	return &cobra.Command{Use: "ps", RunE: func(*cobra.Command, []string) error {
		store, err := sandbox.Open()
		if err != nil {
			return err
		}
		list, err := store.List()
		for _, sb := range list {
			fmt.Println(sb.ID, sb.Name, sb.Status, sb.PID, sb.Command, sb.Reason)
		}
		return err
	}}
}
