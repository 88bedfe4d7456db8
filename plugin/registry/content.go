package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"time"
)

// The media types that this package knows.
const (
	typeOCIIndex        = "application/vnd.oci.image.index.v1+json"
	typeOCIManifest     = "application/vnd.oci.image.manifest.v1+json"
	typeDockerList      = "application/vnd.docker.distribution.manifest.list.v2+json"
	typeDockerManifest  = "application/vnd.docker.distribution.manifest.v2+json"
	typeDockerSchema1   = "application/vnd.docker.distribution.manifest.v1"
	typeOCIConfig       = "application/vnd.oci.image.config.v1+json"
	typeDockerConfig    = "application/vnd.docker.container.image.v1+json"
	acceptManifests     = typeOCIIndex + ", " + typeOCIManifest + ", " + typeDockerList + ", " + typeDockerManifest
	headerContentDigest = "Docker-Content-Digest"
)

// Manifest reads a manifest or index by digest or tag. The bytes hash to the
// digest. What a digest names is remembered for good; what a tag names, or
// that there is no such tag, while it is fresh.
//
// Errors: *plugin.Refusal with [ErrNotFound] inside, *plugin.Refusal for bytes
// that are not what they should be, *plugin.StageError when there is no answer.
func (c *Client) Manifest(ctx context.Context, repository, reference string) (Manifest, error) {
	subject := subjectOf(repository, reference)
	origin, err := c.place(ctx, repository)
	if err == nil {
		err = checkReference(repository, reference)
	}
	if err != nil {
		return Manifest{}, explain(stageRegistry, subject, err)
	}
	if isDigest(reference) {
		manifest, err := c.manifestByDigest(ctx, origin, reference)
		return manifest, explain(stageRegistry, subject, origin.session.inTrouble(err))
	}
	manifest, err := c.manifestByTag(ctx, origin, reference)
	return manifest, explain(stageRegistry, subject, origin.session.inTrouble(err))
}

// subjectOf is repository:tag or repository@digest.
func subjectOf(repository, reference string) string {
	if isDigest(reference) {
		return repository + "@" + reference
	}
	return repository + ":" + reference
}

func (c *Client) manifestByDigest(ctx context.Context, origin place, digest string) (Manifest, error) {
	key := factKey("manifest", origin, digest)
	value, err := c.remembered(ctx, key, func(ctx context.Context) (any, error) {
		manifest, err := c.getManifest(ctx, origin, digest)
		if err == nil {
			c.content.put(key, manifest, int64(len(manifest.Bytes)), c.options.Clock())
		}
		return manifest, err
	})
	if err != nil {
		return Manifest{}, err
	}
	return value.(Manifest), nil
}

// remembered answers from the content cache, else shares the work. The cache
// is asked again inside, for those who came just as the work ended.
func (c *Client) remembered(ctx context.Context, key string, work func(context.Context) (any, error)) (any, error) {
	if known, found := c.content.get(key); found {
		return known.value, nil
	}
	return c.share(ctx, key, func(ctx context.Context) (any, error) {
		if known, found := c.content.get(key); found {
			return known.value, nil
		}
		return work(ctx)
	})
}

// named is what a tag stood for; not found when digest is empty.
type named struct {
	digest, mediaType string
	size              int64
}

func (c *Client) manifestByTag(ctx context.Context, origin place, tag string) (Manifest, error) {
	key := factKey("named", origin, tag)
	if known, found := c.mutable.get(key); found {
		value := known.value.(named)
		if c.fresh(known.at, value.digest == "" || known.doubted) {
			if value.digest == "" {
				return Manifest{}, ErrNotFound
			}
			return c.manifestByDigest(ctx, origin, value.digest)
		}
	}
	value, err := c.share(ctx, key, func(ctx context.Context) (any, error) {
		manifest, err := c.getManifest(ctx, origin, tag)
		now := c.options.Clock()
		switch {
		case err == nil:
			c.content.put(factKey("manifest", origin, manifest.Digest), manifest, int64(len(manifest.Bytes)), now)
			c.mutable.put(key, named{manifest.Digest, manifest.MediaType, int64(len(manifest.Bytes))}, 2*int64(len(manifest.Digest)), now)
		case errors.Is(err, ErrNotFound):
			c.mutable.put(key, named{}, 0, now)
		}
		return manifest, err
	})
	if err != nil {
		return Manifest{}, err
	}
	return value.(Manifest), nil
}

// fresh reports whether a mutable fact of that time needs no request. That
// something was missing is believed for a tenth of the time only: it is usually
// being made.
func (c *Client) fresh(at time.Time, missing bool) bool {
	life := c.options.FreshFor
	if missing {
		life /= 10
	}
	age := c.options.Clock().Sub(at)
	return age >= 0 && age < life // a fact of a time to come is not believed
}

