package plugin

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"
)

func TestRedactURL(t *testing.T) {
	for text, want := range map[string]string{
		"https://example.com/a":                    "https://example.com/a",
		"https://user:pw@example.com/a":            "https://example.com/a",
		"https://token@example.com/a?ref=main":     "https://example.com/a?ref=main",
		"https://example.com/a?sig=s3cret&n=5":     "https://example.com/a?sig=***&n=5",
		"https://example.com/a?s3cret":             "https://example.com/a?s3cret",
		"https://example.com/a#token=s3cret":       "https://example.com/a",
		"oci://u:p@example.com:5000/a/b":           "oci://example.com:5000/a/b",
		"ssh://git@example.com/a":                  "ssh://example.com/a",
		"git@example.com:team-a/app":               "git@example.com:team-a/app",
		"user:s3cret@example.com:team-a/app":       "example.com:team-a/app",
		"https://user:s3%zzcret@example.com/a?x=y": "https://example.com/a?***",
		"https://user:s3cret@exa mple.com/a":       "https://exa mple.com/a",
		"https://user:s3/cret@example.com/a":       "https://example.com/a",
		"nginx:1.27@sha256:abc":                    "sha256:abc",
		"":                                         "",
	} {
		if got := RedactURL(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	got := RedactText(`fetching "https://u:p@example.com/a?sig=x": see https://example.com/b, (oci://t@h/c).`)
	if want := `fetching "https://example.com/a?sig=***": see https://example.com/b, (oci://h/c).`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRedactReference(t *testing.T) {
	digest := digestOf("x")
	for text, want := range map[string]string{
		"https://ci:hunter2@reg.example.com/x":   "https://reg.example.com/x",
		"user:pw@reg.example.com/x":              "***@reg.example.com/x",
		"user:p@ss@reg.example.com/x:1":          "***@reg.example.com/x:1",
		"token@reg.example.com:5000/x@" + digest: "***@reg.example.com:5000/x@" + digest,
		"oci://reg.example.com/x?token=hunter2":  "oci://reg.example.com/x?token=***",
		"reg.example.com:5000/x:1@" + digest:     "reg.example.com:5000/x:1@" + digest,
		"x/y@sha512:0123":                        "x/y@sha512:0123",
		"nginx:1.27":                             "nginx:1.27",
		"":                                       "",
	} {
		if got := RedactReference(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for text, want := range map[string]string{
		`the image "user:pw@reg.example.com/x" is wrong`:                             `the image "***@reg.example.com/x" is wrong`,
		`it names "reg.example.com/a:1@` + digest + `", not b:2@` + digest + `.`:     `it names "reg.example.com/a:1@` + digest + `", not b:2@` + digest + `.`,
		"signed by https://example.com/w.yaml@refs/tags/v1 and platform@example.com": "signed by https://example.com/w.yaml@refs/tags/v1 and platform@example.com",
		"pkg:oci/app@1.2": "pkg:oci/app@1.2",
	} {
		if got := RedactText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRedactText_PatternOfAnIdentityIsNoLogin(t *testing.T) {
	for text, want := range map[string]string{
		`match "^https://git\.example\.com/shop/[a-z-]+/\.ci/release\.ya?ml@refs/tags/v[0-9.]+$", got`: `match "^https://git\.example\.com/shop/[a-z-]+/\.ci/release\.ya?ml@refs/tags/v[0-9.]+$", got`,
		`match "^https://git\\.example\\.com/shop/w@refs/x$"`:                                          `match "^https://git\\.example\\.com/shop/w@refs/x$"`,
		`match "^https://user:pw@git\.example\.com/shop/w@refs/x$"`:                                    `match "^https://refs/x$"`,
		`match "^https://tok\.en@git\.example\.com/w$"`:                                                `match "^https://git\.example\.com/w$"`,
		`match "^https://git\.example\.com/w?token=hunter2@x"`:                                         `match "^https://x"`,
	} {
		if got := RedactText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

func TestRedactText_GlobOverDigestsAtAPortIsNoLogin(t *testing.T) {
	for _, text := range []string{
		"images match 127.0.0.1:41965/r@*", "images match reg.example.com:5000/team-a/**@*, (localhost:5000/b:1@sha256:*), [::1]:5000/r@**",
		`"reg.example.com:443/x@sha256:0f*" or reg.example.com:5000/x@` + digestOf("x"),
	} {
		if got := RedactText(text); got != text {
			t.Errorf("%q: %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"is user:12345/hunter2@reg.example.com/x wrong": "is ***@reg.example.com/x wrong",
		"127.0.0.1:41965/hunter2@reg":                   "***@reg",
		"user:hunter2@*":                                "***@*",
		"user:hunter2@*.example.com":                    "***@*.example.com",
		"user:123456/hunter2@*":                         "***@*",
		"user:12345/hunter2@*.example.com/x":            "***@*.example.com/x",
		"user:12345/hunter2@**/x":                       "***@**/x",
		"user:12345/hunter2@*:5000":                     "***@*:5000",
		"user:12345/hunter2@*@reg.example.com":          "***@reg.example.com",
		"user:12345/a@hunter2@*":                        "***@*",
		"user:12345/hunter2@sha256:*.example.com":       "***@sha256:*.example.com",
		"user:12345/hunter2@reg:5000/x":                 "***@reg:5000/x",
	} {
		if got := RedactText(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// Whatever the user, the password and the host are made of: the password goes.
func TestRedactText_NoPasswordInFrontOfAHost(t *testing.T) {
	for _, user := range []string{"ci", "127.0.0.1", "reg.example.com", "a-b_c"} {
		for _, password := range []string{"hunter2", "5000/hunter2", "hunter2/5000", "5000/hunter2:1", "hunter2@*", "5000/hunter2@*", "5000/x@sha256:hunter2*"} {
			for _, host := range []string{"reg", "reg.example.com", "127.0.0.1:5000/r", "[::1]:5000/r", "*.example.com", "reg/x@" + digestOf("x"), "reg/x:1", "0/r"} {
				for _, around := range [][2]string{{"", ""}, {"see (", ")."}, {`"`, `"`}} {
					text := around[0] + user + ":" + password + "@" + host + around[1]
					if got := RedactText(text); strings.Contains(got, "hunter2") {
						t.Errorf("%q: %q", text, got)
					}
				}
			}
		}
	}
}

func TestRun_NoPasswordOfAnImageInAnyText(t *testing.T) {
	for _, written := range []string{
		"https://ci:hunter2@reg.example.com/x", "ci:hunter2@reg.example.com/x", "ci:a@hunter2@reg.example.com/x:1", "ci:hunter2@reg.example.com/x@" + digestOf("x"),
		"hunter2@reg.example.com/x", "oci://hunter2@reg.example.com/x",
	} {
		custom := parse(t, "{apiVersion: team-a.example.com/v1, kind: App, spec: {image: "+written+", args: [--image="+written+"]}}")
		p := passing()
		p.Renderer = renders(deployment("app", "nginx:1.27", written), custom)
		verdict := p.Run(t.Context(), Source{})
		expect(t, verdict, Denied, "image/invalid", "image/undeclared")
		_, found := ImageFinder{}.Find([]Object{deployment("app", written), custom})
		text := string(must(json.Marshal([]any{verdict.Findings, verdict.Images, found})))
		if strings.Contains(text, "hunter2") || !strings.Contains(text, "reg.example.com/x") {
			t.Errorf("%s: %s", written, text)
		}
	}
}

func secretObject(values map[string]any, plain map[string]any) Object {
	return Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "Secret", "metadata": map[string]any{"name": "s", "annotations": map[string]any{lastApplied: "hunter22", "a": "b"}},
		"data": values, "stringData": plain,
	}}
}

func TestMaskObject(t *testing.T) {
	object := secretObject(map[string]any{"k": "aHVudGVyMjI="}, map[string]any{"p": "hunter22"})
	text := string(must(json.Marshal(MaskObject(object).Fields)))
	if strings.Contains(text, "hunter22") || strings.Contains(text, "aHVudGVyMjI") || !strings.Contains(text, `"k":"***"`) || !strings.Contains(text, `"a":"b"`) {
		t.Errorf("masked: %s", text)
	}
	if !strings.Contains(string(must(json.Marshal(object.Fields))), "hunter22") {
		t.Error("the object itself was changed")
	}
	other := deployment("app", "nginx")
	if MaskObject(other).Fields["spec"] == nil {
		t.Error("another kind was masked")
	}
	broken := Object{Fields: map[string]any{"apiVersion": "v1", "kind": "Secret", "data": "hunter22"}}
	if MaskObject(broken).Fields["data"] != masked {
		t.Error("data that is no map is shown")
	}
}

func TestRun_NoSecretInAnyText(t *testing.T) {
	const password = "hunter22\"\n<x>"
	encoded := base64.StdEncoding.EncodeToString([]byte(password))
	p := passing()
	p.Renderer = renders(deployment("app", "nginx:1.27"), secretObject(map[string]any{"k": encoded, "short": "YQ=="}, map[string]any{"p": "other-value"}))
	id := ObjectID{APIVersion: "v1", Kind: "Secret", Name: "s"}
	quoted := string(must(json.Marshal(password)))
	p.Gates[0].Judges[0] = says(Finding{
		Rule: "x/y", Object: id, Field: "data.k", Message: "it is " + password + " or " + encoded, Hint: "remove " + quoted, Why: "other-value",
		Was: quoted, Now: `"` + encoded + `"`, Details: []string{password, base64.StdEncoding.EncodeToString([]byte("other-value")), "the value a is short"},
	}, Finding{Rule: "q/r", Message: "fetching https://u:hunter22@example.com/ failed"})
	verdict := p.Run(t.Context(), Source{})
	text := string(must(json.Marshal(verdict.Findings)))
	for _, secret := range []string{"hunter22", encoded, "other-value", "value a is"} {
		if strings.Contains(text, secret) {
			t.Errorf("%q is in %s", secret, text)
		}
	}
}

func TestRun_TextsCannotSteerATerminal(t *testing.T) {
	p := passing()
	p.Renderer = renders(deployment("app", "nginx\x1b[2J:1", "b:1"))
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y", Message: "a\nb\u202ec\x00", Details: []string{"\x07"}, Hint: "é 日本"})
	verdict := p.Run(t.Context(), Source{})
	expect(t, verdict, Denied, "image/invalid")
	for _, finding := range verdict.Findings {
		text := finding.Message + finding.Image + finding.Hint + strings.Join(finding.Details, "")
		if strings.ContainsAny(text, "\n\x1b\u202e\x00\x07") {
			t.Errorf("%q", text)
		}
	}
	if got := withRule(verdict.Findings, "x/y")[0]; got.Message != `a\nb\u202ec\x00` || got.Hint != "é 日本" {
		t.Errorf("%q %q", got.Message, got.Hint)
	}
}

// contentOf runs a judge that finds fault with a field, and returns the
// finding's content hash.
func contentOf(t *testing.T, id ObjectID, field string, objects ...Object) string {
	t.Helper()
	p := passing()
	p.Renderer = renders(objects...)
	p.Gates[0].Judges[0] = says(Finding{Rule: "x/y", Object: id, Field: field})
	return withRule(p.Run(t.Context(), Source{}).Findings, "x/y")[0].Content
}

func TestContent_IsBoundToTheValue(t *testing.T) {
	id := ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"}
	object := func() Object { return deployment("app", "nginx:1") }
	base := contentOf(t, id, "spec.replicas", object())
	if base != "sha256:d4735e3a265e16eee03f59718b9b5d03019c07d8b6c51f90da3a666eec13ab35" { // sha256 of "2"
		t.Errorf("the hash of 2 is %s", base)
	}
	changed := object()
	changed.Fields["spec"].(map[string]any)["replicas"] = int64(3)
	other := object()
	other.Fields["spec"].(map[string]any)["paused"] = true
	if contentOf(t, id, "spec.replicas", changed) == base {
		t.Error("another value has the same hash")
	}
	if contentOf(t, id, "spec.replicas", other) != base {
		t.Error("another field changes the hash")
	}
	if contentOf(t, id, "", object()) == contentOf(t, id, "", other) {
		t.Error("the whole object's hash misses a field")
	}
	if contentOf(t, id, "[[", object()) != contentOf(t, id, "", object()) {
		t.Error("a path that cannot be read is not the whole object")
	}
	if contentOf(t, id, "spec.none", object()) == base {
		t.Error("an absent field has the hash of another")
	}
	if got := contentOf(t, ObjectID{Kind: "Pod", Name: "none"}, "", object()); got != "" {
		t.Errorf("an object that is not there has the hash %s", got)
	}
}

func TestContent_DoubleOfAnObjectIsNotCovered(t *testing.T) {
	id := ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Name: "app"}
	good, bad := deployment("app", "nginx:1"), deployment("app", "nginx:1")
	bad.Fields["spec"].(map[string]any)["replicas"] = int64(99)
	for _, pair := range [][]Object{{good, bad}, {bad, good}} {
		if contentOf(t, id, "spec.replicas", pair...) == contentOf(t, id, "spec.replicas", good) {
			t.Error("two objects of one identity have the hash of one of them")
		}
	}
}

func TestContent_OfASecretTellsNothingOfItsData(t *testing.T) {
	id := ObjectID{APIVersion: "v1", Kind: "Secret", Name: "s"}
	one, two := secretObject(map[string]any{"k": "YQ=="}, nil), secretObject(map[string]any{"k": "Yg=="}, nil)
	if contentOf(t, id, "data.k", one) != contentOf(t, id, "data.k", two) {
		t.Error("the hash depends on the data")
	}
	more := secretObject(map[string]any{"k": "YQ==", "l": ""}, nil)
	if contentOf(t, id, "data.k", one) == contentOf(t, id, "data.k", more) {
		t.Error("another key changes nothing")
	}
}
