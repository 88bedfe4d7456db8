package verify

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// Every message about a chart calls it one. The twin is the same thing as an
// image.
func TestVerify_MessagesAboutChartsSayChart(t *testing.T) {
	stranger := throwaway.Signer{Issuer: issuer, Subject: "https://github.com/other/" + workflow}
	for name, arrange := range map[string]func(*world, plugin.Image){
		"not signed":   func(*world, plugin.Image) {},
		"not trusted":  func(w *world, image plugin.Image) { w.sign(image, stranger) },
		"not attested": func(w *world, _ plugin.Image) { w.require(asking(keyless(), wanting(provenanceV1))) },
		"refused":      func(w *world, _ plugin.Image) { w.require(gate.Authority{Static: &gate.StaticRef{Action: "fail"}}) },
		"no trust rule": func(w *world, _ plugin.Image) {
			w.config.Policies = policies(keyless())
			w.config.Policies[0].Spec.Images[0].Glob = "other.example.com/**"
		},
		"undetermined": func(w *world, _ plugin.Image) { w.registry.faults["referrers"] = errors.New("429 too many requests") },
		"no provenance": func(w *world, image plugin.Image) {
			w.demandProvenance(nil)
			w.sign(image, builds())
		},
	} {
		for _, chart := range []bool{true, false} {
			w := newWorld(t)
			image := w.image("app")
			image.Chart = chart
			arrange(w, image)
			review := w.review(image)
			if len(review.Findings) == 0 {
				t.Fatalf("%s: no finding", name)
			}
			for _, finding := range review.Findings {
				text := strings.ReplaceAll(strings.ToLower(finding.Message+" "+finding.Hint+" "+finding.Why), "clusterimagepolicy", "policy")
				text = strings.ReplaceAll(text, "whose images match", "that match")
				if says := strings.Contains(text, "image"); says == chart {
					t.Errorf("%s, chart %t: %s", name, chart, text)
				}
			}
		}
	}
}
