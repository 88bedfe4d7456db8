package predicate_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

const typeVEX = "https://openvex.dev/ns/v0.2.0"

// security's VEX counts.
func vexTerms() *gate.VEX { return &gate.VEX{Signers: []string{"security"}} }

func vexBy(t *testing.T, replacements ...string) predicate.Statement {
	t.Helper()
	one := statement(typeVEX, sample(t, "openvex.json", replacements...))
	one.Label, one.Witness = "vex", true
	one.Claims.Policy, one.Claims.Signer = "security", "security@example.com"
	return one
}

// vulnerable has CVE-2024-0001 in openssl alone.
func vulnerable(t *testing.T) predicate.Statement {
	t.Helper()
	return trivyScan(t, `"HIGH"`, `"LOW"`)
}

func signedBy(signer string) predicate.Subject {
	about := subject()
	about.Signers = []plugin.Claims{{Kind: plugin.EvidenceSignature, Signer: signer}}
	return about
}

func TestVEX_NotAffectedTakesAVulnerabilityOutAndIsShownAsAWaiver(t *testing.T) {
	terms := vexTerms()
	terms.MaxAge = gate.Duration(30 * 24 * time.Hour)
	answer := judge(t, newScan(t, gate.Scan{}, terms), signedBy("release@example.com"), vulnerable(t), vexBy(t))
	met(t, answer)
	if len(answer.Findings) != 1 || answer.Findings[0].Waiver == nil {
		t.Fatalf("%+v", answer)
	}
	finding := answer.Findings[0]
	want := plugin.Waived{
		Kind: "vex", Owner: "security@example.com", Reason: "vulnerable_code_not_in_execute_path: the shop does not parse certificates",
		Until: time.Date(2026, 12, 15, 0, 0, 0, 0, time.UTC),
	}
	if *finding.Waiver != want || finding.Level != plugin.Warn || !strings.Contains(finding.Message, "CVE-2024-0001 in openssl 3.0.1-1") {
		t.Errorf("got %+v (%+v), want %+v", finding, *finding.Waiver, want)
	}
}

// TestVEX_WhatDoesNotCount changes one thing of what the test above passes
// with.
func TestVEX_WhatDoesNotCount(t *testing.T) {
	met(t, judge(t, newScan(t, gate.Scan{}, vexTerms()), signedBy("release@example.com"), vulnerable(t), vexBy(t)))
	for _, test := range []struct {
		name string
		vex  predicate.Statement
		why  string
	}{
		{"another product", vexBy(t, strings.Repeat("1", 64), strings.Repeat("2", 64)), "it is about another image: it names " + otherImage},
		{"a product without a digest", vexBy(t, "@sha256%3A"+strings.Repeat("1", 64), ""), "names no digest, so it may be another image"},
		{"another vulnerability", vexBy(t, `"name": "CVE-2024-0001"`, `"name": "CVE-2024-0007"`), "CVE-2024-0001"},
		{"another subcomponent", vexBy(t, "pkg:deb/debian/openssl@3.0.1-1", "pkg:deb/debian/zlib1g@3.0.1-1"), "CVE-2024-0001"},
		{"another version of the subcomponent", vexBy(t, "openssl@3.0.1-1", "openssl@3.0.2-1"), "CVE-2024-0001"},
		{"affected", vexBy(t, "not_affected", "affected"), "VEX says affected of CVE-2024-0001"},
		{"under investigation", vexBy(t, "not_affected", "under_investigation"), "VEX says under_investigation"},
		{"an unknown status", vexBy(t, "not_affected", "harmless"), `the status "harmless" is none of OpenVEX's`},
		{"an unknown justification", vexBy(t, "vulnerable_code_not_in_execute_path", "trust_me"), `the justification "trust_me" is none of OpenVEX's`},
		{"no reason", vexBy(t, `"justification": "vulnerable_code_not_in_execute_path",`, "", `"impact_statement": "the shop does not parse certificates"`, `"impact_statement": " "`), "needs a justification or an impact_statement"},
		{"from the future", vexBy(t, "2026-11-15T00:00:00Z", "2026-11-20T12:06:00Z"), "in the future"},
		{"without a time", vexBy(t, `"timestamp": "2026-11-15T00:00:00Z",`, ""), "does not say when it was made"},
		{"no statements", vexBy(t, `"statements": [`, `"statementz": [`), "it has no statements"},
		{"no vulnerability", vexBy(t, `"name": "CVE-2024-0001"`, `"name": ""`), "it names no vulnerability"},
		{"no product", vexBy(t, `"products": [`, `"productz": [`), "it names no product"},
		{"another context", vexBy(t, `"@context": "https://openvex.dev/ns/v0.2.0"`, `"@context": "https://example.com"`), "its @context is not OpenVEX's"},
		{"duplicate key", vexBy(t, `"status": "not_affected"`, `"status": "affected", "status": "not_affected"`), "it can be read in two ways"},
	} {
		t.Run(test.name, func(t *testing.T) {
			notMet(t, judge(t, newScan(t, gate.Scan{}, vexTerms()), signedBy("release@example.com"), vulnerable(t), test.vex), test.why)
		})
	}
}

