package setup

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify"
)

// Sighting is one image and who signed it.
type Sighting struct {
	Image   plugin.Image
	Signers []verify.Signer
	// Problem says why not everything could be looked at; empty when it could.
	Problem string
}

// Sightings looks up who signed the images, whatever any policy says, in the
// order of the images.
func (s *Setup) Sightings(ctx context.Context, source plugin.Source, images []plugin.Image) ([]Sighting, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return nil, err
	}
	verifier, err := verify.New(verify.Config{
		Gate: "init", TrustRoots: s.options.Config.TrustRoots, Mirrored: s.mirrors.material(), Limits: effective.Limits, Clock: s.options.Clock, Dir: workingDir,
	}, client)
	if err != nil {
		return nil, fmt.Errorf("looking for signers: %w", err)
	}
	sightings := make([]Sighting, len(images))
	var group errgroup.Group
	group.SetLimit(16)
	for i, image := range images {
		sightings[i].Image = image
		if image.Digest == "" {
			sightings[i].Problem = "its digest is not known"
			continue
		}
		group.Go(func() error {
			signers, err := verifier.Discover(ctx, image)
			sightings[i].Signers = signers
			if err != nil {
				sightings[i].Problem = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	return sightings, nil
}

// Proposal is a gate to review: trust rules where evidence verifies, and
// digests to allow until a day where none does.
type Proposal struct {
	Policies []ProposedPolicy
	// Allow are images that nobody is known to vouch for.
	Allow []Allowance
}

// ProposedPolicy trusts any of some identities for some repositories.
type ProposedPolicy struct {
	Name string
	// Repositories are exact.
	Repositories []string
	Authorities  []ProposedAuthority
}

// ProposedAuthority is one identity under one trust root.
type ProposedAuthority struct {
	TrustRoot string
	Identity  gate.Identity
}

// Allowance is one digest, and the rule that would deny it under the proposal.
type Allowance struct {
	Sighting

	Rule string
}

// Propose makes a proposal from sightings. It never allows by a pattern what
// was not seen signed. All policies of an image are required, so a repository
// is in one only, with everybody who was seen to sign there.
func Propose(sightings []Sighting) Proposal {
	authorities := map[string][]ProposedAuthority{}
	for _, sighting := range sightings {
		if authority, signed := authorityOf(sighting); signed {
			repository := sighting.Image.Reference.Repository
			authorities[repository] = append(authorities[repository], authority)
		}
	}
	var proposal Proposal
	for _, sighting := range sightings {
		if _, signed := authorityOf(sighting); !signed {
			_, covered := authorities[sighting.Image.Reference.Repository]
			proposal.Allow = append(proposal.Allow, Allowance{sighting, ruleWithout(sighting, covered)})
		}
	}
	slices.SortFunc(proposal.Allow, func(a, b Allowance) int { return cmp.Compare(a.Image.Reference.String(), b.Image.Reference.String()) })
	alike := map[string]int{}
	for _, repository := range slices.Sorted(maps.Keys(authorities)) {
		list := authorities[repository]
		slices.SortFunc(list, func(a, b ProposedAuthority) int { return cmp.Compare(a.key(), b.key()) })
		list = slices.Compact(list)
		key := fmt.Sprintf("%q", list)
		if at, found := alike[key]; found {
			proposal.Policies[at].Repositories = append(proposal.Policies[at].Repositories, repository)
			continue
		}
		alike[key] = len(proposal.Policies)
		proposal.Policies = append(proposal.Policies, ProposedPolicy{Name: policyName(repository), Repositories: []string{repository}, Authorities: list})
	}
	tellApart(proposal.Policies)
	return proposal
}

// authorityOf is whoever signed the image as a trust root verifies.
func authorityOf(sighting Sighting) (ProposedAuthority, bool) {
	signer := slices.IndexFunc(sighting.Signers, func(s verify.Signer) bool { return s.TrustRoot != "" })
	if signer < 0 {
		return ProposedAuthority{}, false
	}
	found := sighting.Signers[signer]
	return ProposedAuthority{TrustRoot: found.TrustRoot, Identity: generalise(found)}, true
}

func (a ProposedAuthority) key() string {
	return strings.Join([]string{a.Identity.Issuer, a.Identity.Subject, a.Identity.SubjectRegExp, a.TrustRoot}, "\x00")
}

// ruleWithout is the rule by which an image is denied that nobody is known to
// vouch for, where its repository has a trust rule and where it has none.
func ruleWithout(sighting Sighting, covered bool) string {
	switch {
	case !covered:
		return "image/no-trust-rule"
	case len(sighting.Signers) > 0:
		return "image/not-trusted"
	}
	return "image/not-signed"
}

// generalise keeps the workflow and lets the tag vary, as the next release has
// another one; any other subject stays exact.
func generalise(signer verify.Signer) gate.Identity {
	workflow, tag, tagged := strings.Cut(signer.Subject, "@refs/tags/")
	if !tagged || strings.ContainsAny(tag, "/@") {
		return gate.Identity{Issuer: signer.Issuer, Subject: signer.Subject}
	}
	return gate.Identity{Issuer: signer.Issuer, SubjectRegExp: "^" + regexp.QuoteMeta(workflow) + "@refs/tags/[^/@]+$"}
}

// tellApart numbers the policies of one name: a configuration in which two are
// equal does not load.
func tellApart(policies []ProposedPolicy) {
	taken := map[string]bool{}
	for i := range policies {
		name := policies[i].Name
		for n := 2; taken[policies[i].Name]; n++ {
			policies[i].Name = fmt.Sprintf("%s-%d", name, n)
		}
		taken[policies[i].Name] = true
	}
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// policyName is a Kubernetes name made of a repository's path.
func policyName(repository string) string {
	_, path, _ := strings.Cut(repository, "/")
	return strings.Trim(notName.ReplaceAllString(strings.ToLower(path), "-"), "-")
}
