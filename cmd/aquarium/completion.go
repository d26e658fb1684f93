package main

import (
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"aquarium/runtime/kernel"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
	"aquarium/runtime/supervisor"
)

func newCompletion() *cobra.Command {
	shells := []string{"bash", "zsh", "fish"}
	return &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print the completion script for a shell",
		Example: `  source <(aquarium completion bash)
  aquarium completion zsh > "${fpath[1]}/_aquarium"
  aquarium completion fish > ~/.config/fish/completions/aquarium.fish`,
		Args:              arguments(1, 1, "the shell"),
		ValidArgsFunction: cobra.FixedCompletions(shells, cobra.ShellCompDirectiveNoFileComp),
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return writeBashCompletion(c.Root(), os.Stdout)
			case "zsh":
				return c.Root().GenZshCompletion(os.Stdout)
			case "fish":
				return c.Root().GenFishCompletion(os.Stdout, true)
			}
			return &spec.Refusal{What: fmt.Sprintf("completion %.40q: unknown shell", args[0]), Way: "there is one for " + strings.Join(shells, ", ")}
		},
	}
}

// all and running choose among sandboxes.
func all(sandbox.Sandbox) bool        { return true }
func running(sb sandbox.Sandbox) bool { return sb.Status != supervisor.Stopped }

// in chooses the sandboxes that have a status.
func in(status supervisor.Status) func(sandbox.Sandbox) bool {
	return func(sb sandbox.Sandbox) bool { return sb.Status == status }
}

// completeMany completes the names of sandboxes, each once.
func completeMany(which func(sandbox.Sandbox) bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		return sandboxNames(which, args), cobra.ShellCompDirectiveNoFileComp
	}
}

// completeOne completes the name of one sandbox; what follows it is anything.
func completeOne(which func(sandbox.Sandbox) bool) cobra.CompletionFunc {
	return func(_ *cobra.Command, args []string, _ string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) > 0 {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return sandboxNames(which, nil), cobra.ShellCompDirectiveNoFileComp
	}
}

func sandboxNames(which func(sandbox.Sandbox) bool, but []string) []cobra.Completion {
	store, err := sandbox.Open()
	if err != nil {
		return nil
	}
	list, err := store.List()
	if err != nil {
		return nil
	}
	given := make(map[string]bool)
	for _, name := range but {
		given[name] = true
	}
	var names []cobra.Completion
	for _, sb := range list {
		if which(sb) && !given[sb.Name] {
			names = append(names, cobra.CompletionWithDesc(sb.Name, status(sb)+" "+shorten(strings.Join(sb.Command, " "), 40)))
		}
	}
	return names
}

// completeDirectories completes root filesystems given as directories, unless
// what is typed may become a command: asked for directories, shells offer
// nothing else.
func completeDirectories(c *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	command := func(below *cobra.Command) bool { return !below.Hidden && strings.HasPrefix(below.Name(), typed) }
	if len(args) == 0 && slices.ContainsFunc(c.Commands(), command) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	return nil, cobra.ShellCompDirectiveFilterDirs
}

// completeRootfs completes ROOTFS: a name of the catalogue, or a directory once a
// slash or dot was typed.
func completeRootfs(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	if strings.ContainsAny(typed, "/.~") {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	store, err := sandbox.Open()
	if err != nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	list, _ := store.Catalogue.List()
	var names []cobra.Completion
	for _, r := range list {
		if strings.HasPrefix(r.Name, typed) {
			names = append(names, cobra.CompletionWithDesc(r.Name, r.Problem))
		}
	}
	if names == nil {
		return nil, cobra.ShellCompDirectiveFilterDirs
	}
	return names, cobra.ShellCompDirectiveNoFileComp
}

func completeRunFlags(c *cobra.Command) {
	fixed := map[string][]string{
		"share":       spec.Namespaces,
		"cap-add":     capabilityNames(),
		"cap-drop":    capabilityNames(),
		"network":     {"none", "host", "bridge"},
		"root-switch": {string(spec.PivotRoot), string(spec.Chroot)},
	}
	for flag, values := range fixed {
		c.RegisterFlagCompletionFunc(flag, completeList(values))
	}
	for _, flag := range []string{"name", "hostname", "user", "env", "workdir", "memory", "cpus", "pids"} {
		c.RegisterFlagCompletionFunc(flag, cobra.NoFileCompletions)
	}
}

// completeList completes the last of comma-separated values.
func completeList(values []string) cobra.CompletionFunc {
	return func(_ *cobra.Command, _ []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
		before := typed[:strings.LastIndexByte(typed, ',')+1]
		var full []cobra.Completion
		for _, value := range values {
			full = append(full, before+value)
		}
		return full, cobra.ShellCompDirectiveNoFileComp
	}
}

func capabilityNames() []string {
	names := []string{"ALL"}
	for _, name := range kernel.Capabilities() {
		names = append(names, strings.TrimPrefix(name, "CAP_"))
	}
	return names
}

func completeSignals(*cobra.Command, []string, string) ([]cobra.Completion, cobra.ShellCompDirective) {
	return []cobra.Completion{"TERM", "KILL", "INT", "HUP", "QUIT", "USR1", "USR2", "STOP", "CONT"}, cobra.ShellCompDirectiveNoFileComp
}
