package main

import (
	"context"
	"os"

	"github.com/spf13/cobra"

	"aquarium/cmd/aquarium/console"
	"aquarium/rootfs/image"
	"aquarium/runtime/sandbox"
	"aquarium/runtime/spec"
)

func newRootfsExport() *cobra.Command {
	var format, output, tag string
	formats := []string{string(image.Tar), string(image.OCIArchive), string(image.DockerArchive)}
	c := &cobra.Command{
		Use:   "export ROOTFS",
		Short: "Write a root filesystem as a tar or an image archive",
		Example: `  aquarium rootfs export dev -o dev.tar
  aquarium rootfs export dev --format docker-archive | docker load`,
		Args:              arguments(1, 1, "ROOTFS"),
		ValidArgsFunction: completeRootfs,
	}
	c.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write (default: -, standard output)")
	c.Flags().StringVar(&format, "format", formats[0], "tar, oci-archive or docker-archive")
	c.Flags().StringVar(&tag, "tag", "", "what the `IMAGE` is called in an archive (default: the name)")
	c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(formats, cobra.ShellCompDirectiveNoFileComp))
	c.RunE = func(_ *cobra.Command, args []string) error {
		return withCatalogue(func(ctx context.Context, s *sandbox.Store) error {
			r, err := s.Catalogue.Find(args[0])
			if err != nil {
				return err
			}
			bar := newProgress(os.Stderr)
			defer bar.end()
			if output != "" && output != "-" {
				return image.ExportFile(ctx, s.Catalogue, r, image.Format(format), tag, output, bar.show)
			}
			if console.IsTerminal(os.Stdout) {
				return &spec.Refusal{What: "export: an archive is not for a terminal", Way: "add -o FILE, or pipe it on"}
			}
			return image.Export(ctx, s.Catalogue, r, image.Format(format), tag, os.Stdout, bar.show)
		})
	}
	return c
}
