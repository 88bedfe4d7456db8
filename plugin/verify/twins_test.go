package verify

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// twin arranges a world and gives the image to ask about.
type twin func(w *world) plugin.Image

// wanted is what the twin that is not accepted must say.
type wanted struct {
	rule   string
	level  plugin.Level
	reason string
}

// checkTwins holds one check of the verifier: the one twin is refused for the
// given reason, and the other, which differs in that alone, is accepted.
func checkTwins(t *testing.T, refused, accepted twin, want wanted) {
	t.Helper()
	t.Run("refused", func(t *testing.T) {
		w := newWorld(t)
		image := refused(w)
		checkRefused(t, w.review(image), want)
	})
	t.Run("accepted", func(t *testing.T) {
		w := newWorld(t)
		image := accepted(w)
		checkAccepted(t, w.review(image), image.Digest)
	})
}

func checkRefused(t *testing.T, review plugin.Review, want wanted) {
	t.Helper()
	if len(review.Evidence) != 0 {
		t.Fatalf("there is evidence: %+v", review.Evidence[0].Claims())
	}
	if len(review.Findings) != 1 {
		t.Fatalf("%d findings, want 1: %+v", len(review.Findings), review.Findings)
	}
	finding := review.Findings[0]
	if finding.Rule != want.rule || finding.Level != want.level {
		t.Fatalf("finding is %s at level %s, want %s at level %s: %s %q", finding.Rule, finding.Level, want.rule, want.level, finding.Message, finding.Details)
	}
	text := finding.Message + "\n" + strings.Join(finding.Details, "\n")
	if !strings.Contains(text, want.reason) {
		t.Fatalf("the reason %q is not in:\n%s", want.reason, text)
	}
	if strings.Contains(finding.Message, "\n") || finding.Hint == "" || finding.Image == "" || finding.Digest == "" || finding.Object.IsZero() || finding.Origin.File == "" {
		t.Errorf("the finding misses something: %+v", finding)
	}
}

func checkAccepted(t *testing.T, review plugin.Review, digest string) {
	t.Helper()
	for _, finding := range review.Findings {
		t.Fatalf("finding %s: %s %q", finding.Rule, finding.Message, finding.Details)
	}
	if len(review.Evidence) == 0 {
		t.Fatal("no evidence")
	}
	for _, evidence := range review.Evidence {
		if claims := evidence.Claims(); claims.Digest != digest || claims.Gate != "base" || claims.Policy != "signed" {
			t.Errorf("evidence claims %+v, want digest %s", claims, digest)
		}
	}
}
