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
func legacyTag(digest string) string { return tagOf(digest, ".sig") }

func tagOf(digest, suffix string) string { return strings.Replace(digest, ":", "-", 1) + suffix }

// layerReader is how the layers under one tag are read.
type layerReader struct {
	tag string
	// kind names a layer in messages.
	kind string
	// skips reports whether a layer is none of what is looked for.
	skips func(annotations map[string]string) bool
	parse func(label string, annotations map[string]string, data []byte) *candidate
}

func signatureReader(digest string) layerReader {
	return layerReader{
		tag: legacyTag(digest), kind: ".sig layer", parse: parseLegacy,
		skips: func(annotations map[string]string) bool { return annotations[annotationSignature] == "" },
	}
}

// attestationReader reads those layers that say that they are of a wanted type,
// and those that say nothing.
func attestationReader(digest string, wants func(predicateType string) bool) layerReader {
	return layerReader{
		tag: attestationTag(digest), kind: ".att layer", parse: parseAttestation,
		skips: func(annotations map[string]string) bool {
			hint := annotations[annotationPredicate]
			return hint != "" && !wants(hint)
		},
	}
}

// gatherLegacy reads the layers under one of the digest's tags: one request for
// the manifest, one for each payload, which is always read, as only it says
// which image was signed.
func (s *session) gatherLegacy(ctx context.Context, at lookupKey, reader layerReader) gathered {
	var all gathered
	tag := reader.tag
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
		if reader.skips(parsed.Layers[i].Annotations) {
			continue
		}
		group.Go(func() error {
			found[i] = guardedRead(func() gathered { return s.readPayload(ctx, at.repository, parsed.Layers[i], reader) })
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

func (s *session) readPayload(ctx context.Context, repository string, layer layer, reader layerReader) gathered {
	var result gathered
	name := label(reader.kind, layer.Digest)
	data, err := s.blob(ctx, repository, layer.Digest, layer.Size)
	switch {
	case errors.Is(err, registry.ErrNotFound):
		result.candidates = []*candidate{missing(formatLegacy, name, layer.Annotations[annotationPredicate], err)}
	case errors.Is(err, errTooLarge):
		result.candidates = []*candidate{{format: formatLegacy, label: name, refused: errors.New(oneLine(err))}}
	case err != nil:
		result.note(name, err)
	default:
		found := reader.parse(name, layer.Annotations, data)
		found.holder = layer.Digest
		result.candidates = []*candidate{found}
	}
	return result
}
