package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// collected are the verified statements of one demand beside one digest, and
// what was found beside them.
type collected struct {
	statements []predicate.Statement
	payloads   map[string][]byte
	// reasons say why the others do not count.
	reasons   []string
	unseen    []string
	transient bool
	looked    []place
	// found counts what may be statements of the demand.
	found int
	stale time.Duration
}

// answered is what one demand says about an image or one digest of it.
type answered struct {
	outcome
	findings []plugin.Finding
	// against are statements that were accepted and speak against the image.
	against []plugin.Evidence
	// unsigned is set when the user's own scan meets the demand.
	unsigned bool
}

// met reports whether the demand is met.
func (a answered) met() bool { return a.verified() || a.unsigned }

// blocked reports whether something that was accepted speaks against the image.
func (a answered) blocked() bool {
	return slices.ContainsFunc(a.findings, func(finding plugin.Finding) bool { return finding.Level.Blocks() })
}

// judgeDemand asks whether what is attested about an image is what the gate
// demands: of the index, its leaves, or either.
func (s *session) judgeDemand(ctx context.Context, demand *demand, image vouched) answered {
	if s.config.Platforms == PlatformsAllLeaves {
		return s.demandLeaves(ctx, demand, image)
	}
	whole := s.demandDigest(ctx, demand, image)
	if whole.met() || whole.blocked() || s.config.Platforms == PlatformsIndex {
		return whole
	}
	leaves := s.demandLeaves(ctx, demand, image)
	leaves.findings = slices.Concat(whole.findings, leaves.findings)
	leaves.against = slices.Concat(whole.against, leaves.against)
	if leaves.met() {
		return leaves
	}
	whole.merge(leaves.outcome, "")
	whole.findings, whole.against = leaves.findings, leaves.against
	return whole
}

// vouched is one digest of an image and who vouches for the image.
type vouched struct {
	imageAt
	by []plugin.Claims
}

// demandLeaves asks about every manifest of an index.
func (s *session) demandLeaves(ctx context.Context, demand *demand, image vouched) answered {
	var all answered
	leaves, err := s.leavesOf(ctx, image.Image)
	if err != nil {
		s.noteLeaves(err, &all.outcome)
		return all
	}
	met := 0
	var evidence []plugin.Evidence
	for _, leaf := range leaves {
		part := s.demandDigest(ctx, demand, vouched{imageAt{image.Image, leaf.Digest}, image.by})
		prefix := leafPrefix(leaf, len(leaves))
		for _, finding := range part.findings {
			finding.Message = prefix + finding.Message
			all.findings = append(all.findings, finding)
		}
		all.against = append(all.against, part.against...)
		if part.met() {
			met++
			all.unsigned = all.unsigned || part.unsigned
			evidence = append(evidence, part.evidence...)
			all.stale = max(all.stale, part.stale)
			continue
		}
		if part.signatures == 0 && len(part.unseen) == 0 && len(part.reasons) == 0 {
			part.reasons = append(part.reasons, "no "+demand.Noun)
		}
		all.merge(part.outcome, prefix)
	}
	if met == len(leaves) {
		all.evidence = evidence
		return all
	}
	all.unsigned = false
	return all
}

// demandDigest asks about one digest. The older format is read only when no
// bundle meets the demand.
func (s *session) demandDigest(ctx context.Context, demand *demand, image vouched) answered {
	result := s.ask(ctx, demand, image, false)
	legacy := func(p *policy) bool {
		return p.covers(image.Image) && slices.ContainsFunc(p.authorities, func(a authority) bool { return a.legacy })
	}
	if result.met() || !slices.ContainsFunc(demand.signers, legacy) && !slices.ContainsFunc(demand.beside, legacy) {
		return result
	}
	return s.ask(ctx, demand, image, true)
}

// ask collects the statements and judges them together.
func (s *session) ask(ctx context.Context, demand *demand, image vouched, legacy bool) answered {
	all := s.collect(ctx, demand, image.imageAt, legacy)
	result := answered{outcome: outcome{
		reasons: all.reasons, unseen: all.unseen, transient: all.transient, looked: all.looked, signatures: all.found,
	}}
	image.by = slices.Concat(image.by, s.alsoSigned(ctx, demand, image.imageAt))
	answer := demand.Demand.Judge(ctx, s.subject(image, all.unseen), all.statements)
	if err := context.Cause(ctx); err != nil {
		result.unseen, result.transient = append(result.unseen, "the statements were not judged: "+oneLine(err)), true
		return result
	}
	if demand.Whole && len(all.unseen) > 0 && all.stale == 0 { // an earlier list was whole when it was made
		answer.Met, answer.Unsigned = nil, false
	}
	result.findings, result.unsigned = answer.Findings, answer.Unsigned
	for _, claims := range answer.Against {
		if evidence, err := plugin.NewEvidence(claims, all.payloads[claims.Artifact]); err == nil { // it decides nothing
			result.against = append(result.against, evidence)
		}
	}
	result.reasons = slices.Concat(answer.Reasons, result.reasons)
	result.unseen = slices.Concat(answer.Unseen, result.unseen)
	for _, claims := range answer.Met {
		evidence, err := plugin.NewEvidence(claims, all.payloads[claims.Artifact])
		if err != nil {
			result.reasons = append(result.reasons, err.Error())
			continue
		}
		result.evidence = append(result.evidence, evidence)
		result.stale = all.stale
	}
	return result
}

