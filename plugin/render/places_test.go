package render

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// scan is what find means, by a look at every place.
func scan(places []place, taken []bool, name string) int {
	best := -1
	for i, candidate := range places {
		if !strings.Contains(name, candidate.name) {
			continue
		}
		if best < 0 || len(candidate.name) > len(places[best].name) ||
			len(candidate.name) == len(places[best].name) && taken[best] && !taken[i] {
			best = i
		}
	}
	return best
}

func TestPlaces_FindAgreesWithALookAtEveryPlace(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	name := func(most int) string {
		text := make([]byte, random.IntN(most+1))
		for i := range text {
			text[i] = "ab-"[random.IntN(3)]
		}
		return string(text)
	}
	for range 300 {
		index := &placeIndex{named: map[placeName]*samePlaces{}, root: "root"}
		var places []place
		for i := range 12 {
			places = append(places, place{kind: "Service", name: name(4), origin: plugin.Origin{File: fmt.Sprint(i)}})
			index.add(places[i])
		}
		taken := make([]bool, len(places))
		for range 20 {
			asked := name(6)
			want := "root"
			if i := scan(places, taken, asked); i >= 0 {
				want, taken[i] = places[i].origin.File, true
			}
			id := plugin.ObjectID{APIVersion: "v1", Kind: "Service", Name: asked}
			if got := index.find(id).File; got != want {
				t.Fatalf("%q among %v stands at %s, want %s", asked, places, got, want)
			}
		}
	}
}
