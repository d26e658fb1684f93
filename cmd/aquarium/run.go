package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/wire"
)

func newRun() *cobra.Command {
	var o spec.Options
	var detach bool
	c := &cobra.Command{
		Use:   "run [flags] ROOTFS [COMMAND [ARG…]]",
		Short: "Launch a sandbox",
		Args:  cobra.MinimumNArgs(1),
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.StringVar(&o.Name, "name", "", "name of the sandbox")
	f.BoolVar(&o.Remove, "rm", false, "remove")
	f.BoolVarP(&detach, "detach", "d", false, "detach")
	f.BoolVarP(&o.TTY, "tty", "t", stdinIsTerminal(), "tty")
	f.BoolVarP(&o.Interactive, "interactive", "i", stdinIsTerminal(), "stdin")
	f.StringVar((*string)(&o.RootSwitch), "root-switch", "pivot_root", "")
	f.StringSliceVar(&o.Share, "share", nil, "")
	f.StringArrayVarP(&o.Volumes, "volume", "v", nil, "")
	f.StringVarP(&o.User, "user", "u", "", "")
	f.BoolVar(&o.Writable, "writable", false, "")
	f.BoolVar(&o.ReadOnly, "read-only", false, "")
	f.StringSliceVar(&o.CapAdd, "cap-add", nil, "")
	var dry bool
	f.BoolVar(&dry, "dry-run", false, "")
	c.RunE = func(_ *cobra.Command, args []string) error {
		o.Rootfs, o.Command = args[0], args[1:]
		store, err := sandbox.Open()
		if err != nil {
			return err
		}
		if dry {
			plan, err := store.Plan(o)
			if err != nil {
				return err
			}
			for i, s := range plan.Steps {
				fmt.Printf("%2d %s %s\n", i, s.Actor, s.Call())
			}
			return nil
		}
		sb, conn, err := store.Launch(o)
		if err != nil {
			return err
		}
		defer conn.Close()
		if detach {
			if err := sb.WaitStarted(conn); err != nil {
				return err
			}
			fmt.Println(sb.ID)
			return nil
		}
		if err := conn.Attach(wire.AttachRequest{History: true, Follow: true, Lossless: true}); err != nil {
			return err
		}
		return view(sb, conn)
	}
	return c
}
