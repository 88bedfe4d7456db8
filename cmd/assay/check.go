package main

import (
	"errors"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

func newCheck(s streams) *cobra.Command {
	var gates gateFlags
	var render renderFlags
	var format string
	var files []string
	cmd := &cobra.Command{
		Use:   "check PATH",
		Short: "judge an application and report",
		Long: `check renders the application at PATH ("-" reads rendered YAML from standard
input), pins and verifies its images, hardens and judges it, and prints a report.
No manifest is printed.

--output chooses the report on standard output; --report writes further ones to
files, each whole or not at all, whatever the answer is.`,
		Example: `  assay check examples/shop-kustomize/overlays/prod --lenient
  assay check examples/shop-chart --gate examples/gates/starter --output json
  assay check examples/shop-chart -g examples/gates/starter --report sarif=assay.sarif --report junit=assay.xml
  assay check - --namespace shop < rendered.yaml`,
		Args: onePath("the PATH of an application (\"-\" for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := report.For(format, report.Options{}); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			further, err := parseReports(files)
			if err != nil {
				return &exit{code: exitUsage, err: err}
			}
			j := job{streams: s, path: args[0], gates: &gates, render: &render, encoding: plugin.JSONEncoding{}}
			v, err := j.judge(cmd.Context())
			if err != nil {
				return err
			}
			if err := errors.Join(j.writeReports(v, further), j.print(v, format)); err != nil {
				return unwritten(v, err)
			}
			return outcome(v)
		},
	}
	gates.add(cmd)
	gates.addJudging(cmd)
	render.add(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "text", "report `format`: "+strings.Join(report.Formats(), ", "))
	cmd.Flags().StringArrayVar(&files, "report", nil, "also write a report to a file, as `format=file` (repeatable)")
	offer(cmd, "output", report.Formats()...)
	return cmd
}
