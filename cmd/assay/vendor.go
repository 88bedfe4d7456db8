package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

func newVendor(s streams) *cobra.Command {
	var gates gateFlags
	cmd := &cobra.Command{
		Use:   "vendor PATH",
		Short: "bring a chart's dependencies into the tree",
		Long: `vendor fetches the dependencies that Chart.lock of the chart at PATH names, from
the hosts that the gate allows, writes them to charts/, and records their
digests in images.lock.yaml. A version that was published anew is refused.`,
		Example: "  assay vendor charts/platform --gate gate/",
		Args:    onePath("the PATH of a chart's folder"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return vendor(cmd.Context(), job{streams: s, path: args[0], gates: &gates, render: &renderFlags{}, does: "fetching charts"})
		},
	}
	gates.add(cmd)
	return cmd
}

func vendor(ctx context.Context, j job) error {
	if j.path == "-" {
		return &exit{code: exitUsage, err: errors.New("vendoring charts: name a chart's folder, not standard input")}
	}
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return err
	}
	vendored, err := s.Vendor(ctx, source)
	lock, unreadable := plugin.ReadLock(source, 0)
	closeAll() // before anything is printed, for the sake of the line of progress
	if err != nil {
		return asExit(advised(err))
	}
	if len(vendored) == 0 {
		tell(j.out, "%s has no dependency to fetch\n", j.path)
		return nil
	}
	if unreadable != nil {
		return asExit(unreadable)
	}
	if lock == nil {
		lock = &plugin.Lock{}
	}
	lock.Charts = mergeCharts(lock.Charts, vendored)
	text, err := lock.Format()
	if err != nil {
		return asExit(err)
	}
	if err := writeAtomically(filepath.Join(j.path, plugin.LockFile), text); err != nil {
		return asExit(err)
	}
	for _, chart := range vendored {
		tell(j.out, "wrote %s (%s)\n", chart.File, chart.Digest)
	}
	return nil
}

// advised adds what to do to an error that knows it.
func advised(err error) error {
	for _, finding := range plugin.FindingsFromError("vendor", err) {
		if finding.Hint != "" {
			err = fmt.Errorf("%w; %s", err, finding.Hint)
		}
	}
	return err
}

// mergeCharts puts the digests of what was fetched in the place of earlier
// versions' of the same chart.
func mergeCharts(present []plugin.LockedChart, vendored []render.Vendored) []plugin.LockedChart {
	fetched := map[string]bool{}
	var merged []plugin.LockedChart
	for _, chart := range vendored {
		fetched[chart.Locked()] = true
		merged = append(merged, plugin.LockedChart{Chart: chart.Locked(), Version: chart.Version, Digest: chart.Digest})
	}
	for _, chart := range present {
		if !fetched[chart.Chart] {
			merged = append(merged, chart)
		}
	}
	return merged
}
