package change_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// scan is a verified scan that lists these, as in-toto's predicate has them.
func scan(t *testing.T, ids ...string) []plugin.Evidence {
	t.Helper()
	var items []string
	for _, id := range ids {
		items = append(items, fmt.Sprintf(`{"id":%q,"severity":[{"method":"nvd","score":"9.8"}]}`, id))
	}
	payload := `{"_type":"https://in-toto.io/Statement/v1","predicateType":"https://in-toto.io/attestation/vulns/v0.2","subject":[],
		"predicate":{"scanner":{"uri":"pkg:github/aquasecurity/trivy@0.70.0","result":[` + strings.Join(items, ",") + `]},
		"metadata":{"scanStartedOn":"2026-03-13T00:00:00Z","scanFinishedOn":"2026-03-13T00:00:01Z"}}}`
	return []plugin.Evidence{evidence(t, plugin.Claims{Kind: plugin.EvidenceAttestation, PredicateType: "https://in-toto.io/attestation/vulns/v0.2", Signer: "scan@example.com"}, payload)}
}

func scanned(t *testing.T, was, now []plugin.Evidence) *change.Vulnerabilities {
	t.Helper()
	base, head := world{manifests: deployment}, world{manifests: replaced(t, deployment, "web:1.0", "web:1.1")}
	base.evidence, head.evidence = map[string][]plugin.Evidence{webRepository: was}, map[string][]plugin.Evidence{webRepository: now}
	return compare(t, base, head).Images[0].Vulnerabilities
}

func TestVulnerabilities_AddedAndRemovedByAttestedScans(t *testing.T) {
	got := scanned(t, scan(t, "CVE-1", "CVE-2"), scan(t, "CVE-2", "CVE-3"))
	if got == nil || len(got.Added) != 1 || got.Added[0].ID != "CVE-3" || got.Added[0].Severity != "CRITICAL" || len(got.Removed) != 1 || got.Removed[0].ID != "CVE-1" || got.Same != 1 {
		t.Errorf("got %+v", got)
	}
	if got := scanned(t, scan(t, "CVE-1"), scan(t)); got == nil || len(got.Removed) != 1 || got.OnlyBase {
		t.Errorf("a scan that found nothing is a scan: got %+v", got)
	}
}

func TestVulnerabilities_OneScanSaysNothingOfTheDifference(t *testing.T) {
	unscanned := []plugin.Evidence{evidence(t, built(3))}
	if got := scanned(t, scan(t, "CVE-1"), unscanned); got == nil || !got.OnlyBase || len(got.Removed) > 0 {
		t.Errorf("got %+v", got)
	}
	if got := scanned(t, unscanned, scan(t, "CVE-1")); got == nil || !got.OnlyHead || len(got.Added) > 0 || got.Same != 1 {
		t.Errorf("got %+v", got)
	}
	if got := scanned(t, unscanned, unscanned); got != nil {
		t.Errorf("got %+v", got)
	}
	broken := []plugin.Evidence{evidence(t, plugin.Claims{Kind: plugin.EvidenceAttestation, PredicateType: "https://in-toto.io/attestation/vulns/v0.2"}, `{"predicate":{}}`)}
	if got := scanned(t, broken, scan(t, "CVE-1")); got == nil || !got.OnlyHead {
		t.Errorf("what cannot be read is told as nothing found: %+v", got)
	}
}

func TestVulnerabilities_AreBounded(t *testing.T) {
	var ids []string
	for i := range 500 {
		ids = append(ids, fmt.Sprintf("CVE-%d", i))
	}
	if got := scanned(t, scan(t), scan(t, ids...)); len(got.Added) != 200 || got.Omitted != 300 {
		t.Errorf("%d are listed, %d omitted", len(got.Added), got.Omitted)
	}
}

// TestVulnerabilities_OfAScanThatIsDeniedAreListed: it vouches for nothing, and
// is read.
func TestVulnerabilities_OfAScanThatIsDeniedAreListed(t *testing.T) {
	signed := plugin.Claims{Kind: plugin.EvidenceSignature, Signer: "release@example.com"}
	base, head := world{manifests: deployment}, world{manifests: replaced(t, deployment, "web:1.0", "web:1.1")}
	base.evidence = map[string][]plugin.Evidence{webRepository: append(scan(t, "CVE-1"), evidence(t, signed))}
	head.evidence = map[string][]plugin.Evidence{webRepository: {evidence(t, signed)}}
	head.against = scan(t, "CVE-1", "CVE-2")
	image := compare(t, base, head).Images[0]
	if got := image.Vulnerabilities; got == nil || len(got.Added) != 1 || got.Added[0].ID != "CVE-2" || got.Same != 1 || got.OnlyBase {
		t.Errorf("got %+v", got)
	}
	if image.Weaker || slices.ContainsFunc(image.Now.Vouchers, func(c plugin.Claims) bool { return c.PredicateType != "" }) {
		t.Errorf("got %+v, said %q", image.Now, image.Trust)
	}
}
