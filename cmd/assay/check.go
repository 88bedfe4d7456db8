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
	var scan scanFlags
	var attestation attestFlags
	c := checker{baseline: baseline{streams: s}}
	cmd := &cobra.Command{
		Use:   "check PATH",
		Short: "judge an application and report",
		Long: `check renders the application at PATH ("-" reads rendered YAML from standard
input), pins and verifies its images, hardens and judges it, and prints a report.
No manifest is printed.

--output chooses the report on standard output; --report writes further ones to
files, each whole or not at all, whatever the answer is.

--attest writes the verdict as a SLSA Verification Summary Attestation about the
manifests that 'assay render' prints, in a sigstore bundle: cosign
verify-blob-attestation reads it. A denied application gets one that says FAILED;
without an answer none is written.

--scan runs your own trivy or grype on every image, by digest: what it finds is
judged as the gate judges attested scans. Nobody signs such a scan, so it meets a
demand for one only where the gate says so (scan.local).

--write-baseline writes what is denied as waivers, to start a gate with: a
document of kind Waivers for each gate, to be reviewed and loaded beside it. Each
waiver is bound to the content that was judged. What was written and what cannot
be waived is told on standard error; the exit code stays the verdict's. For
several applications in one file, see 'assay baseline'.`,
		Example: `  assay check examples/shop-kustomize/overlays/prod --lenient
  assay check examples/shop-chart --gate examples/gates/starter --output json
  assay check examples/shop-chart -g examples/gates/starter --report sarif=assay.sarif --report junit=assay.xml
  assay check - --namespace shop < rendered.yaml
  assay check apps/shop -g gate --scan trivy
  assay check apps/shop -g gate --attest shop.vsa.json --attest-key cosign.key
  assay check apps/shop -g gate --write-baseline gate/baseline.yaml --owner team-a --approver platform@example.com --reason adoption --reference https://tickets.example.com/17 --until 2026-12-31`,
		Args: onePath("the PATH of an application (\"-\" for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			j := job{streams: s, path: args[0], gates: &gates, render: &render, encoding: plugin.JSONEncoding{}}
			if attestation.file != "" {
				j.encoding = plugin.YAMLEncoding{} // what render prints
			}
			var err error
			if j.scanner, err = scan.find(); err != nil {
				return err
			}
			if err := attestation.prepare(cmd.Context(), cmd); err != nil {
				return err
			}
			c.attestation = &attestation
			return c.run(cmd, j)
		},
	}
	gates.add(cmd)
	gates.addJudging(cmd)
	render.add(cmd)
	cmd.Flags().StringVarP(&c.format, "output", "o", "text", "report `format`: "+strings.Join(report.Formats(), ", "))
	cmd.Flags().StringArrayVar(&c.files, "report", nil, "also write a report to a file, as `format=file` (repeatable)")
	c.baseline.addToCheck(cmd)
	attestation.add(cmd)
	scan.add(cmd)
	offer(cmd, "output", report.Formats()...)
	return cmd
}

// checker is what one run of check writes.
type checker struct {
	format      string
	files       []string
	baseline    baseline
	attestation *attestFlags
}

// run refuses a wrong use before anything is judged, judges, and writes
// everything that was asked for, whatever the answer is.
func (c *checker) run(cmd *cobra.Command, j job) error {
	if _, err := report.For(c.format, report.Options{}); err != nil {
		return &exit{code: exitUsage, err: err}
	}
	further, err := parseReports(c.files)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	wanted, err := c.baseline.wanted(cmd, further)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	if wanted {
		if err := c.baseline.prepare(j.gates); err != nil {
			return err
		}
	}
	v, err := j.judge(cmd.Context())
	if err != nil {
		return err
	}
	err = errors.Join(j.writeReports(v, further), j.print(v, c.format))
	if wanted {
		err = errors.Join(err, c.baseline.ofVerdict(j.gates.config, v))
	}
	err = errors.Join(err, c.attestation.write(cmd.Context(), j, v))
	if err != nil {
		return unwritten(v, err)
	}
	return outcome(v)
}
