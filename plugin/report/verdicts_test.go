package report_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// The fake stages answer as little as a complete run needs.
type fakeRenderer struct{ objects []plugin.Object }

func (f fakeRenderer) Render(context.Context, plugin.Source) (plugin.Rendering, error) {
	return plugin.Rendering{Objects: f.objects}, nil
}

type fakeResolver struct{}

func (fakeResolver) Resolve(_ context.Context, references []plugin.Reference) []plugin.Resolution {
	return make([]plugin.Resolution, len(references))
}

type fakeVerifier struct{}

func (fakeVerifier) Verify(_ context.Context, images []plugin.Image) []plugin.Review {
	return make([]plugin.Review, len(images))
}

type fakeEncoding struct{}

func (fakeEncoding) Encode(objects []plugin.Object) ([]byte, error) { return json.Marshal(objects) }

func (fakeEncoding) Decode(data []byte) ([]plugin.Object, error) {
	var objects []plugin.Object
	return objects, json.Unmarshal(data, &objects)
}

var judged = time.Date(2026, 3, 14, 15, 9, 26, 0, time.UTC)

// complete runs a pipeline to its end, so that the verdict may allow, and puts
// the images and findings of the test into it.
func complete(t *testing.T, gates []string, images []plugin.Image, findings ...plugin.Finding) *plugin.Verdict {
	t.Helper()
	pipeline := plugin.Pipeline{
		Renderer: fakeRenderer{[]plugin.Object{{Fields: map[string]any{
			"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "secret-sauce"},
		}}}},
		Resolver: fakeResolver{}, Encoding: fakeEncoding{}, Clock: func() time.Time { return judged },
	}
	for _, name := range gates {
		pipeline.Gates = append(pipeline.Gates, plugin.GateStages{Name: name, Deny: true, Verifiers: []plugin.Verifier{fakeVerifier{}}})
	}
	v := pipeline.Run(t.Context(), plugin.Source{
		Path: "overlays/prod", Revision: "3f786850e387550fdab836ed7e6dc881de23001b",
		Application: plugin.Application{Name: "shop", Project: "team-a", Namespace: "shop"},
	})
	v.Findings, v.Images, v.Objects = findings, images, 12
	plugin.SortFindings(v.Findings)
	return v
}

func digest(hex string) string { return "sha256:" + strings.Repeat(hex, 64/len(hex)) }

var (
	web    = plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
	worker = plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "worker"}
)

const (
	webImage    = "registry.example.com/shop/web:1.4.2"
	workerImage = "registry.example.com/shop/worker:1.4.2"
	debugImage  = "registry.example.com/tools/debug:0.3.0"
)

func image(t *testing.T, written, digest string, claims ...plugin.Claims) plugin.Image {
	t.Helper()
	reference, err := plugin.ParseReference(written)
	if err != nil {
		t.Fatal(err)
	}
	out := plugin.Image{Written: written, Reference: reference, Digest: digest, DigestFrom: plugin.DigestResolved}
	if digest == "" {
		out.DigestFrom = ""
	}
	for _, claim := range claims {
		claim.Digest = digest
		evidence, err := plugin.NewEvidence(claim, nil)
		if err != nil {
			t.Fatal(err)
		}
		out.Evidence = append(out.Evidence, evidence)
	}
	return out
}

func used(image plugin.Image, id plugin.ObjectID, file string, line int) plugin.Image {
	image.Uses = append(image.Uses, plugin.Use{
		ID: id, Origin: plugin.Origin{File: file, Line: line},
		Field: "spec.template.spec.containers[0].image", Container: id.Name,
	})
	return image
}

func byKey() plugin.Claims {
	return plugin.Claims{
		Kind: plugin.EvidenceSignature, Gate: "starter", Policy: "shop-key", Authority: "release",
		Format: "bundle", Signer: digest("ab"),
	}
}

func keyless() plugin.Claims {
	return plugin.Claims{
		Kind: plugin.EvidenceAttestation, Gate: "starter", Policy: "shop-provenance", Authority: "ci", Format: "bundle",
		Signer: "https://ci.example.com/shop/.github/workflows/release.yaml@refs/tags/1.4.2", Issuer: "https://issuer.example.com",
		TrustRoot: "example", PredicateType: "https://slsa.dev/provenance/v1", Signed: judged.Add(-24 * time.Hour),
	}
}

