package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

func newTrustBundle(s streams) *cobra.Command {
	var flags gateFlags
	var file string
	cmd := &cobra.Command{
		Use:   "bundle",
		Short: "write the trust rules of a gate with all their keys into one file",
		Long: `bundle writes every ClusterImagePolicy and TrustRoot of the gate into one file
that names no other file and no address: public keys and trusted roots are inside.
Trust roots of mirrors are brought up to date first. Where there is no network the
file is loaded in the place of those documents, beside the gate itself.

Keys in a key service are refused: they have no file.`,
		Example: "  assay trust bundle --gate examples/gates/starter --output trust.json",
		Args:    noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return trustBundle(cmd.Context(), s, flags, file)
		},
	}
	cmd.Flags().StringArrayVarP(&flags.gates, "gate", "g", nil, "gate `file or folder` (repeatable)")
	cmd.Flags().StringVarP(&file, "output", "o", "-", "`file` to write, whole or not at all (\"-\" for standard output)")
	return cmd
}

func trustBundle(ctx context.Context, s streams, flags gateFlags, file string) error {
	if len(flags.gates) == 0 {
		return &exit{code: exitUsage, err: errors.New("bundling trust: no gate was named; name one by --gate")}
	}
	config, err := flags.load()
	if err != nil {
		return flags.unloaded(err)
	}
	set, err := setup.New(setup.Options{Config: config, TrustDir: trustDir(cacheDir())})
	if err != nil {
		return asExit(err)
	}
	defer set.Close()
	refreshTrust(ctx, set, s.err)
	bundle, err := set.TrustBundle()
	if err != nil {
		return asExit(err)
	}
	if also := set.TakeAlong(); len(also) > 0 {
		fmt.Fprintf(s.err, "assay: the gate names files that are in no bundle; take them along with it: %s\n", report.Neutral(strings.Join(also, ", ")))
	}
	if file != "-" {
		if err := writeAtomically(file, bundle); err != nil {
			return &exit{code: exitUndetermined, err: fmt.Errorf("writing the bundle: %w", err)}
		}
		tell(s.err, "wrote %s: %s, %s\n", file, counted(len(config.ImagePolicies), "trust rule"), counted(len(config.TrustRoots), "trust root"))
		return nil
	}
	if _, err := s.out.Write(bundle); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing the bundle: %w", err)}
	}
	return nil
}