// subject is what a demand is told about the image.
func (s *session) subject(image vouched, unseen []string) predicate.Subject {
	about := image.Image
	about.Digest = image.digest
	return predicate.Subject{
		Image: about, At: s.config.Clock(), Signers: image.by, Unseen: unseen, Local: s.config.Scanner,
		Leaves: func(ctx context.Context) ([]string, error) {
			leaves, err := s.leavesOf(ctx, image.Image)
			var digests []string
			for _, leaf := range leaves {
				digests = append(digests, leaf.Digest)
			}
			return digests, err
		},
	}
}

// collect verifies every statement that the demand reads, by whoever of its
// signers made it: all of them, as a demand may be about the newest, or about
// what none says.
func (s *session) collect(ctx context.Context, demand *demand, image imageAt, legacy bool) collected {
	all := collected{payloads: map[string][]byte{}}
	signers := collector{session: s, demand: demand, image: image, legacy: legacy, all: &all, failed: map[*candidate]error{}}
	if trusted := signers.collect(ctx, demand.signers); trusted == 0 {
		all.reasons = append(all.reasons, "none of the policies that may attest covers it: "+strings.Join(demand.signerNames(), ", "))
	}
	beside := signers
	beside.witness, beside.failed = true, map[*candidate]error{}
	beside.collect(ctx, demand.beside)
	signers.tell()
	return all
}

// collector collects the statements of one demand beside one digest.
type collector struct {
	*session
	demand          *demand
	image           imageAt
	legacy, witness bool
	all             *collected
	// failed has every candidate once, with why the last authority did not accept
	// it; nil when one did.
	failed map[*candidate]error
}

// collect asks the policies that cover the image, and returns how many of their
// authorities may attest.
func (c *collector) collect(ctx context.Context, policies []*policy) int {
	trusted := 0
	for _, signer := range policies {
		if !signer.covers(c.image.Image) {
			continue
		}
		for i := range signer.authorities {
			if one := &signer.authorities[i]; one.signs() {
				trusted++
				if why := one.unusable(c.config.Clock()); why != "" {
					c.all.unseen, c.all.transient = unique(append(c.all.unseen, why)), true
					continue
				}
				c.take(signer, one, c.statementsOf(ctx, one, c.image, c.legacy, c.all))
			}
		}
	}
	return trusted
}

// take verifies what may be statements of the demand under one authority. One
// that another accepted is not asked about again.
func (c *collector) take(signer *policy, one *authority, candidates []*candidate) {
	for _, found := range candidates {
		if found.missing && c.demand.Whole {
			if found.hint == "" || c.demand.Demand.Reads(found.hint) {
				c.all.unseen = unique(append(c.all.unseen, fmt.Sprintf("%s: it is listed, and %s", found.label, oneLine(found.refused))))
			}
			continue
		}
		err, known := c.failed[found]
		if known && err == nil || !known && !isAbout(c.demand, found) {
			continue
		}
		if !known {
			c.all.found++
		}
		got, err := c.statement(one, found, c.image.digest)
		if c.failed[found] = err; err != nil {
			continue
		}
		got.claims.Gate, got.claims.Policy, got.claims.Authority = c.config.Gate, signer.name, one.name
		c.all.payloads[got.claims.Artifact] = got.statement.whole
		c.all.statements = append(c.all.statements, predicate.Statement{
			Type: got.statement.predicateType, Predicate: got.statement.predicate, Witness: c.witness,
			Claims: got.claims, Certificate: got.certificate, Label: found.label,
		})
	}
}

// tell says why candidates were not accepted, in a stable order.
func (c *collector) tell() {
	var reasons []string
	for found, err := range c.failed {
		if err != nil {
			reasons = append(reasons, fmt.Sprintf("%s: %s", found.label, oneLine(err)))
		}
	}
	slices.Sort(reasons)
	c.all.reasons = append(c.all.reasons, reasons...)
}

// statementsOf are the candidates where one authority's statements are.
func (s *session) statementsOf(ctx context.Context, one *authority, image imageAt, legacy bool, all *collected) []*candidate {
	at := s.lookup(one.repository(image.Image), image.digest)
	var found gathered
	if one.bundles {
		all.looked = append(all.looked, place{"bundles", at.repository, image.digest})
		found.add(s.bundlesOf(ctx, at, s.wants(image.Image)))
	}
	if legacy && one.legacy {
		all.looked = append(all.looked, place{"tag", at.repository, attestationTag(image.digest)})
		found.add(s.attestedOf(ctx, at))
	}
	all.reasons = unique(append(all.reasons, found.refused...))
	all.unseen = unique(append(all.unseen, found.unseen...))
	all.transient = all.transient || found.transient
	all.stale = max(all.stale, found.stale)
	if name, ended := one.ended(s.config.Clock()); ended && len(found.candidates) > 0 {
		all.unseen = unique(append(all.unseen, endedRoot(name)))
	}
	return found.candidates
}

// isAbout reports whether a candidate may be a statement that the demand reads.
func isAbout(demand *demand, found *candidate) bool {
	if found.attests != "" {
		return found.refused == nil && demand.Demand.Reads(found.attests)
	}
	return found.mayState("")
}
