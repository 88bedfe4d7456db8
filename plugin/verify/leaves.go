package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
)

// leavesOf are the manifests of an image's index (OCI image spec, image
// index), without those that no platform runs (unknown/unknown: attestations
// that builders put into the index).
func (s *session) leavesOf(ctx context.Context, image plugin.Image) ([]registry.Descriptor, error) {
	at := s.index(image.Reference.Repository, image.Digest)
	at.once.Do(func() {
		var answer registry.Manifest
		if answer, at.err = s.registry.Manifest(ctx, image.Reference.Repository, image.Digest); at.err == nil {
			at.leaves, at.err = s.parseLeaves(answer, image.Digest)
		}
	})
	return at.leaves, at.err
}

// isImage reports whether a manifest is one image. Its bytes have the last
// word: a registry that calls an index an image would have the leaves left out.
func isImage(answer registry.Manifest) bool {
	var document struct {
		MediaType string    `json:"mediaType"`
		Manifests mentioned `json:"manifests"`
	}
	if err := json.Unmarshal(answer.Bytes, &document); err != nil || bool(document.Manifests) {
		return false
	}
	mediaType := cmp.Or(document.MediaType, answer.MediaType)
	return mediaType == "application/vnd.oci.image.manifest.v1+json" || mediaType == "application/vnd.docker.distribution.manifest.v2+json"
}

func (s *session) parseLeaves(answer registry.Manifest, digest string) ([]registry.Descriptor, error) {
	if err := checkBytes(answer.Bytes, digest); err != nil {
		return nil, err
	}
	if isImage(answer) {
		return []registry.Descriptor{{Digest: digest}}, nil
	}
	if err := countLists(answer.Bytes).Manifests.atMost(s.config.Limits.ManifestsPerIndex+unlisted, "manifests"); err != nil {
		return nil, &plugin.Refusal{Rule: ruleNotTrusted, Message: fmt.Sprintf("index %s: %v (limit manifestsPerIndex)", digest, err)}
	}
	var index struct {
		Manifests []struct {
			Digest   string `json:"digest"`
			Platform struct {
				OS           string `json:"os"`
				Architecture string `json:"architecture"`
				Variant      string `json:"variant"`
			} `json:"platform"`
		} `json:"manifests"`
	}
	if err := json.Unmarshal(answer.Bytes, &index); err != nil {
		return nil, &plugin.Refusal{Rule: ruleNotTrusted, Message: fmt.Sprintf("reading index %s: it is not JSON", digest)}
	}
	var leaves []registry.Descriptor
	for _, entry := range index.Manifests {
		parts := []string{entry.Platform.OS, entry.Platform.Architecture}
		if entry.Platform.Variant != "" {
			parts = append(parts, entry.Platform.Variant)
		}
		if platform := strings.Join(parts, "/"); platform != "unknown/unknown" {
			leaves = append(leaves, registry.Descriptor{Digest: entry.Digest, Platform: strings.TrimPrefix(platform, "/")})
		}
	}
	if int64(len(leaves)) > s.config.Limits.ManifestsPerIndex {
		return nil, &plugin.Refusal{Rule: ruleNotTrusted, Message: fmt.Sprintf("index %s lists %d images, the limit manifestsPerIndex is %d", digest, len(leaves), s.config.Limits.ManifestsPerIndex)}
	}
	if len(leaves) == 0 {
		return nil, &plugin.Refusal{Rule: ruleNotTrusted, Message: "reading index " + digest, Cause: errNoLeaves}
	}
	return leaves, nil
}

// checkBytes compares an index with the digest that the manifests name: the
// leaves are taken from these bytes.
func checkBytes(data []byte, digest string) error {
	sum := sha256.Sum256(data)
	if got := "sha256:" + hex.EncodeToString(sum[:]); got != digest {
		return &plugin.Refusal{Rule: ruleNotTrusted, Message: fmt.Sprintf("the registry answered %s with the bytes of %s", digest, got)}
	}
	return nil
}

func (s *session) noteLeaves(err error, all *outcome) {
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		all.reasons = append(all.reasons, oneLine(err))
		all.signatures++
		return
	}
	all.unseen = append(all.unseen, "reading the index: "+oneLine(err))
	all.transient = all.transient || isTransient(err)
}

// leafPrefix names a leaf's platform in messages; empty for an image that is no
// index.
func leafPrefix(leaf registry.Descriptor, leaves int) string {
	if leaves == 1 && leaf.Platform == "" {
		return ""
	}
	return fmt.Sprintf("platform %s (%s): ", leaf.Platform, label("", leaf.Digest)[1:])
}
