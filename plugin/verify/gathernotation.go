package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"golang.org/x/sync/errgroup"
)

// gatherNotation reads Notation's signatures beside a digest: two requests for
// each, and one for the manifest that they have to sign. The list of referrers
// is that which bundles are found by.
func (s *session) gatherNotation(ctx context.Context, at lookupKey) gathered {
	referrers, all := s.referrersOf(ctx, at)
	var signatures []registry.Descriptor
	for _, referrer := range referrers {
		if mayBe(referrer, notation.ArtifactType) {
			signatures = append(signatures, referrer)
		}
	}
	if int64(len(signatures)) > s.config.Limits.NotationSignatures {
		all.refused = append(all.refused, fmt.Sprintf("it has %d referrers that may be Notation signatures, the limit notationSignatures is %d", len(signatures), s.config.Limits.NotationSignatures))
		return all
	}
	found := make([]gathered, len(signatures))
	var group errgroup.Group
	group.SetLimit(artifactsInFlight)
	for i, referrer := range signatures {
		group.Go(func() error {
			found[i] = guardedRead(func() gathered { return s.readNotation(ctx, at, referrer) })
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	for _, one := range found {
		all.add(one)
	}
	s.setTarget(ctx, at, &all)
	return all
}

// setTarget tells every candidate which manifest it has to sign. A signature
// names its media type and size besides its digest.
func (s *session) setTarget(ctx context.Context, at lookupKey, all *gathered) {
	if len(all.candidates) == 0 {
		return
	}
	answer, err := s.registry.Manifest(ctx, at.repository, at.digest)
	if err != nil {
		all.candidates = nil
		if errors.Is(err, registry.ErrNotFound) {
			all.refused = append(all.refused, "there is no such image: "+oneLine(err))
			return
		}
		all.note("reading the image's manifest", err)
		return
	}
	for _, one := range all.candidates {
		one.target = notation.Target{MediaType: answer.MediaType, Digest: at.digest, Size: int64(len(answer.Bytes))}
	}
}

// notationManifest is the part of a signature's manifest that is read; blobs is
// what an artifact manifest calls its layers (OCI image spec 1.1, release
// candidates).
type notationManifest struct {
	ArtifactType string `json:"artifactType"`
	Config       struct {
		MediaType string `json:"mediaType"`
	} `json:"config"`
	Layers []blobRef `json:"layers"`
	Blobs  []blobRef `json:"blobs"`
}

// blobRef names a blob, as a manifest does.
type blobRef struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int64  `json:"size"`
}

// readNotation reads one referrer's manifest and the envelope in it. A referrer
// that is another thing is no candidate.
func (s *session) readNotation(ctx context.Context, at lookupKey, referrer registry.Descriptor) gathered {
	var result gathered
	one := &candidate{format: "notation", label: label("Notation signature", referrer.Digest)}
	answer, err := s.registry.Manifest(ctx, at.repository, referrer.Digest)
	switch {
	case errors.Is(err, registry.ErrNotFound): // listed, so it is not "there is none"
		one.refused = errors.New(oneLine(err))
	case err != nil:
		result.note(one.label, err)
		return result
	default:
		layer, isSignature, err := envelopeIn(answer.Bytes)
		if !isSignature && referrer.ArtifactType != notation.ArtifactType {
			return result
		}
		if err != nil {
			one.refused = err
			break
		}
		if data := s.readEnvelope(ctx, at.repository, layer, one, &result); data != nil {
			one.format, one.envelope = notation.FormatOf(layer.MediaType), notation.Envelope{MediaType: layer.MediaType, Raw: data}
		} else if one.refused == nil {
			return result
		}
	}
	result.candidates = append(result.candidates, one)
	return result
}

// envelopeIn finds the one envelope in a signature's manifest. The manifest has
// the last word on whether it is a signature at all.
func envelopeIn(data []byte) (layer blobRef, isSignature bool, err error) {
	if err := countLists(data).Layers.atMost(mostLayers, "layers"); err != nil {
		return blobRef{}, false, err
	}
	var parsed notationManifest
	if err := json.Unmarshal(data, &parsed); err != nil {
		return blobRef{}, false, errors.New("its manifest is not JSON")
	}
	if kind := cmp.Or(parsed.ArtifactType, parsed.Config.MediaType); kind != notation.ArtifactType {
		return blobRef{}, false, fmt.Errorf("its manifest is of the type %q, not %s", kind, notation.ArtifactType)
	}
	layers := append(parsed.Layers, parsed.Blobs...)
	if len(layers) != 1 {
		return blobRef{}, true, fmt.Errorf("its manifest has %d envelopes, want one", len(layers))
	}
	if notation.FormatOf(layers[0].MediaType) == "" {
		return blobRef{}, true, fmt.Errorf("its envelope is of the type %q, which is neither JWS nor COSE", layers[0].MediaType)
	}
	return layers[0], true, nil
}

// readEnvelope reads the bytes; nil when they are refused or could not be looked
// at.
func (s *session) readEnvelope(ctx context.Context, repository string, layer blobRef, one *candidate, result *gathered) []byte {
	data, err := s.blobWithin(ctx, repository, layer, named{"notationBytes", s.config.Limits.NotationBytes})
	switch {
	case errors.Is(err, errTooLarge), errors.Is(err, registry.ErrNotFound):
		one.refused = errors.New(oneLine(err))
	case err != nil:
		result.note(one.label, err)
	default:
		return data
	}
	return nil
}
