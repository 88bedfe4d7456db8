package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin/policy/cases"
	"github.com/assay-gitops/assay/plugin/report"
)

func newTest(s streams) *cobra.Command {
	return &cobra.Command{
		Use:   "test FOLDER...",
		Short: "run the test cases of policies",
		Long: `test runs the cases that stand beside policies, by the engines of the gate, in
each FOLDER and below. It reads:

  a folder with policies in *.yaml and cases in pass/ and fail/
  Gatekeeper's suites (test.gatekeeper.sh/v1alpha1)
  Kyverno's tests (kyverno-test.yaml)

Each case that fails is one line: what was expected, and what was said.

Exit codes: 0 every case passes, 1 one fails, 64 a folder holds no case.`,
		Example: `  assay test examples/policies
  assay test examples/policies/replicas`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return fmt.Errorf("%s needs a FOLDER with policies and their cases", cmd.CommandPath())
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			return testPolicies(cmd.Context(), s.out, args, cases.Options{At: time.Now()})
		},
	}
}

func testPolicies(ctx context.Context, w io.Writer, folders []string, options cases.Options) error {
	counts := map[cases.Outcome]int{}
	for _, folder := range folders {
		done, err := cases.Run(ctx, folder, options)
		if err != nil {
			return caseless(ctx, err)
		}
		for _, each := range done {
			counts[each.Outcome]++
			switch each.Outcome {
			case cases.Passed:
			case cases.Skipped:
				fmt.Fprintf(w, "skipped  %s %s\n", report.Neutral(each.Suite), report.Neutral(each.Name))
			case cases.Failed:
				fmt.Fprintf(w, "failed   %s %s: expected %s, got %s\n", report.Neutral(each.Suite), report.Neutral(each.Name), report.Neutral(each.Want), report.Neutral(each.Got))
			}
		}
	}
	fmt.Fprintf(w, "%d passed, %d failed, %d skipped\n", counts[cases.Passed], counts[cases.Failed], counts[cases.Skipped])
	switch {
	case counts[cases.Failed] > 0:
		return &exit{code: exitDenied}
	case counts[cases.Passed] == 0:
		return &exit{code: exitUsage, err: errors.New("testing policies: every case is skipped, so nothing was tested")}
	}
	return nil
}

// caseless is the end of a run without cases; a run that was broken off has no
// answer.
func caseless(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	return &exit{code: exitUsage, err: err}
}
