package change_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

const webRepository = "registry.example.com/shop/web"

// built is provenance of an image.
func built(level int) plugin.Claims {
	return plugin.Claims{
		Kind: plugin.EvidenceAttestation, PredicateType: "https://slsa.dev/provenance/v1", BuildLevel: level,
		Signer: "https://ci.example.com/shop/.workflows/release.yaml@refs/tags/1.0", Issuer: "https://issuer.example.com",
		SourceRepository: "https://git.example.com/shop/web", SourceRevision: strings.Repeat("a", 40), Builder: "https://ci.example.com/builder@refs/tags/v2",
	}
}

// newer is what the next release has.
func newer(change func(*plugin.Claims)) plugin.Claims {
	claims := built(3)
	claims.Signer = strings.Replace(claims.Signer, "1.0", "1.1", 1)
	claims.SourceRevision = strings.Repeat("b", 40)
	if change != nil {
		change(&claims)
	}
	return claims
}

func TestTrust_SaysWhatChanges(t *testing.T) {
	for name, test := range map[string]struct {
		was, now []plugin.Claims
		// lines are all that is said; "" stands for the range of commits.
		lines  []string
		weaker bool
	}{
		"TheNextRelease": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(nil)}, nil, false},
		"ALowerLevel": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) { c.BuildLevel = 2 })},
			[]string{"the SLSA build level falls from 3 to 2"}, true},
		"AHigherLevel": {[]plugin.Claims{built(2)}, []plugin.Claims{newer(nil)}, []string{"the SLSA build level rises from 2 to 3"}, false},
		"AnotherWorkflow": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) {
			c.Signer = "https://ci.example.com/other/release.yaml@refs/tags/1.1"
		})}, []string{"another signer: was https://ci.example.com/shop/.workflows/release.yaml (issuer https://issuer.example.com), now https://ci.example.com/other/release.yaml (issuer https://issuer.example.com)"}, false},
		"AnotherIssuer": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) { c.Issuer = "https://other.example.com" })},
			[]string{"another signer: was https://ci.example.com/shop/.workflows/release.yaml (issuer https://issuer.example.com), now https://ci.example.com/shop/.workflows/release.yaml (issuer https://other.example.com)"}, false},
		"ABranch": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) {
			c.Signer = "https://ci.example.com/shop/.workflows/release.yaml@refs/heads/test"
		})}, []string{"signed by a workflow at a branch, before at a tag"}, false},
		"AnotherBuilder": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) { c.Builder = "https://laptop.example.com" })},
			[]string{"another builder: was https://ci.example.com/builder, now https://laptop.example.com"}, false},
		"AnotherSource": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(func(c *plugin.Claims) {
			c.SourceRepository, c.SourceRevision = "https://git.example.com/fork/web", ""
		})}, []string{"another source repository: was https://git.example.com/shop/web, now https://git.example.com/fork/web"}, false},
		"EvidenceLost": {[]plugin.Claims{built(3), {Kind: plugin.EvidenceSignature, Signer: built(3).Signer, Issuer: built(3).Issuer}}, []plugin.Claims{newer(nil)},
			[]string{"evidence lost: signature"}, true},
		"EvidenceGained": {[]plugin.Claims{built(3)}, []plugin.Claims{newer(nil), {Kind: plugin.EvidenceSignature, Signer: newer(nil).Signer, Issuer: built(3).Issuer}},
			[]string{"evidence gained: signature"}, false},
		"NothingProvesIt": {[]plugin.Claims{built(3), {Kind: plugin.EvidenceSignature, Signer: built(3).Signer, Issuer: built(3).Issuer}},
			[]plugin.Claims{{Kind: plugin.EvidenceSignature, Signer: newer(nil).Signer, Issuer: built(3).Issuer}},
			[]string{"nothing proves how it was built any more: SLSA build level 3 before", "evidence lost: provenance"}, true},
		"Nobody": {[]plugin.Claims{{Kind: plugin.EvidenceSignature, Signer: "release@example.com"}}, nil,
			[]string{"nobody vouches for it any more; before it was vouched for by release@example.com"}, true},
		"Somebody": {nil, []plugin.Claims{{Kind: plugin.EvidenceSignature, Signer: "release@example.com"}},
			[]string{"somebody vouches for it now: release@example.com"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			base, head := world{manifests: deployment}, world{manifests: replaced(t, deployment, "web:1.0", "web:1.1")}
			base.evidence = map[string][]plugin.Evidence{webRepository: all(t, test.was)}
			head.evidence = map[string][]plugin.Evidence{webRepository: all(t, test.now)}
			image := compare(t, base, head).Images[0]
			lines := slices.DeleteFunc(image.Trust, func(line string) bool { return strings.HasPrefix(line, "built from aaaaaaaaaaaa..bbbbbbbbbbbb of") })
			if !slices.Equal(lines, test.lines) || image.Weaker != test.weaker || image.Status != change.Changed {
				t.Errorf("weaker %v, said %q", image.Weaker, image.Trust)
			}
		})
	}
}

