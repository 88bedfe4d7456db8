package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
)

func newRender(s streams) *cobra.Command {
	var gates gateFlags
	var render renderFlags
	var format string
	var attestation attestFlags
	cmd := &cobra.Command{
		Use:   "render PATH",
		Short: "print the hardened manifests of an application that is allowed",
		Long: `render does what check does and prints the manifests, pinned and hardened, on
standard output, when the answer is yes. When it is not, standard output stays
empty and the report goes to standard error. --attest writes the verdict about
exactly these manifests as a signed attestation.`,
		Example: `  assay render examples/shop-kustomize/overlays/prod --gate examples/gates/audit
  assay render examples/shop-chart -f values.yaml -g examples/gates/audit | kubectl diff -f -`,
		Args: onePath("the PATH of an application (\"-\" for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error {
			encoding, err := encodingFor(format)
			if err != nil {
				return &exit{code: exitUsage, err: err}
			}
			if err := attestation.prepare(cmd.Context(), cmd); err != nil {
				return err
			}
			j := job{streams: s, path: args[0], gates: &gates, render: &render, encoding: encoding}
			v, err := j.judge(cmd.Context())
			if err != nil {
				return err
			}
			if err := attestation.write(cmd.Context(), j, v); err != nil {
				return unwritten(v, err)
			}
			if !v.Allowed() {
				j.out = s.err
				if err := j.print(v, "text"); err != nil {
					return err
				}
				return outcome(v)
			}
			return printManifests(s, v)
		},
	}
	gates.add(cmd)
	gates.addJudging(cmd)
	render.add(cmd)
	attestation.add(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "yaml", "manifest `format`: yaml, json (a document a line)")
	offer(cmd, "output", "yaml", "json")
	return cmd
}

// nameOf is the format's name, the other way round.
func nameOf(encoding plugin.Encoding) string {
	if _, is := encoding.(plugin.JSONEncoding); is {
		return "json"
	}
	return "yaml"
}

func encodingFor(format string) (plugin.Encoding, error) {
	switch format {
	case "yaml":
		return plugin.YAMLEncoding{}, nil
	case "json":
		return plugin.JSONEncoding{}, nil
	}
	return nil, fmt.Errorf("choosing the manifest format: %q is neither yaml nor json", format)
}

// printManifests writes the sealed bytes, once.
func printManifests(s streams, v *plugin.Verdict) error {
	manifests, err := v.Manifests()
	if err != nil {
		return &exit{code: exitDenied, err: err}
	}
	if v.Banner != "" {
		fmt.Fprintln(s.err, v.Banner)
	}
	if _, err := s.out.Write(manifests); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing the manifests: %w", err)}
	}
	return nil
}
