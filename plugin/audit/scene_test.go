package audit_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/report"
)

// stages answer as little as a complete run needs.
type stages struct{ objects []plugin.Object }

func (s stages) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	return plugin.Rendering{Objects: s.objects}, nil
}

func (stages) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	return make([]plugin.Resolution, len(references))
}

func (stages) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	return make([]plugin.Review, len(images))
}

var judged = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

func configMap(name string) plugin.Object {
	return plugin.Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": name, "namespace": "shop"},
	}}
}

// complete runs a pipeline over the objects to its end, so that the verdict is
// allowed unless a finding of the test's blocks.
func complete(t testing.TB, objects []plugin.Object, findings ...plugin.Finding) *plugin.Verdict {
	t.Helper()
	pipeline := plugin.Pipeline{
		Renderer: stages{objects}, Resolver: stages{}, Encoding: plugin.JSONEncoding{}, Clock: func() time.Time { return judged },
		Gates: []plugin.GateStages{{Name: "starter", Deny: true, Verifiers: []plugin.Verifier{stages{}}}},
	}
	v := pipeline.Run(t.Context(), plugin.Source{
		Path: "overlays/prod", RepositoryPath: "apps/overlays/prod", Revision: "3f786850e387550fdab836ed7e6dc881de23001b",
		Application: plugin.Application{Name: "team-a_shop", Project: "team-a", Namespace: "shop", Repository: "https://git.example.com/shop"},
	})
	v.Findings = append(v.Findings, findings...)
	plugin.SortFindings(v.Findings)
	return v
}

func digest(hex string) string { return "sha256:" + strings.Repeat(hex, 64/len(hex)) }

var web = plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}

func vouched(t testing.TB) plugin.Image {
	t.Helper()
	evidence, err := plugin.NewEvidence(plugin.Claims{
		Kind: plugin.EvidenceAttestation, Gate: "starter", Policy: "shop-provenance", Authority: "ci", Digest: digest("1a"), Format: "bundle",
		Signer: "https://ci.example.com/shop/.github/workflows/release.yaml@refs/tags/1.4.2", Issuer: "https://issuer.example.com",
		PredicateType: "https://slsa.dev/provenance/v1", Builder: "https://ci.example.com/builder", SourceRepository: "https://git.example.com/shop",
		SourceRevision: "3f786850e387550fdab836ed7e6dc881de23001b",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const written = "registry.example.com/shop/web:1.4.2"
	reference, err := plugin.ParseReference(written)
	if err != nil {
		t.Fatal(err)
	}
	return plugin.Image{
		Written: written, Reference: reference, Digest: digest("1a"), DigestFrom: plugin.DigestResolved, Platforms: []string{"linux/amd64"},
		Evidence: []plugin.Evidence{evidence}, Uses: []plugin.Use{{ID: web, Field: "spec.template.spec.containers[0].image", Container: "web"}},
	}
}

func filledIn(field string) plugin.Finding {
	return plugin.Finding{
		Rule: "harden/restricted", Level: plugin.Info, Gate: "starter", Object: web, Message: "was not set",
		Field: "spec.template.spec.containers[0].securityContext." + field, Now: "true",
	}
}

func privileged() plugin.Finding {
	return plugin.Finding{
		Rule: "pss/restricted", Gate: "starter", Object: web, Message: "privileged must not be true", Hint: "remove the field",
		Field: "spec.template.spec.containers[0].securityContext.privileged", Content: digest("2b"),
	}
}

func waived() plugin.Finding {
	finding := privileged()
	finding.Level = plugin.Warn
	finding.Waiver = &plugin.Waived{
		Kind: "waiver", Owner: "team-a", Approver: "platform@example.com", Reason: "see OPS-12", Until: time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC),
	}
	return finding
}

func about() audit.About {
	return audit.About{GateDigest: digest("9f"), Version: "1.2.3", Door: report.Door{Log: "the assay sidecar", Again: "at the next refresh", Sharer: "AppProject"}}
}
