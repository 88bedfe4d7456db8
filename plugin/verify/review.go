package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// The rules that a verifier speaks by.
const (
	// ruleNotSigned: there is no signature at all.
	ruleNotSigned = "image/not-signed"
	// ruleNotAttested: there is no attestation of a type that is asked for.
	ruleNotAttested = "image/not-attested"
	// ruleNotTrusted: there are signatures, and none is accepted.
	ruleNotTrusted = "image/not-trusted"
	// ruleNoTrustRule: no policy says who may vouch for the image.
	ruleNoTrustRule = "image/no-trust-rule"
	// ruleRefused: a static rule refuses the image.
	ruleRefused = "image/refused"
	// ruleStale: somebody vouches by what the registry said earlier.
	ruleStale = "image/stale"
	// ruleLenient: a check failed that the trust rule only logs.
	ruleLenient = "image/lenient-trust"
	// ruleNoAnswer: something could not be looked at.
	ruleNoAnswer = "verify/no-answer"
)

// nounOf is what messages call an image: a chart that the rendering was made with
// is looked at as one.
func nounOf(image plugin.Image) string {
	if image.Chart {
		return "chart"
	}
	return "image"
}

// withArticle is for messages as well.
func withArticle(noun string) string {
	if noun == "image" {
		return "an image"
	}
	return "a " + noun
}

func whyTrust(image plugin.Image) string {
	if image.Chart {
		return "a chart that nobody vouches for may write any manifest"
	}
	return "an image that nobody vouches for may hold anything"
}

// guardedReview turns a panic into a finding that denies.
func (s *session) guardedReview(ctx context.Context, image plugin.Image) (review plugin.Review) {
	defer func() {
		if cause := recover(); cause != nil {
			finding := findingAbout(image)
			finding.Rule, finding.Unwaivable = "verify/panic", true
			finding.Message = fmt.Sprintf("verifying the %s stopped: %s", nounOf(image), oneLine(fmt.Errorf("%v", cause)))
			finding.Hint = "this is a defect of assay, please report it with the " + nounOf(image) + "'s name"
			review = plugin.Review{Findings: []plugin.Finding{finding}}
		}
	}()
	return s.review(ctx, image)
}

// review asks every policy that covers the image.
func (s *session) review(ctx context.Context, image plugin.Image) plugin.Review {
	var words []word
	for i := range s.policies {
		if policy := &s.policies[i]; policy.covers(image) {
			words = append(words, s.word(ctx, policy, image))
		}
	}
	review := plugin.Review{Findings: []plugin.Finding{s.noTrustRule(image)}}
	if len(words) > 0 {
		review = s.combine(words)
	}
	for i := range s.demands {
		if demand := &s.demands[i]; demand.covers(image) {
			s.reviewDemand(ctx, demand, image, &review)
		}
	}
	s.reviewOwnScan(ctx, image, &review)
	return review
}

// word asks one policy.
func (s *session) word(ctx context.Context, policy *policy, image plugin.Image) word {
	result := s.judgePolicy(ctx, policy, image)
	said := word{policy: policy, vouches: result.verified(), evidence: result.evidence}
	if !said.vouches {
		s.doubt(ctx, result.looked)
		said.findings = append(said.findings, s.orGone(ctx, image, s.finding(policy, image, result)))
		return said
	}
	if result.stale > 0 {
		said.findings = append(said.findings, staleFinding(policy.name, image, result.stale))
	}
	if len(result.notes) > 0 {
		said.findings = append(said.findings, lenientFinding(policy, image, result.notes))
	}
	return said
}

// reviewDemand asks whether one demand on attestations is met.
func (s *session) reviewDemand(ctx context.Context, demand *demand, image plugin.Image, review *plugin.Review) {
	subject := vouched{imageAt: imageAt{image, image.Digest}}
	for _, evidence := range review.Evidence {
		if claims := evidence.Claims(); claims.Kind != plugin.EvidenceStatic {
			subject.by = append(subject.by, claims)
		}
	}
	result := s.judgeDemand(ctx, demand, subject)
	review.Evidence = mergeEvidence(review.Evidence, result.evidence)
	review.Against = append(review.Against, result.against...)
	for _, finding := range result.findings {
		review.Findings = append(review.Findings, placed(finding, image))
	}
	switch {
	case !result.met() && result.blocked(): // what is wrong has been said
		s.doubt(ctx, result.looked)
	case !result.met():
		s.doubt(ctx, result.looked)
		review.Findings = append(review.Findings, demandFinding(demand, image, result))
	case result.stale > 0:
		review.Findings = append(review.Findings, staleFinding("evidence "+demand.entry, image, result.stale))
	}
}

// doubter is a [Registry] that remembers its answers.
type doubter interface {
	// Doubt shortens how long the answer about a digest's referrers, or about a
	// tag, is believed.
	Doubt(ctx context.Context, repository, reference string)
}

// doubt says where a signature was missing, as it may be made any moment.
func (s *session) doubt(ctx context.Context, looked []place) {
	if remembers, ok := s.registry.(doubter); ok {
		for _, at := range looked {
			remembers.Doubt(ctx, at.repository, at.reference)
		}
	}
}

// orGone says of an image without a signature when there is no such image.
func (s *session) orGone(ctx context.Context, image plugin.Image, finding plugin.Finding) plugin.Finding {
	if finding.Rule != ruleNotSigned && finding.Rule != ruleNotAttested || !s.isGone(ctx, image) {
		return finding
	}
	finding.Message = fmt.Sprintf("the registry has no %s %s@%s, so nobody can have signed it or attested anything about it", nounOf(image), image.Reference.Repository, image.Digest)
	finding.Hint = "correct the digest where it is written (`assay lock` writes " + plugin.LockFile + " anew), or push the " + nounOf(image) + " again"
	return finding
}

