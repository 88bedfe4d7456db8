package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// allowDays is how long the proposal allows an image that nobody vouches for.
const allowDays = 30

func newInit(s streams) *cobra.Command {
	var gates gateFlags
	var out, owner string
	cmd := &cobra.Command{
		Use:   "init PATH...",
		Short: "list the images with their signers, and propose a gate to review",
		Long: `init renders the applications, resolves their images, looks up who signed each,
and proposes a gate: trust rules where a signature verifies under a known trust
root, and an allow-list of single digests, with an owner and an end, where none
does. It never proposes to let through what it has not seen.

The proposal leaves the approver empty: it loads when somebody has filled it in.
Trust roots besides sigstore's public-good instance come from --gate.`,
		Example: `  assay init examples/shop-kustomize/overlays/prod
  assay init apps/shop apps/billing --out gate/ --owner team-a@example.com`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return propose(cmd.Context(), proposer{streams: s, gates: &gates, out: out, owner: owner}, args)
		},
	}
	gates.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`folder` to write the proposal to; default: standard output")
	cmd.Flags().StringVar(&owner, "owner", "", "who answers for the images on the allow-list")
	return cmd
}

// proposer is one run of init.
type proposer struct {
	streams
	gates      *gateFlags
	out, owner string
}

func propose(ctx context.Context, p proposer, paths []string) error {
	var all []setup.Sighting
	seen := map[string]bool{}
	for _, path := range paths {
		sightings, err := p.look(ctx, path)
		if err != nil {
			return err
		}
		for _, sighting := range sightings {
			if key := sighting.Image.Reference.String(); !seen[key] {
				seen[key] = true
				all = append(all, sighting)
			}
		}
	}
	printSightings(p.streams.out, all)
	text, err := proposalText(setup.Propose(all), p.owner, time.Now().UTC())
	if err != nil {
		return err
	}
	if p.out == "" {
		fmt.Fprintf(p.streams.out, "\n%s", text)
		return unseen(all)
	}
	if err := os.MkdirAll(p.out, 0o755); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing the proposal: %w", err)}
	}
	file := filepath.Join(p.out, "proposal.yaml")
	if _, err := os.Stat(file); err == nil {
		return &exit{code: exitUsage, err: fmt.Errorf("writing the proposal: %s is there already", file)}
	}
	if err := writeAtomically(file, []byte(text)); err != nil {
		return &exit{code: exitUndetermined, err: err}
	}
	fmt.Fprintf(p.streams.out, "\nwrote %s; review it, then 'assay gate check %s'\n", file, p.out)
	return unseen(all)
}

