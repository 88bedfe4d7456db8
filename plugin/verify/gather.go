package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"golang.org/x/sync/errgroup"
)

// gathered is what was found in one place and in one format.
type gathered struct {
	candidates []*candidate
	// refused are answers that are not accepted: too many referrers.
	refused []string
	// unseen are things that could not be looked at.
	unseen []string
	// transient is set when some of them may be seen when asked again.
	transient bool
	// stale is the age of an earlier answer that was used in the place of none;
	// zero when the registry answered.
	stale time.Duration
}

// note sorts an error of the registry: "there is none" is nothing to note.
func (g *gathered) note(what string, err error) {
	var refusal *plugin.Refusal
	switch {
	case errors.Is(err, registry.ErrNotFound):
	case errors.As(err, &refusal):
		g.refused = append(g.refused, fmt.Sprintf("%s: %s", what, oneLine(err)))
	default:
		g.unseen = append(g.unseen, fmt.Sprintf("%s: %s", what, oneLine(err)))
		g.transient = g.transient || isTransient(err)
	}
}

// isTransient reports whether asking again may get an answer.
func isTransient(err error) bool {
	var unanswered *plugin.StageError
	return !errors.As(err, &unanswered) || !unanswered.Lasting
}

// add merges what one goroutine found.
func (g *gathered) add(other gathered) {
	g.candidates = append(g.candidates, other.candidates...)
	g.refused = append(g.refused, other.refused...)
	g.unseen = append(g.unseen, other.unseen...)
	g.transient = g.transient || other.transient
	g.stale = max(g.stale, other.stale)
}

// mostLayers is how many layers the manifest of a signature may list before it
// is read into memory.
const mostLayers = 10_000

const (
	bundleMediaType     = "application/vnd.dev.sigstore.bundle"
	predicateAnnotation = "dev.sigstore.bundle.predicateType"
)

// artifactsInFlight bounds the reads for one image; the registry client bounds
// those to one host.
const artifactsInFlight = 16

// listing is what a registry lists as referrers of a digest, and what has been
// read of it.
type listing struct {
	// problems has no candidates.
	problems  gathered
	referrers []registry.Descriptor
	reads     []readOnce
}

// readOnce is one referrer, which is read when somebody wants its type.
type readOnce struct {
	once  sync.Once
	found gathered
}

// list asks for the referrers: one request.
func (s *session) list(ctx context.Context, at lookupKey) listing {
	referrers, problems := s.referrersOf(ctx, at)
	return listing{problems: problems, referrers: referrers, reads: make([]readOnce, len(referrers))}
}