// isGone reports whether the registry says that it has no such image. It is
// asked only about digests that somebody wrote down: those that it answered
// with just now it has.
func (s *session) isGone(ctx context.Context, image plugin.Image) bool {
	written := []plugin.DigestSource{plugin.DigestWritten, plugin.DigestLocked, plugin.DigestStale}
	if !slices.Contains(written, image.DigestFrom) {
		return false
	}
	_, err := s.registry.Manifest(ctx, image.Reference.Repository, image.Digest)
	return errors.Is(err, registry.ErrNotFound)
}

func findingAbout(image plugin.Image) plugin.Finding {
	finding := plugin.Finding{Image: image.Written, Digest: image.Digest}
	if len(image.Uses) > 0 {
		use := image.Uses[0]
		finding.Object, finding.Field, finding.Origin = use.ID, use.Field, use.Origin
	}
	return finding
}

// staleFinding says that evidence was found by an earlier answer.
func staleFinding(who string, image plugin.Image, age time.Duration) plugin.Finding {
	finding := findingAbout(image)
	finding.Rule, finding.Level = ruleStale, plugin.Warn
	finding.Message = fmt.Sprintf("the registry did not answer; %s vouches by its list of signatures of %s ago", who, age)
	finding.Hint = "check that the registry can be reached"
	return finding
}

// lenientFinding tells what a trust rule lets pass.
func lenientFinding(policy *policy, image plugin.Image, notes []string) plugin.Finding {
	finding := findingAbout(image)
	finding.Rule, finding.Level, finding.Details = ruleLenient, plugin.Warn, unique(notes)
	finding.Message = fmt.Sprintf("%s vouches, although a check failed that it only logs: %s", policy.name, notes[0])
	finding.Hint = "sign the " + nounOf(image) + " anew, or write the level strict to deny this"
	return finding
}

func (s *session) noTrustRule(image plugin.Image) plugin.Finding {
	finding := findingAbout(image)
	finding.Rule, finding.Level, finding.Why = ruleNoTrustRule, s.config.NoMatch, whyTrust(image)
	finding.Message = fmt.Sprintf("no trust rule covers %s", image.Reference.Repository)
	finding.Hint = "add a ClusterImagePolicy whose images match " + image.Reference.Repository + "@*"
	if !image.Chart {
		finding.Hint += "; `assay init` proposes one from the signatures that it finds"
	}
	if s.config.Notation.Declared != nil {
		finding.Hint += "; or name the repository in registryScopes of the Notation trust policy"
	}
	return finding
}

// finding tells why a policy does not vouch. What could not be looked at makes
// the answer undetermined, also when other candidates were refused: the one
// that was not seen might have been the right one.
func (s *session) finding(policy *policy, image plugin.Image, result outcome) plugin.Finding {
	finding := findingAbout(image)
	finding.Why = whyTrust(image)
	noun := nounOf(image)
	finding.Details = unique(append(slices.Clone(result.unseen), result.reasons...))
	switch {
	case len(result.unseen) > 0:
		finding.Rule, finding.Level, finding.Lasting = ruleNoAnswer, plugin.Undetermined, !result.transient
		finding.Message = fmt.Sprintf("cannot tell whether %s vouches: %s", policy.name, result.unseen[0])
		finding.Hint = "nothing is known to be wrong with the " + noun + ": " + again(result.transient) + "look at the registry, its credentials and the trust root named here"
	case result.disallowed != "" && result.signatures == 0:
		finding.Rule = ruleRefused
		finding.Message = fmt.Sprintf("%s does not allow the %s: %s", policy.name, noun, result.disallowed)
		finding.Hint = fmt.Sprintf("use %s that the policy allows", withArticle(noun))
	case result.signatures == 0 && policy.byAttestations():
		finding.Rule = ruleNotAttested
		finding.Message = fmt.Sprintf("no valid attestation by %s: %s (looked for %s)", policy.name, summary(result.reasons), strings.Join(unique(names(result.looked)), ", "))
		finding.Hint = fmt.Sprintf("attest it: cosign attest --type TYPE --predicate FILE %s@%s", image.Reference.Repository, image.Digest)
	case result.signatures == 0:
		finding.Rule = ruleNotSigned
		finding.Message = fmt.Sprintf("no valid signature by %s: the %s is not signed (looked for %s)", policy.name, noun, strings.Join(unique(names(result.looked)), ", "))
		finding.Hint = fmt.Sprintf("sign it: %s sign %s@%s", policy.signer(), image.Reference.Repository, image.Digest)
	default:
		finding.Rule = ruleNotTrusted
		finding.Message = fmt.Sprintf("no valid %s by %s: %s", policy.noun(), policy.name, summary(result.reasons))
		finding.Hint = fmt.Sprintf("if the signer named here is right, add it to the policy; if not, deploy %s that the right one signed", withArticle(noun))
	}
	if policy.level == plugin.Warn {
		finding.Level = plugin.Warn
	}
	return finding
}

// again says whether to try again.
func again(transient bool) string {
	if transient {
		return "try again, and "
	}
	return ""
}

func names(looked []place) []string {
	list := make([]string, len(looked))
	for i, at := range looked {
		list[i] = at.String()
	}
	return list
}

// summary is the first reason, and how many more there are.
func summary(reasons []string) string {
	reasons = unique(reasons)
	if len(reasons) == 1 {
		return reasons[0]
	}
	return fmt.Sprintf("%s (and %d more reasons below)", reasons[0], len(reasons)-1)
}

// unique keeps the first of each text.
func unique(texts []string) []string {
	var kept []string
	for _, text := range texts {
		if !slices.Contains(kept, text) {
			kept = append(kept, text)
		}
	}
	return kept
}
