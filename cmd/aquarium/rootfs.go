package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"aquarium/rootfs"
	"aquarium/rootfs/image"
	"aquarium/rootfs/unpack"
	"aquarium/runtime/sandbox"
)

func newRootfs() *cobra.Command {
	c := &cobra.Command{
		Use:                   "rootfs",
		Short:                 "Find, make, check and export root filesystems",
		DisableFlagsInUseLine: true,
		SuggestFor:            []string{"image", "images"},
		RunE:                  subcommand,
	}
	c.AddCommand(newRootfsLs(), newRootfsCreate(), newRootfsImport(), newRootfsPull(), newRootfsPush(), newRootfsExport(),
		newRootfsRm(), newRootfsPrune(), newRootfsCheck(), newRootfsDiff(), newRootfsCommit(), newRootfsDiscard())
	return c
}

// interruptible is a context that Ctrl-C cancels: what was begun is cleared
// away, then the command ends.
func interruptible() (context.Context, context.CancelFunc) {
	return signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
}

// withCatalogue runs f with the catalogue, until Ctrl-C.
func withCatalogue(f func(context.Context, *sandbox.Store) error) error {
	store, err := openStore()
	if err != nil {
		return err
	}
	ctx, cancel := interruptible()
	defer cancel()
	return f(ctx, store)
}

func newRootfsCreate() *cobra.Command {
	var from string
	c := &cobra.Command{
		Use:   "create NAME --from busybox|debootstrap:SUITE|host|empty",
		Short: "Make a root filesystem from what this machine has",
		Example: `  aquarium rootfs create bb --from busybox
  aquarium rootfs create debian --from debootstrap:bookworm`,
		Args: arguments(1, 1, "NAME"),
	}
	c.Flags().StringVar(&from, "from", "busybox", "`SOURCE`: busybox, debootstrap:SUITE, host or empty")
	c.RegisterFlagCompletionFunc("from", cobra.FixedCompletions([]string{"busybox", "debootstrap:", "host", "empty"}, cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			bar := newProgress(os.Stderr)
			r, err := s.Catalogue.Create(ctx, args[0], from, rootfs.ImportOptions{Progress: bar.show})
			bar.end()
			return made(r, err, s)
		})
	}
	return c
}

// made reports a new root filesystem: its name on standard output, what could
// not be kept on standard error.
func made(r rootfs.Rootfs, err error, s *sandbox.Store) error {
	if err != nil {
		return err
	}
	if d, err := s.Catalogue.Document(r.Name); err == nil {
		for _, note := range d.Notes {
			fmt.Fprintf(os.Stderr, "aquarium: note: %s\n", rootfs.Visible(note))
		}
	}
	if r.Problem != "" {
		fmt.Fprintf(os.Stderr, "aquarium: note: %s\n", rootfs.Visible(r.Problem))
	}
	fmt.Println(rootfs.Visible(r.Name))
	return nil
}

// imageFlags are what import and pull have in common.
type imageFlags struct {
	image.Options
	large   bool
	size    int64 // bytes; 0 where nothing is said
	entries uint  // 0 where nothing is said
}

func (f *imageFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.Platform, "platform", "", "`OS/ARCH` of an image for several (default: this machine's)")
	c.Flags().BoolVar(&f.large, "allow-large", false, "unpack what looks like a decompression bomb")
	c.Flags().Var((*sizeValue)(&f.size), "max-size", "refuse what expands to more than `SIZE` (default: to 1G and 100 times the archive)")
	c.Flags().UintVar(&f.entries, "max-entries", 0, "refuse an archive of more than `N` entries (default: 4194304)")
	c.MarkFlagsMutuallyExclusive("allow-large", "max-size")
	c.MarkFlagsMutuallyExclusive("allow-large", "max-entries")
}

func (f *imageFlags) options(bar *progress) image.Options {
	o := f.Options
	o.Progress = bar.show
	o.Limits.Bytes, o.Limits.Entries = f.size, int(min(f.entries, math.MaxInt))
	if f.large {
		o.Limits = unpack.Unlimited
	}
	return o
}

func newRootfsImport() *cobra.Command {
	var f imageFlags
	c := &cobra.Command{
		Use:   "import NAME SOURCE",
		Short: "Make a root filesystem of a directory, a tar, or an image archive",
		Long: `SOURCE is a directory, a tar of a root filesystem (plain, gzip, xz, zstd or bzip2),
an OCI layout as a directory or tar, or a docker save archive; "-" reads a tar
from standard input. Nothing appears under NAME before all of it is there.`,
		Example: `  aquarium rootfs import debian debian.tar.xz
  docker export web | aquarium rootfs import web -
  docker save alpine | aquarium rootfs import alpine -`,
		Args: arguments(2, 2, "NAME", "SOURCE"),
	}
	f.register(c)
	c.Flags().StringVar(&f.Tag, "tag", "", "which `IMAGE` of an archive that holds several")
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			bar := newProgress(os.Stderr)
			r, err := image.Import(ctx, s.Catalogue, args[0], args[1], os.Stdin, f.options(bar))
			bar.end()
			return made(r, err, s)
		})
	}
	return c
}

func newRootfsPull() *cobra.Command {
	var f imageFlags
	var as string
	c := &cobra.Command{
		Use:     "pull IMAGE",
		Short:   "Make a root filesystem of an image in a registry",
		Example: "  aquarium rootfs pull debian:12\n  aquarium rootfs pull --as dev localhost:5000/dev --plain-http",
		Args:    arguments(1, 1, "IMAGE"),
	}
	f.register(c)
	c.Flags().StringVar(&as, "as", "", "`NAME` in the catalogue (default: the image's)")
	c.Flags().BoolVar(&f.PlainHTTP, "plain-http", false, "speak HTTP, not HTTPS, to the registry")
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			bar := newProgress(os.Stderr)
			r, err := image.Pull(ctx, s.Catalogue, as, args[0], f.options(bar))
			bar.end()
			return made(r, err, s)
		})
	}
	return c
}

func newRootfsPush() *cobra.Command {
	var o image.Options
	c := &cobra.Command{
		Use:               "push ROOTFS IMAGE",
		Short:             "Send a root filesystem to a registry as an image",
		Example:           "  aquarium rootfs push dev registry.example.org/me/dev:1",
		Args:              arguments(2, 2, "ROOTFS", "IMAGE"),
		ValidArgsFunction: completeRootfs,
	}
	c.Flags().BoolVar(&o.PlainHTTP, "plain-http", false, "speak HTTP, not HTTPS, to the registry")
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			r, err := s.Catalogue.Find(args[0])
			if err != nil {
				return err
			}
			bar := newProgress(os.Stderr)
			o.Progress = bar.show
			pushed, err := image.Push(ctx, s.Catalogue, r, args[1], o)
			bar.end()
			if err == nil {
				fmt.Println(rootfs.Visible(pushed))
			}
			return err
		})
	}
	return c
}
