package setup

import (
	"context"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify"
)

// Known is everything that is known about one image.
type Known struct {
	Image  plugin.Image
	Sights []verify.Sight
	// Problem says why not everything could be looked at; empty when it could.
	Problem string
	// Words are what each gate says about the image, by the gates' order.
	Words []Word
}

// Word is one gate's answer about one image.
type Word struct {
	Gate string
	// Findings are what stands in the way, and what is noted. Without one that
	// blocks the gate accepts the image.
	Findings []plugin.Finding
}

// Accepts reports whether nothing stands in the way.
func (w Word) Accepts() bool {
	return !slices.ContainsFunc(w.Findings, func(f plugin.Finding) bool { return f.Level.Blocks() })
}

// Silent reports whether all that stands in the way is what could not be looked
// at: the gate neither accepts the image nor refuses it.
func (w Word) Silent() bool {
	return !w.Accepts() && !slices.ContainsFunc(w.Findings, func(f plugin.Finding) bool { return f.Level.Blocks() && f.Level != plugin.Undetermined })
}

// Known looks up everything beside the images, and what the gates of the
// application say about each, in the order of the images.
func (s *Setup) Known(ctx context.Context, source plugin.Source, images []plugin.Image) ([]Known, error) {
	effective, client, err := s.reach(source)
	if err != nil {
		return nil, err
	}
	pipeline, err := s.Pipeline(source)
	if err != nil {
		return nil, err
	}
	verifier, err := s.observer(effective, client)
	if err != nil {
		return nil, err
	}
	known := make([]Known, len(images))
	var group errgroup.Group
	group.SetLimit(16)
	for i, image := range images {
		known[i].Image = image
		if image.Digest == "" {
			known[i].Problem = "its digest is not known"
			continue
		}
		group.Go(func() error {
			sights, err := verifier.Known(ctx, image)
			known[i].Sights = sights
			if err != nil {
				known[i].Problem = err.Error()
			}
			return nil
		})
	}
	_ = group.Wait() // no member returns an error
	for _, gate := range pipeline.Gates {
		for i, word := range ask(ctx, gate, images) {
			known[i].Words = append(known[i].Words, word)
		}
	}
	return known, nil
}

// ask is one gate's word on each image.
func ask(ctx context.Context, stages plugin.GateStages, images []plugin.Image) []Word {
	words := make([]Word, len(images))
	for i := range words {
		words[i].Gate = stages.Name
		if images[i].Digest == "" {
			words[i].Findings = []plugin.Finding{{Rule: "image/not-pinned", Level: plugin.Undetermined, Message: "its digest is not known, so it was not looked at"}}
		}
	}
	for _, verifier := range stages.Verifiers {
		for i, review := range verifier.Verify(ctx, images) {
			words[i].Findings = append(words[i].Findings, review.Findings...)
		}
	}
	return words
}

// observer is a verifier with every policy of the gates.
func (s *Setup) observer(effective gate.Effective, client *registry.Client) (*verify.Verifier, error) {
	var policies []gate.ClusterImagePolicy
	for _, each := range effective.Gates {
		for _, policy := range slices.Concat(s.options.Config.PoliciesOf(each), s.options.Config.WitnessesOf(each)) {
			if !slices.ContainsFunc(policies, func(p gate.ClusterImagePolicy) bool { return p.Metadata.Name == policy.Metadata.Name }) {
				policies = append(policies, policy)
			}
		}
	}
	verifier, err := verify.New(verify.Config{
		Gate: "trust", Policies: policies, TrustRoots: s.options.Config.TrustRoots, Mirrored: s.mirrors.material(), Limits: effective.Limits,
		Clock: s.options.Clock, Dir: workingDir,
	}, client)
	if err != nil {
		return nil, fmt.Errorf("looking at what is known: %w", err)
	}
	return verifier, nil
}

// reach is what the gates of an application mean together, and the way to its
// registries.
func (s *Setup) reach(source plugin.Source) (gate.Effective, *registry.Client, error) {
	gates, err := s.options.Config.Select(source.Application, source.Path, source.RepositoryPath)
	if err != nil {
		return gate.Effective{}, nil, err
	}
	effective, err := gate.Combine(gates)
	if err != nil {
		return gate.Effective{}, nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	client, err := s.client(effective)
	return effective, client, err
}
