package setup_test

import (
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// Cold, an image costs one request to resolve it, one for its referrers, two
// for the one piece of evidence that the gate needs, and two (a single image)
// or three (an index) for its config; the registry one ping. The provenance
// that stands beside each signature is not read.
func TestBudget_ColdRunAsksNothingTwice(t *testing.T) {
	w := newWorld(t)
	source := w.kustomize(t, "w1", w1())
	s := w.newSetup(t, nil)
	w.registry.ResetRequests()
	allowed(t, s, source, w1().objects())
	const single, index, evidence = signedImages / 2, signedImages / 2, 1
	want := 1 + signedImages*(1+1+2*evidence) + single*2 + index*3
	if got := w.registry.Count(); got != want {
		t.Errorf("%d requests, want %d", got, want)
	}
	if got := w.registry.Count(ociserver.ClassReferrers); got != signedImages {
		t.Errorf("%d lists of referrers, want %d", got, signedImages)
	}
	asked := map[string]bool{}
	for _, request := range w.registry.Requests() {
		line := request.Method + " " + request.Path + "?" + request.Query
		if asked[line] {
			t.Errorf("%s was asked twice", line)
		}
		asked[line] = true
	}
}

func TestBudget_FreshRunAsksNothing(t *testing.T) {
	w := newWorld(t)
	s := w.newSetup(t, nil)
	allowed(t, s, w.kustomize(t, "w1", w1()), w1().objects())
	w.registry.ResetRequests()
	// Another application of the same images shares what is known of them.
	for _, source := range []plugin.Source{w.kustomize(t, "w1", w1()), w.plain(t, "other", w1())} {
		allowed(t, s, source, w1().objects())
	}
	if got := w.registry.Count(); got != 0 {
		t.Errorf("%d requests while all answers are fresh, want none: %v", got, w.registry.Requests())
	}
}

func TestBudget_StaleTagsAreAskedAgainAndDigestsAreNot(t *testing.T) {
	w := newWorld(t)
	source := w.kustomize(t, "w1", w1())
	at := time.Now()
	s := w.newSetupAt(t, func() time.Time { return at })
	allowed(t, s, source, w1().objects())
	at = at.Add(time.Hour)
	w.registry.ResetRequests()
	allowed(t, s, source, w1().objects())
	// A tag may have moved and a list of referrers may have grown; what has a
	// digest is what it was.
	if got, want := w.registry.Count(), 2*signedImages; got != want {
		t.Errorf("%d requests after the answers grew old, want %d", got, want)
	}
}

// Resolve, referrers, manifest, blob; the config is read beside them. Requests
// about one image are looked at, as the bound on requests to one host makes
// images wait for each other.
func TestBudget_FourRoundTripsInARow(t *testing.T) {
	w := newWorld(t)
	source := w.kustomize(t, "w1", size{deployments: 4})
	s := w.newSetup(t, nil)
	w.registry.ResetRequests()
	w.registry.SetDelay(200 * time.Millisecond) // requests side by side overlap
	allowed(t, s, source, 4)
	for i := range 4 {
		repository := strings.TrimPrefix(w.repository(i), w.registry.Host()+"/")
		if got := w.registry.MaxDepth(repository); got != 4 {
			t.Errorf("%s: %d round trips in a row, want 4", repository, got)
		}
	}
}

// Allocations an object stay the same from 200 objects to 2,000, through every
// stage: nothing is worked once for each pair of objects.
func TestGrowth_AllocationsAnObjectDoNotGrow(t *testing.T) {
	w := newWorld(t)
	s := w.newSetup(t, nil)
	perObject := func(n size) float64 {
		source := w.stream(t, n)
		return testing.AllocsPerRun(2, func() { allowed(t, s, source, n.objects()) }) / float64(n.objects())
	}
	small, large := perObject(size{90, 90, 20}), perObject(size{900, 900, 200})
	if large > small*1.05 {
		t.Errorf("%.0f allocations an object with 200 objects and %.0f with 2,000: growth is not linear", small, large)
	}
}
