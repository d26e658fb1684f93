package main

import (
	"errors"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
	"aquarium/runtime/wire"
)

func newAttach() *cobra.Command {
	var detachKeys string
	c := &cobra.Command{
		Use:   "attach SANDBOX",
		Short: "Connect keys and screen to a running sandbox",
		Long: `Show a running sandbox's screen as it is now, and pass keys on to it, until it
ends or Ctrl-] d detaches. The exit status is the program's own.

After Ctrl-], d detaches, ] sends Ctrl-] itself, and any other key goes through
together with it.`,
		Example: `  aquarium attach web
  aquarium attach --detach-keys ctrl-a 3f2a      by the beginning of its id`,
		Args:              arguments(1, 1, "SANDBOX"),
		ValidArgsFunction: completeOne(running),
	}
	registerDetachKeys(c.Flags(), &detachKeys)
	c.RunE = func(_ *cobra.Command, args []string) error {
		keys, err := prefix(detachKeys)
		if err != nil {
			return err
		}
		sb, err := find(args[0])
		if err != nil {
			return err
		}
		if sb.Status == supervisor.Stopped {
			return stopped("attach to", sb)
		}
		if sb.Status == supervisor.Created {
			return sb.Waits("attach to")
		}
		conn, err := sb.Dial()
		if err != nil {
			return err
		}
		defer conn.Close()
		return look(sb, &console.Viewer{
			Conn: conn,
			Open: func(size wire.Dimensions) error {
				return conn.Attach(wire.AttachRequest{Dimensions: size, History: true, Follow: true})
			},
			TTY: sb.TTY, Input: true, Past: true, Prefix: keys,
			Signal: sb.Signal,
		})
	}
	return c
}

func newExec() *cobra.Command {
	var request wire.ExecRequest
	var detachKeys string
	c := &cobra.Command{
		Use:   "exec [flags] SANDBOX COMMAND [ARG…]",
		Short: "Run one more program in a sandbox",
		Long: `Run COMMAND in all of a running sandbox's namespaces, confined like its first
program. The exit status is COMMAND's own, as with run.`,
		Example: `  aquarium exec web sh
  aquarium exec -u www-data web id
  aquarium exec web cat /etc/passwd > passwd`,
		Args:              arguments(2, -1, "SANDBOX", "COMMAND"),
		ValidArgsFunction: completeOne(running),
	}
	f := c.Flags()
	f.SetInterspersed(false)
	f.SortFlags = false
	f.BoolVarP(&request.TTY, "tty", "t", false, "give the program a terminal (default: where this is one)")
	f.BoolVarP(&request.Stdin, "interactive", "i", true, "pass standard input on")
	f.StringVarP(&request.User, "user", "u", "", "run as `USER[:GROUP]`, names of the sandbox or numbers")
	f.StringVarP(&request.Workdir, "workdir", "w", "", "start in `DIR`")
	f.StringArrayVarP(&request.Env, "env", "e", nil, "set `NAME=VALUE`; NAME alone takes the value from here")
	registerDetachKeys(f, &detachKeys)
	c.RunE = func(c *cobra.Command, args []string) error {
		keys, err := prefix(detachKeys)
		if err != nil {
			return err
		}
		sb, err := find(args[0])
		if err != nil {
			return err
		}
		if !c.Flags().Changed("tty") {
			request.TTY = console.IsTerminal(os.Stdin) && console.IsTerminal(os.Stdout)
		}
		request.Argv, request.Env = args[1:], withValues(request.Env)
		for _, text := range slices.Concat(request.Argv, request.Env, []string{request.User, request.Workdir}) {
			if err := spec.CheckText(text); err != nil {
				return err
			}
		}
		return execute(sb, request, keys)
	}
	return c
}

func execute(sb sandbox.Sandbox, request wire.ExecRequest, keys console.Prefix) error {
	if sb.Status == supervisor.Stopped {
		return stopped("exec in", sb)
	}
	conn, err := sb.DialExec()
	if err != nil {
		return err
	}
	defer conn.Close()
	err = look(sb, &console.Viewer{
		Conn: conn,
		Open: func(size wire.Dimensions) error {
			request.Dimensions = size
			return conn.Exec(request)
		},
		TTY: request.TTY, Input: request.Stdin, Ends: true, Prefix: keys,
	})
	var refused *sandbox.LaunchError
	if errors.As(err, &refused) {
		return &execError{refused}
	}
	return err
}

// execError words the launch of one more program as what it is.
type execError struct{ *sandbox.LaunchError }

func (e *execError) Error() string { return "exec in " + e.Name + ": " + e.Report.Error }

// find opens the store and looks a sandbox up.
func find(ref string) (sandbox.Sandbox, error) {
	store, err := openStore()
	if err != nil {
		return sandbox.Sandbox{}, err
	}
	return store.Find(ref)
}

// stopped refuses what only a running sandbox can do.
func stopped(what string, sb sandbox.Sandbox) error {
	return &sandbox.Error{What: what + " " + sb.Name, Err: errors.New("it has stopped"), Way: "`aquarium logs " + sb.Name + "` shows its output"}
}