func TestVEX_WhoseWordCounts(t *testing.T) {
	scan := vulnerable(t)
	about := signedBy("release@example.com")
	withTerms := func(change func(*gate.VEX)) *predicate.Scan {
		terms := vexTerms()
		change(terms)
		return newScan(t, gate.Scan{}, terms)
	}
	same := func(*gate.VEX) {}
	met(t, judge(t, withTerms(same), about, scan, vexBy(t)))

	t.Run("nobody's without spec.vex", func(t *testing.T) {
		notMet(t, judge(t, newScan(t, gate.Scan{}, nil), about, scan, vexBy(t)), "CVE-2024-0001")
	})
	t.Run("another trust rule's", func(t *testing.T) {
		other := vexBy(t)
		other.Claims.Policy = "team-b"
		notMet(t, judge(t, withTerms(same), about, scan, other), "it is accepted by team-b, which is none of the gate's spec.vex.signers")
	})
	t.Run("the image's own signer's", func(t *testing.T) {
		own := signedBy("security@example.com")
		notMet(t, judge(t, withTerms(same), own, scan, vexBy(t)), "its VEX is by security@example.com, who also signed the image")
		met(t, judge(t, withTerms(func(v *gate.VEX) { v.AllowImageSigner = true }), own, scan, vexBy(t)))
	})
	t.Run("of another issuer", func(t *testing.T) {
		other := signedBy("security@example.com")
		other.Signers[0].Issuer = "https://issuer.example.com"
		met(t, judge(t, withTerms(same), other, scan, vexBy(t)))
	})
	t.Run("the scan's own signer's", func(t *testing.T) {
		own := vulnerable(t)
		own.Claims.Signer = "security@example.com"
		notMet(t, judge(t, withTerms(same), about, own, vexBy(t)), "who also signed the scan")
	})
	t.Run("a status that the gate does not take", func(t *testing.T) {
		notMet(t, judge(t, withTerms(func(v *gate.VEX) { v.Statuses = []string{"fixed"} }), about, scan, vexBy(t)), "VEX says not_affected")
		met(t, judge(t, withTerms(func(v *gate.VEX) { v.Statuses = []string{"fixed"} }), about, scan, vexBy(t, "not_affected", "fixed")))
	})
}

func TestVEX_AnExpiredStatementIsAFindingOfItsOwn(t *testing.T) {
	terms := vexTerms()
	terms.MaxAge = gate.Duration(5 * 24 * time.Hour)
	answer := judge(t, newScan(t, gate.Scan{}, terms), subject(), vulnerable(t), vexBy(t))
	notMet(t, answer, "deny evidence/vulnerability")
	notMet(t, answer, "warn evidence/vex-expired: VEX statements older than 5 days count no more: CVE-2024-0001")
	terms.MaxAge = gate.Duration(6 * 24 * time.Hour)
	met(t, judge(t, newScan(t, gate.Scan{}, terms), subject(), vulnerable(t), vexBy(t)))
}

func TestVEX_TheLatestStatementCounts(t *testing.T) {
	demand := newScan(t, gate.Scan{}, vexTerms())
	const made = "2026-11-15T00:00:00Z"
	for _, test := range []struct {
		name          string
		first, second string // status and day
		met           bool
	}{
		{"taken back", "not_affected 15", "affected 16", false},
		{"cleared", "affected 15", "not_affected 16", true},
		{"looked at again", "not_affected 15", "under_investigation 16", false},
		{"contradictory, of the same moment", "not_affected 15", "affected 15", false},
		{"agreeing", "not_affected 15", "fixed 15", true},
	} {
		t.Run(test.name, func(t *testing.T) {
			var both []predicate.Statement
			for _, each := range []string{test.first, test.second} {
				status, day, _ := strings.Cut(each, " ")
				one := vexBy(t)
				one.Predicate = []byte(strings.NewReplacer("not_affected", status, made, "2026-11-"+day+"T00:00:00Z").Replace(string(one.Predicate)))
				both = append(both, one)
			}
			for _, order := range [][]predicate.Statement{{both[0], both[1]}, {both[1], both[0]}} {
				answer := judge(t, demand, subject(), append([]predicate.Statement{vulnerable(t)}, order...)...)
				if test.met {
					met(t, answer)
				} else {
					notMet(t, answer, "CVE-2024-0001")
				}
			}
		})
	}
}

