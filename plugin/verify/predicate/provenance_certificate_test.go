package predicate_test

import (
	"fmt"
	"testing"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

const oldWorkflow = "https://github.com/team-a/app/.github/workflows/release.yaml@refs/tags/v1.2.3"

// provenanceDemand accepts the builders of team-a.
func provenanceDemand(t *testing.T) predicate.Demand {
	t.Helper()
	demands, err := predicate.Demands(gate.Evidence{Name: "built", Provenance: &gate.Provenance{
		Builders: []gate.Builder{{ID: "https://github.com/team-a/**"}},
	}}, predicate.Terms{Limits: plugin.DefaultLimits()})
	if err != nil {
		t.Fatal(err)
	}
	return demands[0]
}

// A certificate of an older Fulcio says which build asked for it by other
// extensions, and by its subject.
func TestProvenance_OlderCertificatesBearOutWhatIsClaimed(t *testing.T) {
	const claim = `{"buildDefinition":{"externalParameters":{"workflow":{"repository":"%s","ref":"%s"}},
		"internalParameters":{"github":{"event_name":"%s"}},
		"resolvedDependencies":[{"uri":"git+%[1]s","digest":{"gitCommit":"%[4]s"}}]},
		"runDetails":{"builder":{"id":"%[5]s"}}}`
	const source, ref, event, commit = "https://github.com/team-a/app", "refs/tags/v1.2.3", "push", "1234567890123456789012345678901234567890"
	for want, says := range map[string][]any{
		"":                                {source, ref, event, commit, oldWorkflow},
		"it claims the source":            {"https://github.com/team-b/app", ref, event, commit, oldWorkflow},
		"it claims the ref":               {source, "refs/tags/v2.0.0", event, commit, oldWorkflow},
		"it claims the event":             {source, ref, "release", commit, oldWorkflow},
		"it claims the commit":            {source, ref, event, "9999999999999999999999999999999999999999", oldWorkflow},
		"it claims the builder":           {source, ref, event, commit, "https://github.com/team-a/builder/.github/workflows/trusted.yaml@refs/tags/v1"},
		"certificate says " + oldWorkflow: {source, ref, event, commit, "https://github.com/team-a/other"},
	} {
		built := statement("https://slsa.dev/provenance/v1", fmt.Appendf(nil, claim, says...))
		built.Certificate = &certificate.Summary{SubjectAlternativeName: oldWorkflow, Extensions: certificate.Extensions{
			GithubWorkflowRepository: "team-a/app", GithubWorkflowRef: ref, GithubWorkflowSHA: commit, GithubWorkflowTrigger: event,
		}}
		answer := judge(t, provenanceDemand(t), subject(), built)
		if want == "" {
			met(t, answer)
			continue
		}
		notMet(t, answer, want)
	}
}
