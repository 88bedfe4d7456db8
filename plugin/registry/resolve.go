package registry

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
)

var _ plugin.Resolver = (*Client)(nil)

// resolutionsInFlight bounds the references of one call that are resolved at
// once: requests are bounded for each host, and an author may name thousands of
// hosts, each of which takes a connection.
const resolutionsInFlight = 128

// Resolve asks which digest each reference stands for: one HEAD for each
// unique repository and tag, all side by side. A reference without a tag is
// looked up by its digest.
//
// A tag that does not exist is a *plugin.Refusal. So that "could not look" is
// never told as "no", a 401 or 403 is a *plugin.StageError: registries give it
// for what does not exist, too. When the registry gives no answer and an
// earlier one is not older than StaleFor, the resolution is that one, marked
// Stale: the caller decides whether it may be used.
func (c *Client) Resolve(ctx context.Context, references []plugin.Reference) []plugin.Resolution {
	unique := map[string]*plugin.Resolution{}
	var group sync.WaitGroup
	turns := make(chan struct{}, resolutionsInFlight)
	for _, reference := range references {
		wanted := reference.Tag
		if wanted == "" {
			wanted = reference.Digest
		}
		subject := subjectOf(reference.Repository, wanted)
		if unique[subject] != nil {
			continue
		}
		resolution := &plugin.Resolution{}
		unique[subject] = resolution
		turns <- struct{}{}
		group.Go(func() {
			defer func() { <-turns }()
			*resolution = c.resolve(ctx, reference.Repository, wanted)
		})
	}
	group.Wait()
	resolutions := make([]plugin.Resolution, len(references))
	for i, reference := range references {
		wanted := reference.Tag
		if wanted == "" {
			wanted = reference.Digest
		}
		resolutions[i] = *unique[subjectOf(reference.Repository, wanted)]
	}
	return resolutions
}

func (c *Client) resolve(ctx context.Context, repository, wanted string) plugin.Resolution {
	subject := subjectOf(repository, wanted)
	origin, err := c.place(ctx, repository)
	if err == nil {
		err = checkReference(repository, wanted)
	}
	if err != nil {
		return plugin.Resolution{Err: explain(stageResolve, subject, err)}
	}
	key := factKey("named", origin, wanted)
	known, found := c.mutable.get(key)
	old, _ := known.value.(named)
	found = found && old.digest != "" // that a tag is missing is asked again
	if found && c.fresh(known.at, false) {
		return plugin.Resolution{Digest: old.digest, MediaType: old.mediaType, Size: old.size}
	}
	value, err := c.share(ctx, "head\x00"+key, func(ctx context.Context) (any, error) { return c.head(ctx, origin, wanted, key) })
	if err == nil {
		now := value.(named)
		return plugin.Resolution{Digest: now.digest, MediaType: now.mediaType, Size: now.size}
	}
	age := c.options.Clock().Sub(known.at)
	if found && age <= c.options.StaleFor && isOutage(err) {
		return plugin.Resolution{Digest: old.digest, MediaType: old.mediaType, Size: old.size, Stale: true, Age: age}
	}
	return plugin.Resolution{Err: explain(stageResolve, subject, origin.session.inTrouble(err))}
}

// isOutage reports whether the registry gave no answer at all. That it wants
// another credential is an answer, after which old ones are not used.
func isOutage(err error) bool {
	var unanswered *noAnswer
	return errors.As(err, &unanswered) && !errors.Is(err, ErrUnauthorized)
}

// head asks with HEAD, which costs no pull; registries that give no digest so
// are asked with GET.
func (c *Client) head(ctx context.Context, origin place, wanted, key string) (named, error) {
	if known, found := c.mutable.get(key); found {
		if value := known.value.(named); value.digest != "" && c.fresh(known.at, false) {
			return value, nil // another caller was faster
		}
	}
	answer, err := c.first(ctx, origin, func(ctx context.Context, at place) (*response, error) {
		answer, err := at.session.send(ctx, request{method: http.MethodHead, path: at.path, rest: "manifests/" + wanted, accept: acceptManifests})
		return answer, headUnsupported(err)
	})
	var value named
	switch {
	case errors.Is(err, errUseGet):
	case err != nil:
		return named{}, err
	default:
		size, _ := strconv.ParseInt(answer.header.Get("Content-Length"), 10, 64)
		value = named{digest: answer.header.Get(headerContentDigest), mediaType: mediaTypeOf(answer), size: max(size, 0)}
	}
	if !digestForm.MatchString(value.digest) {
		manifest, err := c.getManifest(ctx, origin, wanted)
		if err != nil {
			return named{}, err
		}
		value = named{digest: manifest.Digest, mediaType: manifest.MediaType, size: int64(len(manifest.Bytes))}
		c.content.put(factKey("manifest", origin, value.digest), manifest, value.size, c.options.Clock())
	}
	if isDigest(wanted) && value.digest != wanted {
		return named{}, wrongDigest(subjectOf(origin.path, wanted), wanted, value.digest)
	}
	if strings.HasPrefix(value.mediaType, typeDockerSchema1) {
		return named{}, &plugin.Refusal{
			Rule: "image/unsupported", Message: subjectOf(origin.path, wanted) + " is an image of the retired schema 1, whose digest does not name its bytes",
			Hint: "push the image again with a current builder",
		}
	}
	c.mutable.put(key, value, int64(len(value.digest)+len(value.mediaType)), c.options.Clock())
	return value, nil
}

var errUseGet = errors.New("HEAD is not supported")

// headUnsupported tells a registry that does not know HEAD (405, 501) from one
// that answered.
func headUnsupported(err error) error {
	var unanswered *noAnswer
	if errors.As(err, &unanswered) && (unanswered.status == http.StatusMethodNotAllowed || unanswered.status == http.StatusNotImplemented) {
		return errUseGet
	}
	return err
}
