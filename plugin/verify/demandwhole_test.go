package verify

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
)

// Of scans the newest counts, and of bills all do: one that the registry lists
// and does not give may be the one that denies. Provenance needs one statement.
func TestDemand_StatementThatCannotBeLookedAtLeavesItOpenWhereAllCount(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, silent := range []bool{false, true} {
			w, image := attestedOnce(t, kind)
			w.attest(image, ci(), kind.predicateType, kind.good(w))
			if silent {
				w.registry.faults[lastBlob(w, image)] = errRegistryDown
			}
			findings := w.review(image).Findings
			switch open := silent && kind.noun != "provenance"; {
			case !open && len(findings) > 0:
				t.Errorf("%s, silent %t: %+v", kind.noun, silent, findings)
			case open && (len(findings) != 1 || findings[0].Level != plugin.Undetermined):
				t.Errorf("%s with one that is not given: %+v, want no answer", kind.noun, findings)
			}
		}
	}
}

// lastReferrer is the image's last one.
func lastReferrer(w *world, image plugin.Image) *registry.Descriptor {
	list := w.registry.referrers[repository+"@"+image.Digest]
	return &list[len(list)-1]
}

// A statement that the registry lists and then has not got may be the one that
// denies, too: nobody has looked at it.
func TestDemand_StatementThatIsListedAndMissingLeavesItOpenWhereAllCount(t *testing.T) {
	for _, kind := range demandKinds() {
		for name, test := range map[string]struct {
			takes func(w *world, image plugin.Image)
			open  bool
		}{
			"its manifest": {func(w *world, image plugin.Image) {
				delete(w.registry.manifests, repository+"@"+lastReferrer(w, image).Digest)
			}, true},
			"its content": {func(w *world, image plugin.Image) { delete(w.registry.blobs, lastBlob(w, image)) }, true},
			"its manifest, and its type is not said": {func(w *world, image plugin.Image) {
				lastReferrer(w, image).Annotations = nil
				delete(w.registry.manifests, repository+"@"+lastReferrer(w, image).Digest)
			}, true},
			"twin: not listed": {func(w *world, image plugin.Image) {
				key := repository + "@" + image.Digest
				w.registry.referrers[key] = w.registry.referrers[key][:len(w.registry.referrers[key])-1]
			}, false},
			"twin: there": {func(*world, plugin.Image) {}, false},
		} {
			t.Run(kind.noun+"/"+name, func(t *testing.T) {
				w, image := attestedOnce(t, kind)
				w.attest(image, ci(), kind.predicateType, kind.good(w))
				test.takes(w, image)
				findings := w.review(image).Findings
				switch open := test.open && kind.noun != "provenance"; {
				case !open && len(findings) > 0:
					t.Errorf("%+v", findings)
				case open && (len(findings) != 1 || findings[0].Level != plugin.Undetermined || !findings[0].Lasting || !strings.Contains(findings[0].Message, "it is listed, and ")):
					t.Errorf("%+v, want no answer", findings)
				}
			})
		}
	}
}

// attestedOnce is an image with one statement that its gate's demand accepts.
func attestedOnce(t *testing.T, kinds ...demandKind) (*world, plugin.Image) {
	t.Helper()
	w := newWorld(t)
	for i, kind := range kinds {
		kind.entry.Name = fmt.Sprint("asked-", i)
		w.config.Evidence = append(w.config.Evidence, kind.entry)
	}
	image := w.signed("app")
	for _, kind := range kinds {
		w.attest(image, ci(), kind.predicateType, kind.good(w))
	}
	return w, image
}

// What a list says of the type of what is missing tells which demand it leaves open.
func TestDemand_StatementThatIsMissingLeavesNoOtherDemandOpen(t *testing.T) {
	kinds := demandKinds()
	w, image := attestedOnce(t, kinds...)
	w.attest(image, ci(), spdxType, w.billOf("openssl"))
	delete(w.registry.blobs, lastBlob(w, image))
	if findings := w.review(image).Findings; len(findings) != 1 || findings[0].Rule != "evidence/sbom" || findings[0].Level != plugin.Undetermined {
		t.Errorf("%+v", findings)
	}
}

// Also where it is the only one, and in the older format.
func TestDemand_OnlyStatementIsListedAndMissing(t *testing.T) {
	for _, kind := range demandKinds() {
		for _, legacy := range []bool{false, true} {
			t.Run(fmt.Sprint(kind.noun, ", older format ", legacy), func(t *testing.T) {
				w := newWorld(t)
				kind.entry.Name = "asked"
				w.config.Evidence = []gate.Evidence{kind.entry}
				image := w.signed("app")
				if legacy {
					before := maps.Clone(w.registry.blobs)
					w.attestLegacy(image, ci(), kind.predicateType, kind.good(w))
					w.registry.blobs = before
				} else {
					w.attest(image, ci(), kind.predicateType, kind.good(w))
					delete(w.registry.blobs, lastBlob(w, image))
				}
				level := plugin.Undetermined
				if kind.noun == "provenance" { // one statement is needed, and this is none
					level = plugin.Deny
				}
				if findings := w.review(image).Findings; len(findings) != 1 || findings[0].Level != level {
					t.Errorf("%+v, want %s", findings, level)
				}
			})
		}
	}
}