// unseen is the end of a proposal that knows less than it should.
func unseen(all []setup.Sighting) error {
	count := 0
	for _, sighting := range all {
		if sighting.Problem != "" {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return &exit{code: exitUndetermined, err: fmt.Errorf("looking for signers: %d of %d images could not be looked at, so the proposal is not complete; run it again", count, len(all))}
}

func (p proposer) look(ctx context.Context, path string) ([]setup.Sighting, error) {
	j := job{streams: p.streams, path: path, gates: p.gates, render: &renderFlags{}}
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	images, findings, err := s.Images(ctx, source)
	if err != nil {
		return nil, asExit(err)
	}
	for _, finding := range findings {
		if finding.Level.Blocks() {
			fmt.Fprintf(p.err, "%s: %s: %s\n", finding.Rule, report.Neutral(finding.Subject()), report.Neutral(finding.Message))
		}
	}
	sightings, err := s.Sightings(ctx, source, images)
	if err != nil {
		return nil, asExit(err)
	}
	return sightings, nil
}

func printSightings(w io.Writer, sightings []setup.Sighting) {
	for _, sighting := range sightings {
		fmt.Fprintln(w, report.Neutral(sighting.Image.Reference.String()))
		for _, signer := range sighting.Signers {
			switch {
			case signer.TrustRoot != "":
				fmt.Fprintf(w, "  signed by %s\n    as told by %s, under the trust root %s\n", report.Neutral(signer.Subject), report.Neutral(signer.Issuer), report.Neutral(signer.TrustRoot))
			case signer.Key:
				fmt.Fprintln(w, "  signed by a key: put its public half into a ClusterImagePolicy")
			default:
				fmt.Fprintf(w, "  a signature that no trust root verifies: %s\n", report.Neutral(signer.Reason))
			}
		}
		if len(sighting.Signers) == 0 && sighting.Problem == "" {
			fmt.Fprintln(w, "  signed by nobody")
		}
		if sighting.Problem != "" {
			fmt.Fprintf(w, "  could not be looked at: %s\n", report.Neutral(sighting.Problem))
		}
	}
}

// proposalText is the proposal as files' text. Images without a digest cannot
// be allowed; they are left out with a remark.
func proposalText(proposal setup.Proposal, owner string, now time.Time) (string, error) {
	var text strings.Builder
	err := proposalTemplate.Execute(&text, map[string]any{
		"Policies": proposal.Policies, "Allow": proposal.Allow, "Owner": owner,
		"Until": now.AddDate(0, 0, allowDays).Format(time.DateOnly), "PublicGood": "public-good",
	})
	if err != nil {
		return "", &exit{code: exitUndetermined, err: errors.Join(errors.New("writing the proposal"), err)}
	}
	return text.String(), nil
}

var proposalTemplate = template.Must(template.New("proposal").Funcs(template.FuncMap{
	"keyed": func(s setup.Allowance) bool {
		for _, signer := range s.Signers {
			if signer.Key {
				return true
			}
		}
		return false
	},
	"digest": func(i plugin.Image) string { return i.Digest },
}).Parse(`# A proposal, to be reviewed line by line: who may vouch for which image.
apiVersion: assay.dev/v1alpha1
kind: Gate
metadata:
  name: proposal
spec:
  base: true
  profile: profile/restricted@1
  judge:
    podSecurity: {level: restricted, version: latest}
    packs: ["pack/supply-chain@1", "pack/workload@1"]
{{- if .Allow }}
  # Nobody is known to vouch for these: single digests, until a day. Fill in who
  # answers and who approved; the gate does not load before.
  waivers:
{{- range .Allow }}
{{- if .Image.Digest }}
  {{- if keyed . }}
  # It is signed by a key: better put the public key into a ClusterImagePolicy.
  {{- end }}
  - rule: {{ .Rule }}
    image: {{ .Image.Reference.Repository }}
    content: {{ .Image.Digest }} # {{ .Image.Reference.Tag }}
    owner: {{ printf "%q" $.Owner }}
    reason: no signature that a known trust root verifies was found
    reference: ""
    approver: ""
    until: {{ $.Until }}
{{- else }}
  # {{ printf "%q" .Image.Written }} has no digest: {{ printf "%q" .Problem }}
{{- end }}
{{- end }}
{{- end }}
{{- range .Policies }}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata:
  name: {{ .Name }}
spec:
  images:
{{- range .Repositories }}
  - glob: "{{ . }}@*"
{{- end }}
  authorities:
{{- range $number, $_ := .Authorities }}
  - name: keyless-{{ $number }}
    keyless:
      url: https://fulcio.sigstore.dev
{{- if ne .TrustRoot $.PublicGood }}
      trustRootRef: {{ .TrustRoot }}
{{- end }}
      identities:
      - issuer: {{ printf "%q" .Identity.Issuer }}
{{- if .Identity.SubjectRegExp }}
        subjectRegExp: {{ printf "%q" .Identity.SubjectRegExp }}
{{- else }}
        subject: {{ printf "%q" .Identity.Subject }}
{{- end }}
{{- if ne .TrustRoot $.PublicGood }}
    ctlog:
      trustRootRef: {{ .TrustRoot }}
{{- else }}
    ctlog:
      url: https://rekor.sigstore.dev
{{- end }}
{{- end }}
{{- end }}
`))
