package setup

import (
	"cmp"
	"context"
	"fmt"
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

// Sightings looks up who signed the images, whatever any policy says. Images
// of one repository and digest are told once.
func (s *Setup) Sightings(ctx context.Context, source plugin.Source, images []plugin.Image) ([]Sighting, error) {
	gates, err := s.options.Config.Select(source.Application, source.Path)
	if err != nil {
		return nil, err
	}
	effective, err := gate.Combine(gates)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	client, err := s.client(effective)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	verifier, err := verify.New(verify.Config{
		Gate: "init", TrustRoots: s.options.Config.TrustRoots, Limits: effective.Limits, Clock: s.options.Clock,
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
			sightings[i].Problem = "it has no digest"
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
	Allow []Sighting
}

// ProposedPolicy trusts one identity for some repositories.
type ProposedPolicy struct {
	Name, TrustRoot string
	Identity        gate.Identity
	// Repositories are exact.
	Repositories []string
}

// Propose makes a proposal from sightings. It never allows by a pattern what
// was not seen signed.
func Propose(sightings []Sighting) Proposal {
	var proposal Proposal
	policies := map[string]*ProposedPolicy{}
	for _, sighting := range sightings {
		signer := slices.IndexFunc(sighting.Signers, func(s verify.Signer) bool { return s.TrustRoot != "" })
		if signer < 0 {
			proposal.Allow = append(proposal.Allow, sighting)
			continue
		}
		found := sighting.Signers[signer]
		identity := generalise(found)
		key := strings.Join([]string{identity.Issuer, identity.Subject, identity.SubjectRegExp, found.TrustRoot}, "\x00")
		if policies[key] == nil {
			policies[key] = &ProposedPolicy{Name: policyName(sighting.Image.Reference.Repository), TrustRoot: found.TrustRoot, Identity: identity}
		}
		policies[key].Repositories = append(policies[key].Repositories, sighting.Image.Reference.Repository)
	}
	for _, policy := range policies {
		slices.Sort(policy.Repositories)
		policy.Repositories = slices.Compact(policy.Repositories)
		proposal.Policies = append(proposal.Policies, *policy)
	}
	slices.SortFunc(proposal.Policies, func(a, b ProposedPolicy) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.Identity.SubjectRegExp, b.Identity.SubjectRegExp))
	})
	slices.SortFunc(proposal.Allow, func(a, b Sighting) int { return cmp.Compare(a.Image.Reference.String(), b.Image.Reference.String()) })
	return proposal
}

// generalise keeps the workflow and lets the tag vary, as the next release has
// another one; any other subject stays exact.
func generalise(signer verify.Signer) gate.Identity {
	workflow, _, tagged := strings.Cut(signer.Subject, "@refs/tags/")
	if !tagged {
		return gate.Identity{Issuer: signer.Issuer, Subject: signer.Subject}
	}
	return gate.Identity{Issuer: signer.Issuer, SubjectRegExp: "^" + regexp.QuoteMeta(workflow) + "@refs/tags/[^/@]+$"}
}

var notName = regexp.MustCompile(`[^a-z0-9]+`)

// policyName is a Kubernetes name made of a repository's path.
func policyName(repository string) string {
	_, path, _ := strings.Cut(repository, "/")
	return strings.Trim(notName.ReplaceAllString(strings.ToLower(path), "-"), "-")
}