func all(t *testing.T, claims []plugin.Claims) []plugin.Evidence {
	t.Helper()
	var out []plugin.Evidence
	for _, each := range claims {
		out = append(out, evidence(t, each))
	}
	return out
}

func TestTrust_TheRangeOfCommitsIsOfTheSameRepository(t *testing.T) {
	base, head := world{manifests: deployment}, world{manifests: replaced(t, deployment, "web:1.0", "web:1.1")}
	base.evidence = map[string][]plugin.Evidence{webRepository: all(t, []plugin.Claims{built(3)})}
	head.evidence = map[string][]plugin.Evidence{webRepository: all(t, []plugin.Claims{newer(nil)})}
	if lines := compare(t, base, head).Images[0].Trust; !slices.Equal(lines, []string{"built from aaaaaaaaaaaa..bbbbbbbbbbbb of https://git.example.com/shop/web"}) {
		t.Errorf("said %q", lines)
	}
}

func TestTrust_NoAnswerIsNotToldAsNobody(t *testing.T) {
	signed := world{manifests: deployment, evidence: map[string][]plugin.Evidence{webRepository: all(t, []plugin.Claims{built(3)})}}
	silent := world{manifests: deployment, silent: true, evidence: map[string][]plugin.Evidence{webRepository: {}}}
	for name, sides := range map[string][2]world{"Head": {signed, silent}, "Base": {silent, signed}} {
		image := compare(t, sides[0], sides[1]).Images[0]
		if image.Weaker || len(image.Trust) != 1 || !strings.Contains(image.Trust[0], "could not be looked at") {
			t.Errorf("%s: got %+v", name, image)
		}
	}
	if image := compare(t, silent, silent).Images[0]; image.Status != change.Same || image.Now.Verified != "undetermined" {
		t.Errorf("got %+v", image)
	}
}

func TestImages_ArePairedByRepositoryAndPlace(t *testing.T) {
	two := func(first, second string) world {
		return world{manifests: replaced(t, deployment, "image: registry.example.com/shop/web:1.0", "image: "+first) + "      - {name: side, image: \"" + second + "\"}\n"}
	}
	const web, side = "registry.example.com/shop/web:", "registry.example.com/shop/side:"
	for name, test := range map[string]struct {
		base, head world
		// want are "was -> now status", by the part behind the last slash.
		want []string
	}{
		"BothChange":        {two(web+"1", side+"1"), two(web+"2", side+"2"), []string{"side:1 -> side:2 changed", "web:1 -> web:2 changed"}},
		"OneChanges":        {two(web+"1", side+"1"), two(web+"2", side+"1"), []string{"web:1 -> web:2 changed", "side:1 -> side:1 same"}},
		"TwoTagsOfOne":      {two(web+"1", web+"2"), two(web+"2", web+"3"), []string{"web:1 -> web:3 changed", "web:2 -> web:2 same"}},
		"ByPlace":           {two(web+"1", web+"5"), two(web+"2", web+"6"), []string{"web:1 -> web:2 changed", "web:5 -> web:6 changed"}},
		"AnotherRepository": {two(web+"1", side+"1"), two("mirror.example.com/web:1", side+"1"), []string{"web:1 -> web:1 changed", "side:1 -> side:1 same"}},
		"Exchanged":         {two(web+"1", side+"1"), two(side+"1", web+"1"), []string{"side:1 -> side:1 same", "web:1 -> web:1 same"}},
	} {
		var got []string
		last := func(side *change.ImageSide) string {
			if side == nil {
				return ""
			}
			return side.Written[strings.LastIndexByte(side.Written, '/')+1:]
		}
		for _, image := range compare(t, test.base, test.head).Images {
			got = append(got, last(image.Was)+" -> "+last(image.Now)+" "+string(image.Status))
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: got %q, want %q", name, got, test.want)
		}
	}
	image := compare(t, two(web+"1", side+"1"), two("mirror.example.com/web:1", side+"1")).Images[0]
	if image.Moved || !slices.Contains(image.Trust, "another repository: was registry.example.com/shop/web, now mirror.example.com/web") {
		t.Errorf("got %+v", image)
	}
}
