package gate

import "testing"

// contents is a gate that asks for a bill of materials and a scan.
const contents = `apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: base}
spec:
  base: true
  evidence:
  - name: contents
    sbom:
      maxAge: 30d
      makers: ["*syft*"]
      denyLicenses: ["AGPL-*"]
      deny:
      - {name: one, when: "true"}
      - {name: two, when: "false"}
    scan:
      deny: [CRITICAL, HIGH]
      unknown: Warn
      scanners: [{name: trivy}]
  vex: {signers: [security], statuses: [fixed]}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: release}
spec:
  images: [{glob: "**"}]
  authorities:
  - keyless: {identities: [{issuer: "https://issuer.example.com", subject: "release@example.com"}]}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: security}
spec:
  images: [{glob: "**"}]
  authorities:
  - keyless: {identities: [{issuer: "https://issuer.example.com", subject: "security@example.com"}]}
`

func TestLoad_DemandsForContents(t *testing.T) {
	if _, err := Parse("gate.yaml", []byte(contents)); err != nil {
		t.Fatal(err)
	}
	for _, test := range []refusal{
		{"two rules of a name", "name: two", "name: one", `spec.evidence[0].sbom.deny[1].name: there are two rules "one"`},
		{"a rule without an expression", `{name: two, when: "false"}`, "{name: two}", "spec.evidence[0].sbom.deny[1].when: is required"},
		{"white space around a maker", `"*syft*"`, `" *syft*"`, "has white space around it"},
		{"an empty licence", `"AGPL-*"`, `""`, "spec.evidence[0].sbom.denyLicenses[0]: is empty"},
		{"an empty list of severities", "deny: [CRITICAL, HIGH]", "deny: []", "spec.evidence[0].scan.deny: is an empty list, so nothing would be denied"},
		{"an unknown severity", "[CRITICAL, HIGH]", "[CRITICAL, SEVERE]", `"SEVERE" is no severity`},
		{"a severity in small letters", "[CRITICAL, HIGH]", "[critical]", `"critical" is no severity`},
		{"a severity without the worse one", "[CRITICAL, HIGH]", "[HIGH]", "denies HIGH and not CRITICAL, which is worse"},
		{"an unknown word for unknown", "unknown: Warn", "unknown: Pass", "spec.evidence[0].scan.unknown"},
		{"a scanner without a name", "{name: trivy}", "{minVersion: '1'}", "scanners[0].name: is required"},
		{"VEX by nobody", "signers: [security], ", "", "spec.vex.signers: is required"},
		{"VEX by who is not there", "signers: [security], ", "signers: [nobody], ", `there is no ClusterImagePolicy "nobody"`},
		{"a status that takes nothing out", "statuses: [fixed]", "statuses: [affected]", "affected leaves the vulnerability where it is"},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, contents) })
	}
}
