package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// attestedPod is a sealed Pod whose image has a statement of that type.
func attestedPod(t *testing.T, kind plugin.EvidenceKind, predicate string) plugin.Sealed {
	t.Helper()
	input := sealed(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: registry.example.com/web:1}]}")
	images, _ := plugin.ImageFinder{}.Find(input.Objects)
	digest := "sha256:" + strings.Repeat("a", 64)
	evidence, err := plugin.NewEvidence(plugin.Claims{Kind: kind, Digest: digest, Gate: "base", Policy: "release", PredicateType: predicate}, nil)
	if err != nil {
		t.Fatal(err)
	}
	images[0].Digest, images[0].Evidence = digest, []plugin.Evidence{evidence}
	input.Images = plugin.NewImageIndex(images)
	return input
}

func TestEvidence_AStatementOfTheKindIsAskedFor(t *testing.T) {
	config := Config{Gate: gateWith(gate.Judge{Packs: []string{"pack/supply-chain@2"}})}
	for rule, predicates := range map[string][]string{
		"image/no-provenance": {"https://slsa.dev/provenance/v1", "https://slsa.dev/provenance/v0.2"},
		"image/no-sbom":       {"https://spdx.dev/Document", "https://spdx.dev/Document/v2.3", "https://cyclonedx.org/bom", "https://cyclonedx.org/bom/v1.6"},
		"image/no-scan":       {"https://cosign.sigstore.dev/attestation/vuln/v1", "https://in-toto.io/attestation/vulns/v0.1"},
	} {
		for _, predicate := range predicates {
			if found := withRule(judgeWith(t, config, attestedPod(t, plugin.EvidenceAttestation, predicate)), rule); len(found) != 0 {
				t.Errorf("%s with %s: %+v", rule, predicate, found)
			}
			if found := one(t, withRule(judgeWith(t, config, attestedPod(t, plugin.EvidenceSignature, predicate)), rule)); found.Level != plugin.Warn || found.Field == "" {
				t.Errorf("%s with a signature: %+v", rule, found)
			}
		}
		for _, predicate := range []string{"", "https://example.com/provenance/v1"} {
			if found := withRule(judgeWith(t, config, attestedPod(t, plugin.EvidenceAttestation, predicate)), rule); len(found) != 1 {
				t.Errorf("%s with %q: %+v", rule, predicate, found)
			}
		}
	}
}

func TestRegistry_AListIsInForceWhateverThePacks(t *testing.T) {
	config := Config{Gate: gateWith(gate.Judge{})}
	config.Gate.Spec.Images.Allowed = []string{"registry.example.org"}
	input := sealed(t, "apiVersion: v1\nkind: Pod\nmetadata: {name: web}\nspec: {containers: [{name: web, image: registry.example.com/web:1}]}")
	if found := one(t, withRule(judgeWith(t, config, input), ruleRegistry)); found.Level != plugin.Deny || found.Field != "spec.containers[0].image" {
		t.Errorf("%+v", found)
	}
	config.Gate.Spec.Images.Allowed = []string{"registry.example.com"}
	if found := withRule(judgeWith(t, config, input), ruleRegistry); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	config.Gate.Spec.Images.Allowed = nil
	config.Gate.Spec.Judge.Packs = []string{"pack/supply-chain@2"}
	if found := withRule(judgeWith(t, config, input), ruleRegistry); len(found) != 0 {
		t.Errorf("no list: %+v", found)
	}
}

func TestRegistry_APlaceThatCannotBeReadAllowsNothing(t *testing.T) {
	if newAllowedPlaces([]string{"registry.example.com/[a-z]"}).allow("registry.example.com/a") {
		t.Error("allowed")
	}
	if !newAllowedPlaces([]string{"registry.example.com/*"}).allow("registry.example.com/a") {
		t.Error("twin: not allowed")
	}
}
