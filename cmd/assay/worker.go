package main

import (
	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/render"
)

// newWorker is the process that renders for the doors. It talks frames over
// its standard streams and is started by assay alone.
func newWorker(s streams) *cobra.Command {
	return &cobra.Command{
		Use:    "render-worker",
		Short:  "render for another assay process",
		Hidden: true,
		Args:   cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if err := render.WorkerMain(s.in, s.out); err != nil {
				return &exit{code: exitUndetermined, err: err}
			}
			return nil
		},
	}
}