// getManifest asks the mirrors, then the origin.
func (c *Client) getManifest(ctx context.Context, origin place, reference string) (Manifest, error) {
	answer, err := c.first(ctx, origin, func(ctx context.Context, at place) (*response, error) {
		return at.session.send(ctx, request{
			method: http.MethodGet, path: at.path, rest: "manifests/" + reference, accept: acceptManifests,
			limit: c.limits.ManifestBytes, limited: "manifestBytes",
		})
	})
	if err != nil {
		return Manifest{}, err
	}
	digest := digestOf(answer.body)
	claimed := answer.header.Get(headerContentDigest)
	if isDigest(reference) {
		claimed = reference
	}
	if strings.HasPrefix(claimed, "sha256:") && claimed != digest {
		return Manifest{}, wrongDigest(redact(answer.url), claimed, digest)
	}
	return Manifest{Digest: digest, MediaType: mediaTypeOf(answer), Bytes: answer.body}, nil
}

// Blob reads a blob of at most limit bytes. The bytes hash to the digest. Do
// not change them: they are shared. Errors are those of [Client.Manifest].
func (c *Client) Blob(ctx context.Context, repository, digest string, limit int64) ([]byte, error) {
	subject := subjectOf(repository, digest)
	origin, err := c.place(ctx, repository)
	if err == nil {
		err = checkDigest(digest)
	}
	if err != nil {
		return nil, explain(stageRegistry, subject, err)
	}
	key := factKey("blob", origin, digest)
	if known, found := c.content.get(key); found {
		data := known.value.([]byte)
		if int64(len(data)) > limit {
			return nil, overLimit(subject, "of this kind of blob", limit)
		}
		return data, nil
	}
	value, err := c.share(ctx, fmt.Sprintf("%s\x00%d", key, limit), func(ctx context.Context) (any, error) {
		return c.getBlob(ctx, origin, digest, limit)
	})
	if err != nil {
		return nil, explain(stageRegistry, subject, origin.session.inTrouble(err))
	}
	return value.([]byte), nil
}

func (c *Client) getBlob(ctx context.Context, origin place, digest string, limit int64) ([]byte, error) {
	key := factKey("blob", origin, digest)
	if known, found := c.content.get(key); found && int64(len(known.value.([]byte))) <= limit {
		return known.value.([]byte), nil
	}
	answer, err := c.first(ctx, origin, func(ctx context.Context, at place) (*response, error) {
		return at.session.send(ctx, request{
			method: http.MethodGet, path: at.path, rest: "blobs/" + digest, limit: limit, limited: "of this kind of blob",
		})
	})
	if err != nil {
		return nil, err
	}
	if got := digestOf(answer.body); got != digest {
		return nil, wrongDigest(redact(answer.url), digest, got)
	}
	c.content.put(key, answer.body, int64(len(answer.body)), c.options.Clock())
	return answer.body, nil
}

// first asks the mirrors in their order and then the origin, until one has an
// answer. A mirror that has nothing, or gives no answer, decides nothing; an
// answer that is broken does.
func (c *Client) first(ctx context.Context, origin place, ask func(context.Context, place) (*response, error)) (*response, error) {
	places, err := c.places(origin)
	if err != nil {
		return nil, err
	}
	var silent error
	for _, at := range places {
		var answer *response
		answer, err = ask(ctx, at)
		var unanswered *noAnswer
		if err == nil || !errors.Is(err, ErrNotFound) && !errors.As(err, &unanswered) {
			return answer, err
		}
		if unanswered != nil {
			silent = err
		}
	}
	return nil, c.lastWord(origin, err, silent)
}

// lastWord is the origin's. Where only mirrors are asked none of them has it,
// and one that gave no answer leaves the question open.
func (c *Client) lastWord(origin place, last, silent error) error {
	if rules := c.rulesOf(origin.session.host); silent != nil && rules != nil && rules.mirrorsOnly {
		return silent
	}
	return last
}

// factKey names a fact within its partition.
func factKey(kind string, origin place, reference string) string {
	return strings.Join([]string{kind, origin.session.id, origin.path, reference}, "\x00")
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return "sha256:" + hex.EncodeToString(sum[:])
}

func checkDigest(digest string) error {
	if !digestForm.MatchString(digest) {
		return invalidAnswer(fmt.Sprintf("digest %.80q", digest), errors.New("only sha256 digests are supported"))
	}
	return nil
}

// mediaTypeOf is the answer's content type without parameters.
func mediaTypeOf(answer *response) string {
	mediaType, _, err := mime.ParseMediaType(answer.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return mediaType
}
