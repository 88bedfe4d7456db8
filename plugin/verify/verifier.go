package verify

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
	"golang.org/x/sync/errgroup"
)

// Registry is what the verifier reads. Errors: registry.ErrNotFound when there
// is no such thing, *plugin.Refusal for content that is refused (a limit), and
// anything else for "could not look".
type Registry interface {
	// Referrers lists the manifests whose subject is the digest (OCI
	// distribution spec 1.1, listing referrers).
	Referrers(ctx context.Context, repository, digest string) ([]registry.Descriptor, error)
	// Manifest reads a manifest or index by tag or digest.
	Manifest(ctx context.Context, repository, reference string) (registry.Manifest, error)
	// Blob reads a blob of at most limit bytes.
	Blob(ctx context.Context, repository, digest string, limit int64) ([]byte, error)
}

// The values of [Config.Platforms].
const (
	// PlatformsIndex asks for a signature on the digest that the manifests name.
	PlatformsIndex = "Index"
	// PlatformsAllLeaves asks for one on every manifest of an index.
	PlatformsAllLeaves = "AllLeaves"
	// PlatformsEither accepts the index's signature, else those of all leaves.
	PlatformsEither = "Either"
)

// Config is one gate's trust rules.
type Config struct {
	// Gate is the gate's name, for evidence.
	Gate string
	// Policies are the ClusterImagePolicies that the gate applies.
	Policies []gate.ClusterImagePolicy
	// Evidence is what the gate demands of attestations.
	Evidence []gate.Evidence
	// VEX says whose word takes a vulnerability out of a scan; nil for nobody's.
	VEX *gate.VEX
	// Witnesses are ClusterImagePolicies that may attest and are not required.
	Witnesses []gate.ClusterImagePolicy
	// TrustRoots are those that policies may name. One with the name
	// gate.PublicGood replaces the embedded root.
	TrustRoots []gate.TrustRoot
	// Mirrored is what those TrustRoots stand for that TUF repositories give
	// out, by name. One that is missing has no copy.
	Mirrored map[string]Mirrored
	// NoMatch is the level for an image that no policy covers.
	NoMatch plugin.Level
	// Platforms is PlatformsIndex (also when empty), PlatformsAllLeaves or
	// PlatformsEither.
	Platforms string
	// Limits bound what is read.
	Limits plugin.Limits
	// Clock gives the time for certificates without a timestamp and for the age
	// of trust roots. It is required.
	Clock func() time.Time
	// Notation is what the gate says about signatures of the Notary Project.
	Notation Notation
	// Scanner is the user's own vulnerability scanner; nil at the doors.
	Scanner predicate.Local
	// Dir is the folder that the paths in the configuration's origins
	// (plugin.Origin.File) are relative to.
	Dir string
}

// Verifier checks images against the trust rules of one gate. It is safe for
// use by many goroutines.
type Verifier struct {
	config    Config
	registry  Registry
	policies  []policy
	witnesses []policy
	demands   []demand
	roots     map[string]*trustRoot
	parsed    parsed
	warnings  []plugin.Finding
}

// imagesInFlight bounds the images that are looked at side by side; the
// registry client bounds the requests to one host.
const imagesInFlight = 32

// New compiles the rules. It refuses a rule that is unsafe or cannot be
// carried out, naming file and line; all refusals are reported together. In a
// build with the tag kms it asks the key services that keys name, each key for
// at most Limits.RequestSeconds, and refuses when one does not answer.
func New(config Config, source Registry) (*Verifier, error) {
	switch {
	case config.Clock == nil:
		return nil, errors.New("making a verifier: no clock")
	case source == nil:
		return nil, errors.New("making a verifier: no registry")
	case config.NoMatch != plugin.Deny && config.NoMatch != plugin.Warn:
		return nil, fmt.Errorf("making a verifier: noMatch is %q, want deny or warn", config.NoMatch)
	}
	config.Platforms = cmp.Or(config.Platforms, PlatformsIndex)
	if !slices.Contains([]string{PlatformsIndex, PlatformsAllLeaves, PlatformsEither}, config.Platforms) {
		return nil, fmt.Errorf("making a verifier: platforms is %q, want %s, %s or %s",
			config.Platforms, PlatformsIndex, PlatformsAllLeaves, PlatformsEither)
	}
	files := files{dir: config.Dir, limit: config.Limits.FileBytes}
	roots, rootErr := loadTrustRoots(config, files)
	if rootErr != nil {
		return nil, rootErr
	}
	verifier := &Verifier{config: config, registry: source, roots: roots}
	compiler := compiler{roots: roots, files: files, service: newKeyService(config.Limits.RequestTimeout()), clock: config.Clock}
	var required, beside error
	verifier.policies, required = compiler.all(config.Policies)
	verifier.witnesses, beside = compiler.all(config.Witnesses)
	if err := errors.Join(required, beside); err != nil {
		return nil, err
	}
	statements, err := verifier.notation(files)
	if err != nil {
		return nil, err
	}
	verifier.policies = sortedByName(append(verifier.policies, statements...))
	if err := checkNames(sortedByName(slices.Concat(verifier.policies, verifier.witnesses))); err != nil {
		return nil, err
	}
	return verifier, verifier.compileDemands(config.Evidence)
}

// all compiles policies, sorted by name.
func (c compiler) all(declared []gate.ClusterImagePolicy) ([]policy, error) {
	var all []policy
	var problems []error
	for _, one := range declared {
		compiled, err := c.policy(one)
		problems = append(problems, err)
		all = append(all, compiled)
	}
	return sortedByName(all), errors.Join(problems...)
}

func sortedByName(policies []policy) []policy {
	slices.SortFunc(policies, func(a, b policy) int { return cmp.Compare(a.name, b.name) })
	return policies
}

// Warnings are findings about trust rules that accept more than their author may
// think.
func (v *Verifier) Warnings() []plugin.Finding { return slices.Clone(v.warnings) }

// checkNames refuses two policies of one name: evidence names its policy.
func checkNames(sorted []policy) error {
	for i := 1; i < len(sorted); i++ {
		if sorted[i].name == sorted[i-1].name {
			return refuse(sorted[i].at, "%s %s is declared twice; the other is at %s", sorted[i].kind(), sorted[i].name, sorted[i-1].at)
		}
	}
	return nil
}

// Verify implements plugin.Verifier.
func (v *Verifier) Verify(ctx context.Context, images []plugin.Image) []plugin.Review {
	reviews := make([]plugin.Review, len(images))
	session := newSession(v)
	var group errgroup.Group
	group.SetLimit(imagesInFlight)
	for i := range images {
		if images[i].Digest == "" {
			continue
		}
		group.Go(func() error {
			reviews[i] = session.guardedReview(ctx, images[i])
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	return reviews
}
