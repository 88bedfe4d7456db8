package plugin

import (
	"strings"
	"testing"
)

// accounted are images of one object, pinned in it, and a ledger that has
// nothing to object to.
func accounted(t *testing.T) (ledger, Object) {
	t.Helper()
	object := deployment("app", "nginx:1", "b:1", "nginx:1")
	images, _ := ImageFinder{}.Find([]Object{object})
	for i := range images {
		images[i].Digest = digestOf(images[i].Written)
		for _, use := range images[i].Uses {
			if err := use.set(images[i]); err != nil {
				t.Fatal(err)
			}
		}
	}
	return ledger{
		pin: true, images: images, gates: []GateStages{{Name: "base", Verifiers: []Verifier{verifyFunc(vouches)}}},
		reviews: [][][]Review{{vouches(t.Context(), images)}},
	}, object
}

func (l ledger) of(object Object) []Finding {
	sealed, _ := ImageFinder{}.Find([]Object{object})
	return l.account(sealed)
}

func containerOf(object Object, i int) map[string]any {
	containers, _ := podOf(object)["containers"].([]any)
	container, _ := containers[i].(map[string]any)
	return container
}

func TestAccount_PinnedAndVouchedForPasses(t *testing.T) {
	ledger, object := accounted(t)
	if findings := ledger.of(object); len(findings) > 0 {
		t.Errorf("findings: %+v", findings)
	}
}

func TestAccount_EveryDifferenceIsDenied(t *testing.T) {
	evil := "evil.example.com/x@" + digestOf("evil")
	for name, change := range map[string]func(Object){
		"one use of two unpinned": func(o Object) { containerOf(o, 2)["image"] = "nginx:1" },
		"another digest":          func(o Object) { containerOf(o, 0)["image"] = "nginx:1@" + digestOf("evil") },
		"the digest of another":   func(o Object) { containerOf(o, 0)["image"] = "nginx:1@" + digestOf("b:1") },
		"another spelling":        func(o Object) { containerOf(o, 1)["image"] = "docker.io/library/b:1@" + digestOf("b:1") },
		"another tag":             func(o Object) { containerOf(o, 1)["image"] = "b:2@" + digestOf("b:1") },
		"without its tag":         func(o Object) { containerOf(o, 1)["image"] = "b@" + digestOf("b:1") },
		"swapped":                 func(o Object) { swapImages(containerOf(o, 0), containerOf(o, 1)) },
		"removed":                 func(o Object) { delete(containerOf(o, 1), "image") },
		"broken":                  func(o Object) { containerOf(o, 1)["image"] = "b:1@x\x1b[2J" },
		"one added":               func(o Object) { podOf(o)["initContainers"] = []any{map[string]any{"image": evil}} },
		"one added that is known": func(o Object) { podOf(o)["initContainers"] = []any{map[string]any{"image": "b:1@" + digestOf("b:1")}} },
		"an image volume added": func(o Object) {
			podOf(o)["volumes"] = []any{map[string]any{"image": map[string]any{"reference": evil}}}
		},
		"moved to another object":  func(o Object) { o.Fields["metadata"] = map[string]any{"name": "other"} },
		"moved to init containers": func(o Object) { podOf(o)["initContainers"] = podOf(o)["containers"]; delete(podOf(o), "containers") },
	} {
		t.Run(name, func(t *testing.T) {
			ledger, object := accounted(t)
			change(object)
			findings := withRule(ledger.of(object), "image/unaccounted")
			if len(findings) == 0 || findings[0].Level != Deny {
				t.Errorf("nothing was said")
			}
		})
	}
}

func swapImages(a, b map[string]any) { a["image"], b["image"] = b["image"], a["image"] }

