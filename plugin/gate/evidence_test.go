package gate

import (
	"strings"
	"testing"
)

const evidenceText = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: base}
spec:
  base: true
  evidence:
  - name: built
    images: ["registry.example.com/**"]
    signers: [team-a]
    provenance:
      builders:
      - {id: "https://builder.example.com/*", level: 3}
      minLevel: 2
      sources: ["github.com/team-a/*"]
      refs: ["refs/tags/v*"]
      tagRange: ">=1.0.0 <2.0.0"
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: team-a}
spec:
  images: [{glob: "registry.example.com/**"}]
  authorities:
  - keyless:
      identities: [{issuer: https://issuer.example.com, subject: builds@example.com}]
`

func TestEvidence_IsReadAndExplained(t *testing.T) {
	config := mustParse(t, evidenceText)
	entry := config.Gates[0].Spec.Evidence[0]
	if entry.Provenance.Builders[0].BuildLevel() != 3 || entry.At.Line != 7 || (Builder{}).BuildLevel() != 1 {
		t.Errorf("%+v", entry)
	}
	want := "evidence built, of registry.example.com/**, by team-a: provenance by https://builder.example.com/* (level 3) from github.com/team-a/*"
	if lines := strings.Join(Explain(config).Gates[0].Lines, "\n"); !strings.Contains(lines, want) {
		t.Errorf("%s\nlacks\n%s", lines, want)
	}
}

func TestEvidence_ThatIsRefused(t *testing.T) {
	for _, test := range []refusal{
		{"no demand", "    provenance:\n      builders:\n      - {id: \"https://builder.example.com/*\", level: 3}\n      minLevel: 2\n      sources: [\"github.com/team-a/*\"]\n      refs: [\"refs/tags/v*\"]\n      tagRange: \">=1.0.0 <2.0.0\"\n", "", "spec.evidence[0]: asks for nothing"},
		{"no builders", "      builders:\n      - {id: \"https://builder.example.com/*\", level: 3}\n", "", "provenance.builders: is required"},
		{"signer that is not loaded", "signers: [team-a]", "signers: [team-b]", `there is no ClusterImagePolicy "team-b"`},
		{"signer that trusts nobody", "  - keyless:\n      identities: [{issuer: https://issuer.example.com, subject: builds@example.com}]", "  - static: {action: pass}", `ClusterImagePolicy "team-a" trusts nobody`},
		{"level that there is not", "level: 3", "level: 4", "4 is no SLSA build level"},
		{"level that no builder has", "level: 3", "level: 1", "no builder is trusted for level 2"},
		{"every builder", "https://builder.example.com/*", "**", `"**" accepts every builder`},
		{"source with a scheme", "github.com/team-a/*", "https://github.com/team-a/*", "write host and path without a scheme"},
		{"short ref", "refs/tags/v*", "main", `"main" is no full ref`},
		{"range that is none", ">=1.0.0 <2.0.0", "soon", `"soon" is no range of versions`},
		{"glob of images", "images: [\"registry", "images: [\"reg istry", "only letters, digits"},
		{"unknown field", "minLevel", "minimumLevel", `unknown field "minimumLevel"`},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, evidenceText) })
	}
}

func TestWitnesses_AreNamedAndNotRequired(t *testing.T) {
	another := strings.ReplaceAll(evidenceText[strings.Index(evidenceText, "---"):], "name: team-a", "name: other")
	config := mustParse(t, strings.Replace(evidenceText, "  evidence:", "  trust: {policies: [other]}\n  evidence:", 1)+another)
	gate := config.Gates[0]
	if required, witnesses := config.PoliciesOf(gate), config.WitnessesOf(gate); len(required) != 1 || required[0].Metadata.Name != "other" || len(witnesses) != 1 || witnesses[0].Metadata.Name != "team-a" {
		t.Errorf("%+v %+v", required, witnesses)
	}
	gate.Spec.Trust.Policies = nil // all are required then
	if len(config.PoliciesOf(gate)) != 2 || len(config.WitnessesOf(gate)) != 0 {
		t.Error("a policy that is required is a witness")
	}
	gate.Spec.VEX = &VEX{Signers: []string{"other"}}
	if required, witnesses := config.PoliciesOf(gate), config.WitnessesOf(gate); len(required) != 1 || len(witnesses) != 1 || witnesses[0].Metadata.Name != "other" {
		t.Errorf("%+v %+v", required, witnesses)
	}
}
