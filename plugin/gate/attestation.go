package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// Attestation is one statement that an authority asks for: of its type, signed
// by the authority, about the image, with a condition that holds.
type Attestation struct {
	// Name names it in messages.
	Name string `yaml:"name"`
	// PredicateType is the in-toto predicate type's URI, or one of cosign's short
	// names: custom, slsaprovenance, slsaprovenance02, slsaprovenance1, spdx,
	// spdxjson, cyclonedx, link, vuln, openvex.
	PredicateType string `yaml:"predicateType"`
	// Policy is the condition; without one, any statement of the type will do.
	Policy *AttestationPolicy `yaml:"policy,omitempty"`
	// At is the entry's own line.
	At plugin.Origin `yaml:"-"`
}

// AttestationPolicy is a condition over a verified statement.
type AttestationPolicy struct {
	// Type is "rego" (package sigstore, rule isCompliant, as policy-controller
	// reads it) or "cel" (assay's own: an expression over statement and
	// predicate).
	Type string `yaml:"type"`
	// Data is the condition's text.
	Data string `yaml:"data"`
	// At is the condition's own line.
	At plugin.Origin `yaml:"-"`
}

// The types of conditions.
const (
	ConditionRego = "rego"
	ConditionCEL  = "cel"
)

// shortPredicates are cosign's names of predicate types (cosign,
// cmd/cosign/cli/options, PredicateTypeMap).
func shortPredicates() map[string]string {
	return map[string]string{
		"custom":           "https://cosign.sigstore.dev/attestation/v1",
		"slsaprovenance":   "https://slsa.dev/provenance/v0.2",
		"slsaprovenance02": "https://slsa.dev/provenance/v0.2",
		"slsaprovenance1":  "https://slsa.dev/provenance/v1",
		"spdx":             "https://spdx.dev/Document",
		"spdxjson":         "https://spdx.dev/Document",
		"cyclonedx":        "https://cyclonedx.org/bom",
		"link":             "https://in-toto.io/Link/v1",
		"vuln":             "https://cosign.sigstore.dev/attestation/vuln/v1",
		"openvex":          "https://openvex.dev/ns",
	}
}

// PredicateURI is the predicate type that a statement has to have.
func (a Attestation) PredicateURI() string {
	if uri, short := shortPredicates()[a.PredicateType]; short {
		return uri
	}
	return a.PredicateType
}

func (c checker) checkAttestations(at string, authority Authority) {
	if authority.Static != nil && len(authority.Attestations) > 0 {
		c.bad(at, "means nothing beside static, which looks at nothing", "take one of them out")
	}
	names := map[string]bool{}
	for i, attestation := range authority.Attestations {
		field := fmt.Sprintf("%s[%d]", at, i)
		if attestation.Name != "" && names[attestation.Name] {
			c.bad(field+".name", fmt.Sprintf("there are two attestations %q", attestation.Name), "rename one")
		}
		names[attestation.Name] = true
		c.checkPredicateType(field+".predicateType", attestation.PredicateType)
		if attestation.Policy != nil {
			c.checkCondition(field+".policy.type", attestation.Policy.Type)
		}
	}
}

// checkPredicateType refuses a name that is neither a URI nor one of cosign's:
// no statement has such a type.
func (c checker) checkPredicateType(field, written string) {
	_, short := shortPredicates()[written]
	if written == "" || short || strings.Contains(written, ":") || strings.Contains(written, "/") {
		return
	}
	c.bad(field, fmt.Sprintf("%q is no predicate type", written), "write its URI, or "+oneOf(slices.Sorted(maps.Keys(shortPredicates()))))
}

func (c checker) checkCondition(field, written string) {
	switch written {
	case "", ConditionRego, ConditionCEL: // an empty one was refused as required
	case "cue":
		c.bad(field, "conditions in CUE are not read: its library is none that bounds what a condition costs",
			`write the same in CEL (type: cel, data: predicate.buildType == "...") or in Rego (type: rego)`)
	default:
		c.bad(field, fmt.Sprintf("%q is none of its values", written), "write rego or cel")
	}
}

// attestationWords are the statements that are asked for.
func (a Authority) attestationWords() string {
	if len(a.Attestations) == 0 {
		return ""
	}
	texts := make([]string, 0, len(a.Attestations))
	for _, attestation := range a.Attestations {
		text := attestation.Name + " (" + attestation.PredicateURI()
		if attestation.Policy != nil {
			text += ", with a condition in " + attestation.Policy.Type
		}
		texts = append(texts, text+")")
	}
	return "; not an image's signature, but the attestations " + strings.Join(texts, " and ")
}
