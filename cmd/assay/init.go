package main

import (
	"github.com/spf13/cobra"
)

func newInit(s streams) *cobra.Command {
	return &cobra.Command{Use: "init PATH...", Hidden: true, RunE: func(*cobra.Command, []string) error { return nil }}
}
