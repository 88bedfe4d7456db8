package setup

import (
	"context"
	"errors"
	"fmt"

	"github.com/assay-gitops/assay/plugin"
)

// Images renders the source and resolves its images, without judging them.
// Findings that block mean that the list is not to be relied on.
func (s *Setup) Images(ctx context.Context, source plugin.Source) ([]plugin.Image, []plugin.Finding, error) {
	pipeline, err := s.Pipeline(source)
	if err != nil {
		return nil, nil, err
	}
	rendering, err := pipeline.Renderer.Render(ctx, source)
	if err != nil {
		return nil, nil, fmt.Errorf("rendering: %w", err)
	}
	if len(rendering.Objects) == 0 {
		return nil, nil, errors.New("rendering: the source renders to no objects; check the path")
	}
	images, findings := pipeline.Finder.Find(rendering.Objects)
	findings = append(rendering.Findings, findings...)
	var questions []plugin.Reference
	for _, image := range images {
		questions = append(questions, image.Reference)
	}
	for i, answer := range pipeline.Resolver.Resolve(ctx, questions) {
		image := &images[i]
		if answer.Err != nil && image.Reference.Digest == "" {
			for _, finding := range plugin.FindingsFromError("resolve", answer.Err) {
				finding.Image = image.Written
				findings = append(findings, finding)
			}
			continue
		}
		image.Digest, image.DigestFrom = answer.Digest, plugin.DigestResolved
		if image.Reference.Digest != "" {
			image.Digest, image.DigestFrom = image.Reference.Digest, plugin.DigestWritten
		}
	}
	plugin.SortFindings(findings)
	return images, findings, nil
}

// Fill renders the source and hardens it, without judging: what the gate's
// hardening would write. An error means that there is no pipeline, or that it
// does not harden.
func (s *Setup) Fill(ctx context.Context, source plugin.Source) (plugin.Filled, error) {
	pipeline, err := s.Pipeline(source)
	if err != nil {
		return plugin.Filled{}, err
	}
	if pipeline.Hardener == nil {
		return plugin.Filled{}, errors.New("hardening: the gates of this application do not harden (switches.harden, profile); name one that does")
	}
	return pipeline.Fill(ctx, source), nil
}

// LockOf makes the lock file's content from images: an entry for each tag.
// Charts are kept from the lock that is there.
func LockOf(images []plugin.Image, present *plugin.Lock) plugin.Lock {
	var lock plugin.Lock
	if present != nil {
		lock.Charts = present.Charts
	}
	seen := map[string]bool{}
	for _, image := range images {
		key := image.Reference.Tagged()
		if image.Reference.Digest != "" || image.Digest == "" || seen[key] {
			continue
		}
		seen[key] = true
		lock.Images = append(lock.Images, plugin.LockedImage{Image: key, Digest: image.Digest})
	}
	return lock
}

// Render renders the source with the renderer of its gates.
func (s *Setup) Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error) {
	pipeline, err := s.Pipeline(source)
	if err != nil {
		return plugin.Rendering{}, err
	}
	return pipeline.Renderer.Render(ctx, source)
}
