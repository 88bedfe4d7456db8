package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func stranger() throwaway.Signer {
	return throwaway.Signer{Issuer: issuer, Subject: "https://other.example.com"}
}

func TestVerify_UnsignedImageSaysWhereItLooked(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	want := "looked for bundles in " + repository + ", tag " + legacyTag(image.Digest) + " in " + repository
	if got := w.review(image).Findings[0].Message; !strings.Contains(got, want) {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestVerify_StaticFailBesideSignatures(t *testing.T) {
	w := newWorld(t)
	w.require(gate.Authority{Static: &gate.StaticRef{Action: "fail"}}, keyless())
	image := w.image("a")
	finding := w.review(image).Findings[0]
	const reason = "a static rule refuses it"
	if finding.Rule != ruleRefused || !strings.HasSuffix(finding.Message, reason) || !slices.Contains(finding.Details, "authority authority-0: "+reason) {
		t.Errorf("finding %s: %q %q, want that %s", finding.Rule, finding.Message, finding.Details, reason)
	}
	w.sign(image, stranger())
	checkRefused(t, w.review(image), notTrusted("signed by another identity"))
}

func TestOutcome_MergeKeepsWhatEachPartFound(t *testing.T) {
	var all outcome
	all.merge(outcome{reasons: []string{"r"}, unseen: []string{"u"}, looked: []place{{"w", "l", "t"}}, signatures: 2, disallowed: "d"}, "p: ")
	all.merge(outcome{}, "")
	if !slices.Equal(all.reasons, []string{"p: r"}) || !slices.Equal(all.unseen, []string{"p: u"}) || !slices.Equal(all.looked, []place{{"w", "l", "t"}}) || all.signatures != 2 || all.disallowed != "d" {
		t.Errorf("%+v", all)
	}
}

// A root that ended says nothing about an image without any signature.
func TestVerify_UnsignedImageAndAnExpiredTrustRootAreDenied(t *testing.T) {
	w := newWorld(t)
	w.sigstore, _ = throwaway.NewValid(w.now.AddDate(-1, 0, 0), w.now.AddDate(0, 0, -1))
	w.trust("old", w.sigstore)
	authority := keyless()
	authority.Keyless.TrustRootRef, authority.CTLog.TrustRootRef = "old", "old"
	w.require(authority)
	image := w.image("a")
	checkRefused(t, w.review(image), notSigned)
	w.sign(image, builds())
	checkRefused(t, w.review(image), noAnswer("TrustRoot old"))
}

func TestAccept_WithoutClaimsThereIsNoEvidence(t *testing.T) {
	w := newWorld(t)
	session := newSession(w.verifier())
	for digest, want := range map[string]bool{"sha256:00": true, "": false} {
		var result outcome
		got := accepted{claims: plugin.Claims{Kind: plugin.EvidenceSignature, Digest: digest}}
		session.accept(&policy{name: "signed"}, &authority{name: "builds"}, got, &result)
		if result.verified() != want || (len(result.reasons) == 0) != want {
			t.Errorf("digest %q: %+v, verified should be %v", digest, result, want)
		}
	}
}

func TestVerify_IndexThatIsSignedNeedsNoLookAtItsLeaves(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsEither
	index := w.index(w.image("first"))
	w.sign(index, builds())
	checkAccepted(t, w.review(index), index.Digest)
	if got := w.registry.counts["manifest"]; got != 1 {
		t.Errorf("%d manifests were read, want the bundle's alone", got)
	}
}

func TestVerify_EitherTellsAboutTheIndexAndItsLeaves(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsEither
	leaf := w.image("first")
	index := w.index(leaf)
	w.sign(index, stranger())
	details := strings.Join(w.review(index).Findings[0].Details, "\n")
	prefix := "platform linux/" + leaf.Digest[7:11] + " (" + leaf.Digest[:19] + "): "
	for _, want := range []string{"signed by another identity", prefix + "no signature"} {
		if !strings.Contains(details, want) {
			t.Errorf("%q is not in\n%s", want, details)
		}
	}
}

// indexOf is an index of entries as they are given.
func (w *world) indexOf(entries ...map[string]any) plugin.Image {
	data := w.json(map[string]any{"manifests": entries})
	image := w.image("index")
	image.Digest, image.MediaType = throwaway.Digest(data), "application/vnd.oci.image.index.v1+json"
	w.registry.manifests[repository+"@"+image.Digest] = data
	w.registry.mediaTypes[image.Digest] = image.MediaType
	return image
}

func TestVerify_LeavesAreNamedByPlatformAndDigest(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	a, b := w.image("a"), w.image("b")
	arm := map[string]any{"os": "linux", "architecture": "arm", "variant": "v7"}
	short := func(image plugin.Image) string { return " (" + image.Digest[:19] + "): no signature" }
	for _, row := range []struct {
		image plugin.Image
		want  []string
	}{
		{w.indexOf(map[string]any{"digest": a.Digest, "platform": arm}), []string{"platform linux/arm/v7" + short(a)}},
		{w.indexOf(map[string]any{"digest": a.Digest}, map[string]any{"digest": b.Digest}), []string{"platform " + short(a), "platform " + short(b)}},
		{w.indexOf(map[string]any{"digest": a.Digest}), []string{"no signature"}},
		{a, []string{"no signature"}},
	} {
		if got := w.review(row.image).Findings[0].Details; !slices.Equal(got, row.want) {
			t.Errorf("details %q, want %q", got, row.want)
		}
	}
}

func TestVerify_NoSignatureIsSaidOnlyOfALeafThatHasNone(t *testing.T) {
	for name, spoil := range map[string]func(*world, plugin.Image){
		"signed by another": func(w *world, leaf plugin.Image) { w.sign(leaf, stranger()) },
		"not seen":          func(w *world, _ plugin.Image) { w.registry.faults["referrers"] = errRegistryDown },
	} {
		w := newWorld(t)
		w.config.Platforms = PlatformsAllLeaves
		leaf := w.image("a")
		index := w.index(leaf)
		spoil(w, leaf)
		if got := w.review(index).Findings[0].Details; len(got) != 1 || strings.Contains(got[0], "no signature") {
			t.Errorf("%s: details %q", name, got)
		}
	}
}

// An image is its own leaf: its manifest is read, as only the bytes tell that it
// is no index.
func TestVerify_ImageIsItsOwnLeaf(t *testing.T) {
	const oci, docker = "application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json"
	for _, row := range []struct {
		known, answered string
		manifests       int
	}{{oci, oci, 2}, {docker, docker, 2}, {"", oci, 2}, {"", docker, 2}} {
		w := newWorld(t)
		w.config.Platforms = PlatformsAllLeaves
		image := signed(w)
		image.MediaType, w.registry.mediaTypes[image.Digest] = row.known, row.answered
		checkAccepted(t, w.review(image), image.Digest)
		if got := w.registry.counts["manifest"]; got != row.manifests {
			t.Errorf("%+v: %d manifests were read, the bundle's among them", row, got)
		}
	}
}

// A timestamp authority that is asked for takes the log's place, although the
// trust root has one.
func TestVerify_TimestampTakesTheLogsPlace(t *testing.T) {
	arrange := func(authority gate.Authority) twin {
		return func(w *world) plugin.Image {
			w.require(authority)
			image := w.image("a")
			who := builds()
			who.LeaveOut = throwaway.Parts{Log: true}
			w.sign(image, who)
			return image
		}
	}
	checkTwins(t, arrange(keyless()), arrange(stamped()), notTrusted("log"))
}

func TestVerify_IndexIsReadOnceForAllPolicies(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	w.config.Policies = append(w.config.Policies, policies(stamped())...)
	w.config.Policies[1].Metadata.Name = "second"
	leaf := signed(w)
	if review := w.review(w.index(leaf)); len(review.Evidence) != 2 {
		t.Fatalf("review %+v, want two pieces of evidence", review)
	}
	if got := w.registry.counts["manifest"]; got != 2 {
		t.Errorf("%d manifests were read, want the index and a bundle's", got)
	}
}

func TestVerify_IndexThatIsNotJSONIsDenied(t *testing.T) {
	w := newWorld(t)
	w.config.Platforms = PlatformsAllLeaves
	index := w.index(w.image("a"))
	garbage := []byte("garbage")
	index.Digest = throwaway.Digest(garbage)
	w.registry.manifests[repository+"@"+index.Digest] = garbage
	w.registry.mediaTypes[index.Digest] = index.MediaType
	checkRefused(t, w.review(index), notTrusted("it is not JSON"))
}

func TestSummary_CountsWhatItLeavesOut(t *testing.T) {
	for want, reasons := range map[string][]string{"a": {"a", "a"}, "a (and 1 more reasons below)": {"a", "b", "a"}} {
		if got := summary(reasons); got != want {
			t.Errorf("%q: %q, want %q", reasons, got, want)
		}
	}
}