func hardened(id plugin.ObjectID, field, now string) plugin.Finding {
	return plugin.Finding{
		Rule: "harden/restricted", Level: plugin.Info, Gate: "starter", Object: id, Message: "was not set",
		Field: "spec.template.spec.containers[0].securityContext." + field, Now: now,
	}
}

// verdicts are the cases that every format has a golden file for.
func verdicts(t *testing.T) map[string]*plugin.Verdict {
	t.Helper()
	vouched := []plugin.Image{
		used(image(t, webImage, digest("1a"), byKey(), keyless()), web, "base/web.yaml", 17),
		used(image(t, workerImage, digest("2b"), byKey()), worker, "base/worker.yaml", 14),
	}
	waived := privileged()
	waived.Level = plugin.Warn
	waived.Waiver = &plugin.Waived{
		Kind: "waiver", Owner: "team-a", Approver: "platform@example.com", Reason: "needs the host's clock, see OPS-12",
		Until: time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC),
	}
	audited := unsigned()
	audited.Level, audited.Audited = plugin.Warn, true
	opened := unsigned()
	opened.Level = plugin.Warn
	opened.Waiver = &plugin.Waived{Kind: "break-glass", Approver: "platform@example.com", Reason: "OPS-99", Until: judged.Add(3 * time.Hour)}
	breakGlass := complete(t, []string{"starter"}, vouched, opened)
	breakGlass.Banner = "BREAK GLASS until 2026-03-14 18:09Z, approved by platform@example.com: OPS-99"
	return map[string]*plugin.Verdict{
		"allowed": complete(t, []string{"starter"}, vouched,
			hardened(web, "allowPrivilegeEscalation", "false"), hardened(worker, "allowPrivilegeEscalation", "false"),
			hardened(web, "capabilities.drop", `["ALL"]`), waived),
		"denied": complete(t, []string{"platform", "starter"}, []plugin.Image{
			used(used(image(t, debugImage, digest("3c")), web, "base/web.yaml", 31), worker, "base/worker.yaml", 20), vouched[0],
			used(image(t, workerImage, ""), worker, "base/worker.yaml", 14),
		}, unsigned(), privileged(), privilegedElsewhere(), silent(), hardened(web, "runAsNonRoot", "true")),
		"undetermined": complete(t, []string{"starter"}, []plugin.Image{used(image(t, workerImage, ""), worker, "base/worker.yaml", 14)}, silent()),
		"audit":        complete(t, []string{"starter"}, vouched, audited),
		"breakglass":   breakGlass,
	}
}

func unsigned() plugin.Finding {
	return plugin.Finding{
		Rule: "image/not-signed", Gate: "starter", Image: debugImage, Digest: digest("3c"),
		Message: "no signature of an accepted signer is attached to this digest",
		Why:     "anybody who can push to the registry could have built it",
		Hint:    "sign it in the build that pushes it, or remove the container",
		Details: []string{
			"key release (rule shop-key): 1 signature looked at, made by another key sha256:ffffffffffff",
			"keyless ci (rule shop-provenance): the certificate's issuer is https://other.example.com, not https://issuer.example.com",
		},
	}
}

func privileged() plugin.Finding {
	return plugin.Finding{
		Rule: "pss/restricted", Gate: "starter", Object: web, Origin: plugin.Origin{File: "base/web.yaml", Line: 9},
		Field: "spec.template.spec.containers[0].securityContext.privileged", Message: "privileged must not be true",
		Why:  "a privileged container is root on its node",
		Hint: "remove the field; if one capability is needed, add that one and ask for a waiver",
	}
}

func privilegedElsewhere() plugin.Finding {
	finding := privileged()
	finding.Object, finding.Origin = worker, plugin.Origin{File: "base/worker.yaml", Line: 9}
	finding.Gate = "platform"
	return finding
}

func silent() plugin.Finding {
	return plugin.Finding{
		Rule: "resolve/no-answer", Level: plugin.Undetermined, Image: workerImage,
		Message: "resolve registry.example.com/shop/worker:1.4.2: the registry answers 429 (too many requests)",
		Hint:    "wait a minute, or give the gate a credential for this host",
	}
}
