package verify

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin/registry"
	"golang.org/x/sync/errgroup"
)

// legacyTag is where cosign's older format keeps signatures of a digest.
func legacyTag(digest string) string { return strings.Replace(digest, ":", "-", 1) + ".sig" }

// gatherLegacy reads the signatures under the digest's tag: one request for
// the manifest, one for each payload, which is always read, as only it says
// which image was signed.
func (s *session) gatherLegacy(ctx context.Context, at lookupKey) gathered {
	var all gathered
	tag := legacyTag(at.digest)
	answer, err := s.registry.Manifest(ctx, at.repository, tag)
	if err != nil {
		all.note("reading tag "+tag, err)
		return all
	}
	var parsed manifest
	if err := countLists(answer.Bytes).Layers.atMost(mostLayers, "layers"); err != nil {
		all.refused = append(all.refused, fmt.Sprintf("tag %s: %v", tag, err))
		return all
	}
	if err := json.Unmarshal(answer.Bytes, &parsed); err != nil {
		all.candidates = []*candidate{{format: formatLegacy, label: "tag " + tag, refused: errors.New("its manifest is not JSON")}}
		return all
	}
	if err := s.checkLayers(parsed); err != nil {
		all.refused = append(all.refused, fmt.Sprintf("tag %s: %v", tag, err))
		return all
	}
	found := make([]gathered, len(parsed.Layers))
	var group errgroup.Group
	group.SetLimit(artifactsInFlight)
	for i := range parsed.Layers {
		if parsed.Layers[i].Annotations[annotationSignature] == "" {
			continue
		}
		group.Go(func() error {
			found[i] = guardedRead(func() gathered { return s.readPayload(ctx, at.repository, parsed, i) })
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	for _, one := range found {
		all.add(one)
	}
	return all
}

// checkLayers refuses a signature manifest with more layers than the limit.
func (s *session) checkLayers(parsed manifest) error {
	if int64(len(parsed.Layers)) > s.config.Limits.LegacySignatures {
		return fmt.Errorf("it has %d layers, the limit legacySignatures is %d", len(parsed.Layers), s.config.Limits.LegacySignatures)
	}
	return nil
}

func (s *session) readPayload(ctx context.Context, repository string, parsed manifest, index int) gathered {
	var result gathered
	layer := parsed.Layers[index]
	name := label(".sig layer", layer.Digest)
	data, err := s.blob(ctx, repository, layer.Digest, layer.Size)
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, registry.ErrNotFound):
		result.candidates = []*candidate{{format: formatLegacy, label: name, refused: errors.New(oneLine(err))}}
	case err != nil:
		result.note(name, err)
	default:
		found := parseLegacy(name, layer.Annotations, data)
		found.holder = layer.Digest
		result.candidates = []*candidate{found}
	}
	return result
}
