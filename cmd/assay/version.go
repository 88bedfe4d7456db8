package main

import (
	"fmt"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/report"
)

func newVersion(s streams) *cobra.Command {
	return &cobra.Command{
		Use:     "version",
		Short:   "print the version",
		Example: "  assay version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintf(s.out, "assay %s %s %s/%s\n", report.Version(version), runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