func TestAccount_WithoutPinningTheTextStays(t *testing.T) {
	object := deployment("app", "nginx:1")
	images, _ := ImageFinder{}.Find([]Object{object})
	images[0].Digest = digestOf("x")
	ledger := ledger{images: images, gates: []GateStages{{Name: "base", Verifiers: []Verifier{verifyFunc(vouches)}}}, reviews: [][][]Review{{vouches(t.Context(), images)}}}
	if findings := ledger.of(object); len(findings) > 0 {
		t.Errorf("findings: %+v", findings)
	}
	containerOf(object, 0)["image"] = "nginx:1@" + digestOf("x")
	if findings := ledger.of(object); len(findings) == 0 {
		t.Error("a changed byte was not seen")
	}
}

func TestAccount_ImageWithoutDigestIsAFindingUnderEachGate(t *testing.T) {
	ledger, object := accounted(t)
	ledger.gates = append(ledger.gates, GateStages{Name: "extra", Verifiers: []Verifier{verifyFunc(vouches)}})
	ledger.reviews = append(ledger.reviews, ledger.reviews[0])
	containerOf(object, 1)["image"] = "b:1"
	for i := range ledger.images {
		if ledger.images[i].Written == "b:1" {
			ledger.images[i].Digest = ""
			ledger.reviews[0][0][i], ledger.reviews[1][0][i] = Review{}, Review{}
		}
	}
	for silent, want := range map[silence]Level{answered: Deny, briefly: Undetermined, lastingly: Undetermined} {
		ledger.unanswered = silences{"b:1": silent}
		ledger.pin = true
		findings := ledger.of(object)
		if len(findings) != 2 || findings[0].Rule != "image/not-pinned" || findings[0].Gate != "base" || findings[1].Gate != "extra" || findings[1].Level != want || findings[1].Lasting != (silent == lastingly) {
			t.Errorf("findings: %+v", findings)
		}
	}
}

func TestAccount_ReviewsThatDoNotCoverEveryImageAreDenied(t *testing.T) {
	for name, change := range map[string]func(*ledger){
		"no reviews":            func(l *ledger) { l.reviews = nil },
		"none of the gate":      func(l *ledger) { l.reviews[0] = nil },
		"a verifier too few":    func(l *ledger) { l.gates[0].Verifiers = append(l.gates[0].Verifiers, verifyFunc(vouches)) },
		"no verifier":           func(l *ledger) { l.gates[0].Verifiers, l.reviews[0] = nil, nil },
		"too short":             func(l *ledger) { l.reviews[0][0] = l.reviews[0][0][:1] },
		"too long":              func(l *ledger) { l.reviews[0][0] = append(l.reviews[0][0], l.reviews[0][0][0]) },
		"silence on one":        func(l *ledger) { l.reviews[0][0][1] = Review{} },
		"zero evidence":         func(l *ledger) { l.reviews[0][0][1] = Review{Evidence: []Evidence{{}}} },
		"a mere fact":           func(l *ledger) { l.reviews[0][0][1] = Review{Findings: []Finding{{Level: Info}}} },
		"a gate without a word": func(l *ledger) { l.gates = append(l.gates, GateStages{Name: "extra", Verifiers: l.gates[0].Verifiers}) },
	} {
		ledger, object := accounted(t)
		change(&ledger)
		if findings := withRule(ledger.of(object), "image/unaccounted"); len(findings) == 0 || findings[0].Gate == "" || findings[0].Level != Deny {
			t.Errorf("%s: %+v", name, findings)
		}
	}
	ledger, object := accounted(t)
	ledger.reviews[0][0][1] = Review{Findings: []Finding{{Rule: "image/no-policy", Level: Warn}}}
	if findings := ledger.of(object); len(findings) > 0 {
		t.Errorf("a warning in place of evidence: %+v", findings)
	}
}

func TestAccount_OtherUsesAreListed(t *testing.T) {
	ledger, object := accounted(t)
	for i := range ledger.images {
		ledger.images[i].Digest = ""
	}
	for _, finding := range withRule(ledger.of(object), "image/not-pinned") {
		if finding.Image == "nginx:1" && !strings.Contains(strings.Join(finding.Details, "\n"), "containers[2].image") {
			t.Errorf("details: %q", finding.Details)
		}
	}
}
