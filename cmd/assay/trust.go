package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
	"github.com/assay-gitops/assay/plugin/verify"
)

func newTrust(s streams) *cobra.Command {
	var gates gateFlags
	var format string
	cmd := &cobra.Command{
		Use:   "trust IMAGE|PATH",
		Short: "tell everything that is known about an image, or about those of an application",
		Long: `trust lists what lies beside each image in its registry: who signed it, and what
is attested about it (provenance, bill of materials, scan, VEX), each checked by
the gate's trust rules, or else against its trust roots. Then it says what each
gate would need to accept the image.

An argument that is a path here is an application; any other is an image.`,
		Example: `  assay trust registry.example.com/shop/web:1.4.2 --gate examples/gates/starter
  assay trust examples/shop-kustomize/overlays/prod --gate examples/gates/starter --output json`,
		Args: onePath("an IMAGE, or the PATH of an application"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if format != "table" && format != "json" {
				return &exit{code: exitUsage, err: fmt.Errorf("choosing the format: %q is neither table nor json", format)}
			}
			j := job{streams: s, path: args[0], gates: &gates, render: &renderFlags{}, does: "looking at " + args[0]}
			if err := j.orImage(); err != nil {
				return &exit{code: exitUsage, err: err}
			}
			known, err := j.known(cmd.Context())
			if err != nil {
				return err
			}
			if err := printKnown(s.out, known, format); err != nil {
				return err
			}
			return unknown(known)
		},
	}
	gates.add(cmd)
	cmd.Flags().StringVarP(&format, "output", "o", "table", "`format`: table, json")
	offer(cmd, "output", "table", "json")
	cmd.AddCommand(newTrustBundle(s))
	return cmd
}

// orImage takes a path that does not exist for an image: a Pod with it is what
// is looked at.
func (j *job) orImage() error {
	if _, err := os.Lstat(j.path); j.path == "-" || err == nil {
		return nil
	}
	reference, err := plugin.ParseReference(j.path)
	if err != nil {
		return fmt.Errorf("%q is no path here and no image: %w", j.path, err)
	}
	if !strings.HasPrefix(j.path, reference.Host()+"/") {
		fmt.Fprintf(j.err, "%s is no path here, so it is the image %s\n", report.Neutral(j.path), reference)
	}
	pod, err := json.Marshal(map[string]any{
		"apiVersion": "v1", "kind": "Pod", "metadata": map[string]any{"name": "image"},
		"spec": map[string]any{"containers": []any{map[string]any{"name": "image", "image": j.path}}},
	})
	if err != nil {
		return err
	}
	j.in, j.path = strings.NewReader(string(pod)), "-"
	return nil
}

// known resolves the images and looks them up.
func (j job) known(ctx context.Context) ([]setup.Known, error) {
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	images, findings, err := s.Images(ctx, source)
	if err != nil {
		return nil, asExit(err)
	}
	known, err := s.Known(ctx, source, images)
	if err != nil {
		return nil, asExit(err)
	}
	for _, finding := range findings {
		if finding.Level.Blocks() {
			fmt.Fprintf(j.err, "%s: %s: %s\n", finding.Rule, report.Neutral(finding.Subject()), report.Neutral(finding.Message))
		}
	}
	return known, nil
}

// unknown is the end when something could not be looked at.
func unknown(known []setup.Known) error {
	count := 0
	for _, each := range known {
		if each.Problem != "" {
			count++
		}
	}
	if count == 0 {
		return nil
	}
	return &exit{code: exitUndetermined, err: fmt.Errorf("looking at what is known: %d of %s could not be looked at in full; run it again", count, counted(len(known), "image"))}
}

func printKnown(w io.Writer, known []setup.Known, format string) error {
	if format == "json" {
		return printKnownJSON(w, known)
	}
	if len(known) == 0 {
		fmt.Fprintln(w, "there is no image")
	}
	for i, each := range known {
		if i > 0 {
			fmt.Fprintln(w)
		}
		knownPage{w}.image(each)
	}
	return nil
}

// knownImage is one image of the JSON answer.
type knownImage struct {
	Image   string         `json:"image"`
	Digest  string         `json:"digest,omitempty"`
	Found   []verify.Sight `json:"found"`
	Problem string         `json:"problem,omitempty"`
	Gates   []knownGate    `json:"gates"`
}

type knownGate struct {
	Gate     string           `json:"gate"`
	Accepts  bool             `json:"accepts"`
	Findings []plugin.Finding `json:"findings,omitempty"`
}

func printKnownJSON(w io.Writer, known []setup.Known) error {
	images := []knownImage{}
	for _, each := range known {
		image := knownImage{Image: each.Image.Written, Digest: each.Image.Digest, Found: append([]verify.Sight{}, each.Sights...), Problem: each.Problem}
		for _, word := range each.Words {
			image.Gates = append(image.Gates, knownGate{word.Gate, word.Accepts(), word.Findings})
		}
		images = append(images, image)
	}
	if err := report.WriteJSON(w, map[string]any{"schema": "assay.dev/trust/v1alpha1", "images": images}); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing what is known: %w", err)}
	}
	return nil
}
