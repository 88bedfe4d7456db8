package attest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// PredicateType is that of a Verification Summary Attestation.
const PredicateType = "https://slsa.dev/verification_summary/v1"

// VerifierID names who judged (VSA, verifier.id). Whoever signs says which
// installation it was.
const VerifierID = "https://github.com/assay-gitops/assay"

const (
	statementType = "https://in-toto.io/Statement/v1"
	slsaVersion   = "1.1"
	// unevaluated is the level of what nobody looked at (SLSA 1.1, verification
	// summary, SlsaResult).
	unevaluated = "SLSA_BUILD_LEVEL_UNEVALUATED"
)

// Summary is a verdict and what it does not say of itself.
type Summary struct {
	Verdict *plugin.Verdict
	// Name is the manifests' file name.
	Name string
	// Resource is the URI of what was judged.
	Resource string
	// PolicyURI and PolicyDigest ("sha256:<hex>") are the gate's configuration.
	PolicyURI, PolicyDigest string
	// Version is the program's.
	Version string
}

// Statement is the summary as an in-toto statement, always the same bytes for
// the same verdict. A verdict without an answer, or without sealed manifests,
// is an error: there is nothing to say about it, or nothing to say it of.
func (s Summary) Statement() ([]byte, error) {
	subject, sealed := strings.CutPrefix(s.Verdict.SealDigest(), "sha256:")
	policy, known := strings.CutPrefix(s.PolicyDigest, "sha256:")
	switch {
	case s.Verdict.Outcome() == plugin.Unanswered:
		return nil, fmt.Errorf("writing the attestation: the verdict is %s, which is neither passed nor failed; mend what could not be looked at", s.Verdict.Outcome())
	case !sealed:
		return nil, fmt.Errorf("writing the attestation: the run ended before there were manifests to attest anything of")
	case !known || s.Resource == "" || s.PolicyURI == "":
		return nil, fmt.Errorf("writing the attestation: the gate or the application is not named")
	}
	result := "FAILED"
	if s.Verdict.Allowed() {
		result = "PASSED"
	}
	text, err := json.Marshal(statement{
		Type: statementType, PredicateType: PredicateType,
		Subject: []descriptor{{Name: s.Name, Digest: digests{subject}}},
		Predicate: summary{
			Verifier:           verifier{ID: VerifierID, Version: map[string]string{"assay": s.Version}},
			TimeVerified:       s.Verdict.At.UTC().Truncate(time.Second),
			ResourceURI:        s.Resource,
			Policy:             descriptor{URI: s.PolicyURI, Digest: digests{policy}},
			InputAttestations:  inputs(s.Verdict.Images),
			VerificationResult: result,
			VerifiedLevels:     []string{unevaluated},
			DependencyLevels:   levels(s.Verdict.Images),
			SLSAVersion:        slsaVersion,
			Gates:              s.Verdict.Gates,
			Images:             images(s.Verdict.Images),
			Waived:             waived(s.Verdict.Findings),
			BreakGlass:         s.Verdict.Banner,
		},
	})
	if err != nil {
		return nil, fmt.Errorf("writing the attestation: %w", err)
	}
	return text, nil
}

// statement is an in-toto statement (in-toto attestation, spec v1).
type statement struct {
	Type          string       `json:"_type"`
	Subject       []descriptor `json:"subject"`
	PredicateType string       `json:"predicateType"`
	Predicate     summary      `json:"predicate"`
}

// summary is the predicate. The fields that begin with "assay_" are extensions
// (SLSA 1.1, extension fields).
type summary struct {
	Verifier           verifier       `json:"verifier"`
	TimeVerified       time.Time      `json:"timeVerified"`
	ResourceURI        string         `json:"resourceUri"`
	Policy             descriptor     `json:"policy"`
	InputAttestations  []descriptor   `json:"inputAttestations,omitempty"`
	VerificationResult string         `json:"verificationResult"`
	VerifiedLevels     []string       `json:"verifiedLevels"`
	DependencyLevels   map[string]int `json:"dependencyLevels,omitempty"`
	SLSAVersion        string         `json:"slsaVersion"`
	Gates              []string       `json:"assay_gates"`
	Images             []descriptor   `json:"assay_images,omitempty"`
	Waived             []waiver       `json:"assay_waived,omitempty"`
	BreakGlass         string         `json:"assay_breakGlass,omitempty"`
}

type verifier struct {
	ID      string            `json:"id"`
	Version map[string]string `json:"version,omitempty"`
}

// descriptor is in-toto's ResourceDescriptor.
type descriptor struct {
	Name   string  `json:"name,omitempty"`
	URI    string  `json:"uri,omitempty"`
	Digest digests `json:"digest"`
}

// digests is a DigestSet of one algorithm; the hash is in hex.
type digests struct {
	SHA256 string `json:"sha256"`
}

// waiver is a denial that an exception lowered.
type waiver struct {
	Rule    string    `json:"rule"`
	Subject string    `json:"subject"`
	Kind    string    `json:"kind"`
	Until   time.Time `json:"until,omitzero"`
}

func images(all []plugin.Image) []descriptor {
	var list []descriptor
	for _, image := range all {
		if hash, known := strings.CutPrefix(image.Digest, "sha256:"); known {
			list = append(list, descriptor{URI: image.Reference.Repository + "@" + image.Digest, Digest: digests{hash}})
		}
	}
	return distinct(list)
}

// inputs are the statements by which the images were accepted. One without a
// place in a registry, such as a rule of the gate's own, is none.
func inputs(all []plugin.Image) []descriptor {
	var list []descriptor
	for _, image := range all {
		for _, each := range image.Evidence {
			claims := each.Claims()
			if hash, known := strings.CutPrefix(claims.Artifact, "sha256:"); known {
				list = append(list, descriptor{URI: image.Reference.Repository + "@" + claims.Artifact, Digest: digests{hash}})
			}
		}
	}
	return distinct(list)
}

func distinct(list []descriptor) []descriptor {
	slices.SortFunc(list, func(a, b descriptor) int { return strings.Compare(a.URI, b.URI) })
	return slices.Compact(list)
}

func waived(findings []plugin.Finding) []waiver {
	var list []waiver
	for _, finding := range findings {
		if finding.Waiver != nil {
			list = append(list, waiver{finding.Rule, finding.Subject(), finding.Waiver.Kind, finding.Waiver.Until})
		}
	}
	return list
}

// levels counts the images by the SLSA build level that their provenance
// proves.
func levels(all []plugin.Image) map[string]int {
	counts := map[string]int{}
	for _, image := range all {
		best := 0
		for _, each := range image.Evidence {
			best = max(best, each.Claims().BuildLevel)
		}
		name := unevaluated
		if best > 0 {
			name = fmt.Sprintf("SLSA_BUILD_LEVEL_%d", best)
		}
		counts[name]++
	}
	return maps.Clone(counts)
}
