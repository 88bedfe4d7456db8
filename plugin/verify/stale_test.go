package verify

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// remembering is a registry that knows the referrers that it listed last.
type remembering struct {
	*memory
	known []registry.Descriptor
	found bool
}

func (r *remembering) StaleReferrers(context.Context, string, string) ([]registry.Descriptor, time.Duration, bool) {
	return r.known, 0, r.found
}

func silence(cause error) error {
	return &plugin.StageError{Stage: "registry", Subject: repository, Cause: cause}
}

func TestVerify_EarlierListOfReferrersIsUsedOnlyWhereThereIsNoAnswer(t *testing.T) {
	for name, c := range map[string]struct {
		fault    error
		stranger bool
		lost     bool
		rule     string
		level    plugin.Level
	}{
		"no answer":                           {fault: silence(errors.New("500 internal error")), rule: ruleStale, level: plugin.Warn},
		"no answer and nothing is remembered": {fault: silence(errors.New("500 internal error")), lost: true, rule: ruleNoAnswer, level: plugin.Undetermined},
		"no answer and nobody vouches in it":  {fault: silence(errors.New("500 internal error")), stranger: true, rule: ruleNoAnswer, level: plugin.Undetermined},
		"another credential is wanted":        {fault: silence(fmt.Errorf("401: %w", registry.ErrUnauthorized)), rule: ruleNoAnswer, level: plugin.Undetermined},
		"an answer that is refused":           {fault: &plugin.Refusal{Rule: "registry/limit", Message: "too many"}, rule: ruleNotTrusted},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			image := w.image("a")
			signer := throwaway.Signer{Issuer: issuer, Subject: subject}
			if c.stranger {
				signer.Subject = "https://other.example.com"
			}
			w.sign(image, signer)
			known, err := w.registry.Referrers(w.ctx, repository, image.Digest)
			if err != nil || len(known) == 0 {
				t.Fatalf("got %v, %v", known, err)
			}
			w.registry.faults["referrers"] = c.fault
			verifier, err := New(w.config, &remembering{memory: w.registry, known: known, found: !c.lost})
			if err != nil {
				t.Fatal(err)
			}
			review := verifier.Verify(w.ctx, []plugin.Image{image})[0]
			if vouches := c.rule == ruleStale; (len(review.Evidence) > 0) != vouches || len(review.Findings) != 1 {
				t.Fatalf("got %v", review)
			}
			if finding := review.Findings[0]; finding.Rule != c.rule || finding.Level != c.level {
				t.Errorf("got %s %s: %s", finding.Level, finding.Rule, finding.Message)
			}
		})
	}
}
