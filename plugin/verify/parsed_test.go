package verify

import (
	"fmt"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// TestParsed_KeepsWhatItReadWithinItsBounds: the same bytes under the same name
// are read once; other bytes, another name and what is refused are not mixed
// up, and the oldest goes when there are too many.
func TestParsed_KeepsWhatItReadWithinItsBounds(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	statement := w.statement(image.Digest, builds(), throwaway.SignPredicate)
	limits := plugin.DefaultLimits()
	var kept parsed
	first := kept.bundle("a", statement, limits)
	if first.refused != nil {
		t.Fatal(first.refused)
	}
	if kept.bundle("a", statement, limits) != first {
		t.Error("the same bytes were read twice")
	}
	if other := kept.bundle("b", statement, limits); other == first || other.holder != "b" {
		t.Error("another name was given what was read under the first")
	}
	if broken := kept.bundle("a", statement[1:], limits); broken == first || broken.refused == nil {
		t.Error("broken bytes were not refused")
	}
	if len(kept.byHash) != 2 {
		t.Errorf("%d are kept, want the two that could be read", len(kept.byHash))
	}
	spaced := append([]byte(" "), statement...)
	if one, other := kept.bundle("c", spaced, limits), kept.bundle("c ", statement, limits); one == other || one.refused != nil {
		t.Error("the end of a name was taken for the beginning of what was read")
	}
	// Two that read the same at the same time keep it once.
	for range 2 {
		kept.keep([32]byte{}, first)
	}
	if len(kept.byHash) != len(kept.order) {
		t.Errorf("%d are kept, and %d will be dropped", len(kept.byHash), len(kept.order))
	}
	for i := range parsedBundles {
		kept.bundle(fmt.Sprint(i), statement, limits)
	}
	if len(kept.byHash) != parsedBundles || len(kept.order) != parsedBundles {
		t.Errorf("%d and %d are kept, want %d", len(kept.byHash), len(kept.order), parsedBundles)
	}
	if kept.bundle("a", statement, limits) == first {
		t.Error("the oldest was kept")
	}
	large := append(make([]byte, 0, parsedBytes+1), statement...)
	for len(large) <= parsedBytes {
		large = append(large, ' ')
	}
	if once := kept.bundle("large", large, limits); once == kept.bundle("large", large, limits) {
		t.Error("a large bundle was kept")
	}
}
