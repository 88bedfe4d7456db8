package predicate

import (
	"cmp"
	"fmt"
	"regexp"
	"strings"

	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// delegator signs for the builders of others (slsa-github-generator,
// "bring your own builder"): its own identity is in the certificate, and it
// vouches for the builder that the provenance names.
var delegator = regexp.MustCompile(`^https://github\.com/slsa-framework/slsa-github-generator/\.github/workflows/delegator_(?:generic|lowperms-generic)_slsa3\.yml@refs/tags/v[0-9.]+$`)

// runnerPrefix is how GitHub's own provenance names the machine that built.
const runnerPrefix = "https://github.com/actions/runner/"

// lies are what provenance says and the certificate that signed it does not bear
// out. A certificate authority looked at who asked for the certificate; what the
// statement says, that asker wrote. What the certificate does not mention it
// cannot contradict.
func (b build) lies(signer *certificate.Summary) []string {
	if signer == nil {
		return nil
	}
	var lies []string
	certified := certifiedBuild(signer)
	for _, each := range []struct{ what, says, certified string }{
		{"source", b.source, certified.source},
		{"ref", b.ref, certified.ref},
		{"commit", b.revision, certified.revision},
		{"workflow", b.workflow, certified.workflow},
		{"event", b.event, certified.event},
	} {
		if each.says != "" && each.certified != "" && each.says != each.certified {
			lies = append(lies, fmt.Sprintf("it claims the %s %s, and its certificate says %s", each.what, each.says, each.certified))
		}
	}
	if named := signer.SourceRepositoryURI + signer.GithubWorkflowRepository; named != "" && certified.source == "" {
		lies = append(lies, fmt.Sprintf("its certificate names a source that cannot be read: %s", named))
	}
	if !b.builderIs(signer) {
		lies = append(lies, fmt.Sprintf("it claims the builder %s, and its certificate says %s", b.builder, certifiedBuilder(signer)))
	}
	if b.run != "" && certified.run != "" && !sameRun(b.run, certified.run) {
		lies = append(lies, fmt.Sprintf("it claims the run %s, and its certificate says %s", b.run, certified.run))
	}
	return lies
}

// builderIs reports whether the builder is the one that the certificate names:
// the workflow, or the machine that it ran on, or one that a delegator vouches
// for.
func (b build) builderIs(signer *certificate.Summary) bool {
	certified := certifiedBuilder(signer)
	if certified == "" || b.builder == certified || delegator.MatchString(certified) {
		return true
	}
	return signer.RunnerEnvironment != "" && b.builder == runnerPrefix+signer.RunnerEnvironment
}

// certifiedBuilder is the workflow that asked for the certificate. Certificates
// from before the extension for it have it as their subject.
func certifiedBuilder(signer *certificate.Summary) string {
	if signer.BuildSignerURI == "" && signer.GithubWorkflowRepository != "" {
		return signer.SubjectAlternativeName
	}
	return signer.BuildSignerURI
}

// certifiedBuild is what a certificate says about a build (Fulcio, OIDs under
// 1.3.6.1.4.1.57264.1; 2 to 6 are the older ones, which GitHub's builds alone
// have).
func certifiedBuild(signer *certificate.Summary) build {
	var certified build
	certified.setSource(signer.SourceRepositoryURI)
	if signer.SourceRepositoryURI == "" && signer.GithubWorkflowRepository != "" {
		certified.setSource("https://github.com/" + signer.GithubWorkflowRepository)
	}
	certified.ref = cmp.Or(signer.SourceRepositoryRef, signer.GithubWorkflowRef)
	certified.revision = cmp.Or(signer.SourceRepositoryDigest, signer.GithubWorkflowSHA)
	certified.event, certified.run = cmp.Or(signer.BuildTrigger, signer.GithubWorkflowTrigger), signer.RunInvocationURI
	path, _ := strings.CutPrefix(signer.BuildConfigURI, signer.SourceRepositoryURI+"/") // one of another repository stays whole
	path, _, _ = strings.Cut(path, "@")
	certified.workflow = strings.TrimPrefix(path, "/") // GitLab writes two slashes
	return certified
}

// complete takes from the certificate what it says: it is proven, and the
// provenance need not repeat it.
func (b *build) complete(signer *certificate.Summary) {
	if signer == nil {
		return
	}
	certified := certifiedBuild(signer)
	if certified.source != "" {
		b.source, b.sourceURI = certified.source, certified.sourceURI
	}
	for _, each := range []struct {
		into  *string
		value string
	}{{&b.ref, certified.ref}, {&b.revision, certified.revision}, {&b.workflow, certified.workflow}, {&b.event, certified.event}, {&b.run, certified.run}} {
		if each.value != "" {
			*each.into = each.value
		}
	}
}

// numberedRun is a run in slsa-github-generator's words: "<run>-<attempt>".
var numberedRun = regexp.MustCompile(`^([0-9]+)-([0-9]+)$`)

func sameRun(claimed, certified string) bool {
	if match := numberedRun.FindStringSubmatch(claimed); match != nil {
		return strings.HasSuffix(certified, "/actions/runs/"+match[1]+"/attempts/"+match[2])
	}
	return claimed == certified
}
