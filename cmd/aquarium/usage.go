package main

import (
	"errors"
	"fmt"
	"strconv"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

// usageError is a command line that cannot be understood.
func usageError(c *cobra.Command, err error) error {
	hint := "`" + c.CommandPath() + " --help` shows what there is"
	if errors.As(err, new(*spec.Refusal)) { // of a flag's value: it knows better
		hint = ""
	}
	return &sandbox.Error{What: c.Name(), Err: flagValue(err), Way: hint}
}

// flagValue words a value that a flag does not take, without the names of the
// functions that have found out.
func flagValue(err error) error {
	var bad *pflag.InvalidValueError
	if !errors.As(err, &bad) {
		return err
	}
	flag := "--" + bad.GetFlag().Name
	var number *strconv.NumError
	switch {
	case !errors.As(err, &number):
		return fmt.Errorf("%s: %w", flag, bad.Unwrap())
	case number.Func == "ParseBool":
		return fmt.Errorf("%s %q: neither true nor false", flag, bad.GetValue())
	case errors.Is(number, strconv.ErrRange):
		return fmt.Errorf("%s %q: too large or too small a number", flag, bad.GetValue())
	}
	return fmt.Errorf("%s %q: not a number", flag, bad.GetValue())
}

// arguments refuses a number of arguments that a command cannot do with; most
// below 0 is no limit. names are those of the arguments it takes, in order.
func arguments(least, most int, names ...string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		switch {
		case len(args) < least:
			return usageError(c, fmt.Errorf("%s is missing", names[len(args)]))
		case most >= 0 && len(args) > most:
			return usageError(c, fmt.Errorf("unexpected argument %q", args[most]))
		}
		return nil
	}
}

// subcommand is run by a command that only has others: it shows them, or says
// that there is none of that name.
func subcommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return c.Help()
	}
	return &sandbox.Error{What: fmt.Sprintf("%s: %q", c.Name(), args[0]), Err: errors.New("no such command"), Way: meant(c, args[0])}
}

// meant is a way out for who has mistyped a command's name, or knows it from
// another program.
func meant(c *cobra.Command, name string) string {
	list := "`" + c.CommandPath() + " --help` lists the commands"
	if like := likely(c, name); like != nil {
		return "perhaps `" + like.CommandPath() + "` is meant; " + list
	}
	return list
}

// typos is how many letters may be wrong in a command that is suggested.
const typos = 2

// likely finds the command that was meant, among those of commands too.
func likely(c *cobra.Command, name string) *cobra.Command {
	for _, group := range c.Commands() {
		for _, below := range group.Commands() {
			if below.Name() == name {
				return below
			}
		}
	}
	c.SuggestionsMinimumDistance = typos
	like := c.SuggestionsFor(name)
	if len(like) == 0 {
		return nil
	}
	found, _, _ := c.Find(like[:1])
	return found
}
