package main

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify/scanner"
)

// scanFlags say by which scanner of the user's own images are scanned. Only
// check has them: at the doors nothing is run.
type scanFlags struct{ name string }

func (f *scanFlags) add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&f.name, "scan", "", "also scan every image by your own `scanner` on the PATH: "+strings.Join(scanner.Names(), ", "))
	offer(cmd, "scan", scanner.Names()...)
}

// find looks for the scanner that was asked for; without one there is none.
func (f *scanFlags) find() (setup.Scanner, error) {
	if f.name == "" {
		return nil, nil //nolint:nilnil // not asked for is an answer
	}
	if !slices.Contains(scanner.Names(), f.name) {
		return nil, &exit{code: exitUsage, err: fmt.Errorf("--scan %q is none of %s", f.name, strings.Join(scanner.Names(), ", "))}
	}
	found, err := scanner.Find(f.name, plugin.DefaultLimits().BundleBytes)
	if err != nil {
		return nil, asExit(err)
	}
	return found, nil
}