func TestVEX_OtherShapesAreRead(t *testing.T) {
	demand := newScan(t, gate.Scan{}, vexTerms())
	product := `{
          "@id": "pkg:oci/shop@sha256%3A1111111111111111111111111111111111111111111111111111111111111111?repository_url=registry.example.com/team-a/shop",
          "subcomponents": [{"@id": "pkg:deb/debian/openssl@3.0.1-1"}]
        }`
	vulnerability := `{"@id": "https://nvd.nist.gov/vuln/detail/CVE-2024-0001", "name": "CVE-2024-0001"}`
	for name, replacements := range map[string][]string{
		"0.0.1": {
			"https://openvex.dev/ns/v0.2.0", "https://openvex.dev/ns", vulnerability, `"CVE-2024-0001"`,
			product, `"pkg:oci/shop@sha256:` + strings.Repeat("1", 64) + `"`, `"status"`, `"subcomponents": ["pkg:deb/debian/openssl"], "status"`,
		},
		"a hash":      {product, `{"@id": "https://example.com/shop", "hashes": {"sha-256": "` + strings.Repeat("1", 64) + `"}}`},
		"a reference": {product, `{"@id": "registry.example.com/team-a/shop@` + thisImage + `"}`},
		"identifiers": {product, `{"@id": "https://example.com/shop", "identifiers": {"purl": "pkg:oci/shop@sha256:` + strings.Repeat("1", 64) + `"}}`},
		"an alias":    {`"name": "CVE-2024-0001"`, `"name": "GHSA-1", "aliases": ["CVE-2024-0001"]`},
		"a time of its own": {
			`"timestamp": "2026-11-15T00:00:00Z",`, "", `"status"`, `"timestamp": "2026-11-15T00:00:00Z", "status"`,
		},
	} {
		t.Run(name, func(t *testing.T) { met(t, judge(t, demand, subject(), vulnerable(t), vexBy(t, replacements...))) })
	}
}

func TestVEX_WithoutASubcomponentIsAboutTheWholeImage(t *testing.T) {
	vex := vexBy(t, `"subcomponents": [{"@id": "pkg:deb/debian/openssl@3.0.1-1"}]`, `"subcomponents": []`)
	met(t, judge(t, newScan(t, gate.Scan{}, vexTerms()), subject(), vulnerable(t), vex))
}

func TestVEX_MatchesTheOtherNamesOfAVulnerability(t *testing.T) {
	vex := vexBy(t, `"name": "CVE-2024-0001"`, `"name": "CVE-2024-0009"`, "pkg:deb/debian/openssl@3.0.1-1", "pkg:golang/golang.org/x/net@v0.15.0")
	met(t, judge(t, newScan(t, gate.Scan{}, vexTerms()), subject(), grypeScan(t), vex))
}

func TestVEX_WhatCouldNotBeLookedAtIsUndetermined(t *testing.T) {
	demand := newScan(t, gate.Scan{}, vexTerms())
	about := subject()
	about.Unseen = []string{"the registry throttles"}
	undetermined(t, judge(t, demand, about, vulnerable(t)), "the registry throttles")
	met(t, judge(t, demand, about, vulnerable(t), vexBy(t)))
	t.Run("a scan that denies nothing needs no VEX", func(t *testing.T) {
		met(t, judge(t, demand, about, trivyScan(t, `"CRITICAL"`, `"LOW"`, `"HIGH"`, `"LOW"`)))
	})
	t.Run("without signers of VEX it is denied", func(t *testing.T) {
		notMet(t, judge(t, newScan(t, gate.Scan{}, nil), about, vulnerable(t)), "deny evidence/vulnerability")
	})
	t.Run("platforms that could not be listed", func(t *testing.T) {
		about := subject()
		about.Leaves = func(context.Context) ([]string, error) { return nil, errors.New("no route") }
		undetermined(t, judge(t, demand, about, vulnerable(t), vexBy(t, strings.Repeat("1", 64), strings.Repeat("2", 64))), "no route")
	})
}