// gatherBundles reads those referrers that may be of a wanted type, side by
// side: two requests for each, once however many ask. A type is what the
// referrer says of itself: it is enough to leave something out, as leaving out
// accepts nothing, and says nothing about what is read.
func (s *session) gatherBundles(ctx context.Context, at *lookup, wants func(predicateType string) bool) gathered {
	list := &at.listing
	found := make([]gathered, len(list.referrers))
	var group errgroup.Group
	group.SetLimit(artifactsInFlight)
	for i, referrer := range list.referrers {
		if !mayBe(referrer, bundleMediaType) {
			continue
		}
		if predicate := referrer.Annotations[predicateAnnotation]; predicate != "" && !wants(predicate) {
			found[i].candidates = []*candidate{hinted(label("bundle", referrer.Digest), predicate)}
			continue
		}
		group.Go(func() error {
			read := &list.reads[i]
			read.once.Do(func() {
				read.found = guardedRead(func() gathered { return s.readBundle(ctx, at.repository, referrer) })
			})
			found[i] = read.found
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	all := gathered{refused: slices.Clone(list.problems.refused), unseen: slices.Clone(list.problems.unseen), transient: list.problems.transient, stale: list.problems.stale}
	for _, one := range found {
		all.add(one)
	}
	return all
}

// referrersOf lists the referrers of a digest, sorted, and says what is wrong
// with the list. The registry client answers the next who asks from memory.
func (s *session) referrersOf(ctx context.Context, at lookupKey) ([]registry.Descriptor, gathered) {
	var all gathered
	referrers, err := s.registry.Referrers(ctx, at.repository, at.digest)
	if err != nil {
		all.note("listing referrers in "+at.repository, err)
		referrers, all.stale = s.earlierReferrers(ctx, at, err)
	}
	if err := s.checkReferrers(referrers); err != nil {
		all.refused = append(all.refused, err.Error())
		return nil, all
	}
	referrers = slices.Clone(referrers)
	slices.SortStableFunc(referrers, func(a, b registry.Descriptor) int { return strings.Compare(a.Digest, b.Digest) })
	return referrers, all
}

// earlierLister is a [Registry] that remembers its answers.
type earlierLister interface {
	// StaleReferrers is the last list and its age, if it may still be used.
	StaleReferrers(ctx context.Context, repository, digest string) (list []registry.Descriptor, age time.Duration, found bool)
}

// earlierReferrers is the registry's earlier list, where it gives no answer now.
// What the list leads to may vouch, as it did when the registry answered; that
// nothing in it vouches stays no answer.
func (s *session) earlierReferrers(ctx context.Context, at lookupKey, err error) ([]registry.Descriptor, time.Duration) {
	var noAnswer *plugin.StageError
	lister, remembers := s.registry.(earlierLister)
	if !remembers || !errors.As(err, &noAnswer) || errors.Is(err, registry.ErrUnauthorized) {
		return nil, 0
	}
	list, age, found := lister.StaleReferrers(ctx, at.repository, at.digest)
	if !found {
		return nil, 0
	}
	return list, max(age, 1)
}

// guardedRead keeps a panic over hostile content inside its goroutine, where it
// would end the process: what was read is then refused.
func guardedRead(read func() gathered) (result gathered) {
	defer func() {
		if cause := recover(); cause != nil {
			result = gathered{refused: []string{"reading it panicked: " + oneLine(fmt.Errorf("%v", cause))}}
		}
	}()
	return read()
}

// checkReferrers refuses a list that is longer than the limit.
func (s *session) checkReferrers(referrers []registry.Descriptor) error {
	if int64(len(referrers)) > s.config.Limits.Referrers {
		return fmt.Errorf("it has %d referrers, the limit referrers is %d", len(referrers), s.config.Limits.Referrers)
	}
	return nil
}

// mayBe leaves out what says that it is something else. A registry may
// not know the type, or give the config's (OCI image spec, empty descriptor):
// then the manifest has to be read.
func mayBe(referrer registry.Descriptor, artifactType string) bool {
	switch referrer.ArtifactType {
	case "", "application/vnd.oci.empty.v1+json", "application/vnd.oci.image.config.v1+json":
		return true
	}
	return strings.HasPrefix(referrer.ArtifactType, artifactType)
}

// label is how messages name a candidate.
func label(kind, digest string) string {
	const shown = len("sha256:") + 12
	if len(digest) > shown {
		digest = digest[:shown]
	}
	return kind + " " + digest
}

// manifest is the part of an OCI image manifest that is read.
type manifest struct {
	Layers []layer `json:"layers"`
}

type layer struct {
	MediaType   string            `json:"mediaType"`
	Digest      string            `json:"digest"`
	Size        int64             `json:"size"`
	Annotations map[string]string `json:"annotations"`
}

// readBundle reads one referrer's manifest and the bundle in it. A referrer
// without a bundle is no candidate.
func (s *session) readBundle(ctx context.Context, repository string, referrer registry.Descriptor) gathered {
	var result gathered
	name := label("bundle", referrer.Digest)
	answer, err := s.registry.Manifest(ctx, repository, referrer.Digest)
	switch {
	case errors.Is(err, registry.ErrNotFound): // listed, so it is not "there is none"
		result.candidates = []*candidate{missing(formatBundle, name, referrer.Annotations[predicateAnnotation], err)}
		return result
	case err != nil:
		result.note(name, err)
		return result
	}
	var parsed manifest
	if err := countLists(answer.Bytes).Layers.atMost(mostLayers, "layers"); err != nil {
		result.candidates = []*candidate{{format: formatBundle, label: name, refused: err}}
		return result
	}
	if err := json.Unmarshal(answer.Bytes, &parsed); err != nil {
		result.candidates = []*candidate{{format: formatBundle, label: name, refused: errors.New("its manifest is not JSON")}}
		return result
	}
	for _, layer := range parsed.Layers {
		if !strings.HasPrefix(layer.MediaType, bundleMediaType) {
			continue
		}
		if len(result.candidates) > 0 {
			result.refused = append(result.refused, name+": it has more than one bundle; only the first was read")
			break
		}
		result.candidates = append(result.candidates, s.readBlob(ctx, repository, layer, &result, referrer))
	}
	result.candidates = slices.DeleteFunc(result.candidates, func(c *candidate) bool { return c == nil })
	return result
}

// readBlob reads one bundle; nil when it could not be looked at.
func (s *session) readBlob(ctx context.Context, repository string, layer layer, result *gathered, holder registry.Descriptor) *candidate {
	name := label("bundle", holder.Digest)
	data, err := s.blob(ctx, repository, layer.Digest, layer.Size)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		return missing(formatBundle, name, holder.Annotations[predicateAnnotation], err)
	case errors.Is(err, errTooLarge):
		return &candidate{format: formatBundle, label: name, refused: errors.New(oneLine(err))}
	case err != nil:
		result.note(name, err)
		return nil
	}
	return s.parsed.bundle(holder.Digest, data, s.config.Limits)
}

var errTooLarge = errors.New("it is too large")

// named is a limit and how a gate calls it.
type named struct {
	name  string
	limit int64
}

// blob reads a bundle or a payload within its limit.
func (s *session) blob(ctx context.Context, repository, digest string, size int64) ([]byte, error) {
	return s.blobWithin(ctx, repository, blobRef{Digest: digest, Size: size}, named{"bundleBytes", s.config.Limits.BundleBytes})
}

// blobWithin reads within a limit. A size that the manifest states beyond it is
// refused before anything is read; one that it states wrongly ends at the
// limit.
func (s *session) blobWithin(ctx context.Context, repository string, at blobRef, most named) ([]byte, error) {
	if at.Size > most.limit {
		return nil, fmt.Errorf("%w: %d bytes, the limit %s is %d", errTooLarge, at.Size, most.name, most.limit)
	}
	data, err := s.registry.Blob(ctx, repository, at.Digest, most.limit)
	var refusal *plugin.Refusal
	switch {
	case errors.As(err, &refusal) && refusal.Rule == "registry/limit":
		return nil, fmt.Errorf("%w: larger than the limit %s of %d", errTooLarge, most.name, most.limit)
	case err == nil && int64(len(data)) > most.limit:
		return nil, fmt.Errorf("%w: more than the limit %s of %d", errTooLarge, most.name, most.limit)
	}
	return data, err
}
