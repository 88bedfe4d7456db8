package page_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/page"
)

func TestText_TheAnswerIsOnTheFirstLineAndWhatToDoComesBeforeTheRest(t *testing.T) {
	text := write(t, "text", rich(), options())
	if first, _, _ := strings.Cut(text, "\n"); first != "2 new denials, 1 new question without an answer: main (1f0c2b7a9d5e) -> feature/checkout-2 (9b8a7c6d5e4f)" {
		t.Errorf("%q", first)
	}
	last := 0
	for _, part := range []string{"new denials (2)", "fix     remove privileged: true", "without an answer, and new (1)", "what changes in whom you trust", "Application argocd/checkout  changed", "HelmRelease legacy/cache  removed", "not seen", "assay explain RULE"} {
		at := strings.Index(text[last:], part)
		if at < 0 {
			t.Fatalf("no %q behind what comes before it in\n%s", part, text)
		}
		last += at
	}
}

func TestText_ColoursAreOnlyForWhoWantsThem(t *testing.T) {
	plain, colored := write(t, "text", rich(), options()), options()
	colored.Color = true
	text := write(t, "text", rich(), colored)
	if strings.Contains(plain, "\x1b") || !strings.HasPrefix(text, "\x1b[1;31m2 new denials") {
		t.Errorf("%q", text[:60])
	}
	if regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(text, "") != plain {
		t.Error("colours change the text")
	}
}

func TestText_LongListsAreCounted(t *testing.T) {
	text := write(t, "text", many(2, 500, 40, 150), page.Options{})
	for _, part := range []string{"100 findings more", "440 objects more", "28 fields more"} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q", part)
		}
	}
	if lines := strings.Count(text, "\n"); lines > 2*60*15+200*6 {
		t.Errorf("%d lines", lines)
	}
}

func TestText_AnOldDebtIsNoNewDenial(t *testing.T) {
	r := rich()
	r.Summary.NewDenials, r.Summary.NewUndetermined = 0, 0
	r.Applications = r.Applications[2:]
	text := write(t, "text", r, options())
	if first, _, _ := strings.Cut(text, "\n"); !strings.HasPrefix(first, "nothing new is denied; 2 applications were not allowed before either:") {
		t.Errorf("%q", first)
	}
	if strings.Contains(text, "new denials (") {
		t.Error(text)
	}
}
