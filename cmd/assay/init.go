package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

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
Trust roots besides sigstore's public-good instance come from --gate: the file
that holds one is loaded beside the proposal, which keeps the registries of --gate.`,
		Example: `  assay init examples/shop-kustomize/overlays/prod
  assay init apps/shop apps/billing --out gate/ --owner team-a@example.com`,
		Args: someOf("PATH of an application"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return propose(cmd.Context(), proposer{streams: s, gates: &gates, out: out, owner: owner}, args)
		},
	}
	gates.add(cmd)
	cmd.Flags().StringVar(&out, "out", "", "`folder` to write the proposal to; default: standard output")
	cmd.Flags().StringVar(&owner, "owner", "", "who answers for the images on the allow-list")
	offerFolders(cmd, "out")
	offer(cmd, "owner")
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
	config, err := p.gates.load()
	if err != nil {
		return p.gates.unloaded(err)
	}
	d := draft{Proposal: setup.Propose(all), Owner: p.owner, now: time.Now().UTC(), dir: p.out, config: config}
	text, err := d.text()
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
	tell(p.streams.out, "\nwrote %s; review it, then:\n%s\n", file, strings.Join(append([]string{"assay gate check", p.out}, d.rootFiles()...), " "))
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

// look looks at one application, and tells what stands in the way.
func (p proposer) look(ctx context.Context, path string) ([]setup.Sighting, error) {
	sightings, findings, err := p.sightings(ctx, path)
	for _, finding := range findings {
		if finding.Level.Blocks() {
			fmt.Fprintf(p.err, "%s: %s: %s\n", finding.Rule, report.Neutral(finding.Subject()), report.Neutral(finding.Message))
		}
	}
	return sightings, err
}

func (p proposer) sightings(ctx context.Context, path string) ([]setup.Sighting, []plugin.Finding, error) {
	j := job{streams: p.streams, path: path, gates: p.gates, render: &renderFlags{}, does: "looking for signers of " + path}
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer closeAll()
	images, findings, err := s.Images(ctx, source)
	if err != nil {
		return nil, findings, asExit(err)
	}
	sightings, err := s.Sightings(ctx, source, images)
	if err != nil {
		return nil, findings, asExit(err)
	}
	return sightings, findings, nil
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
