package plugin

import (
	"strings"
	"testing"
)

func TestFind_DeclaredFieldsAreFoundAndPinned(t *testing.T) {
	digest := digestOf("x")
	for name, test := range map[string]struct {
		field     ImageField
		spec      string
		want, now string
	}{
		"whole":               {ImageField{Path: "spec.image"}, `{image: "a:1"}`, "a:1", `{"image":"a:1@D"}`},
		"whole with a digest": {ImageField{Path: "spec.image"}, `{image: "a:1@D"}`, "a:1@D", `{"image":"a:1@D"}`},
		"in a list":           {ImageField{Path: "spec.images[*]"}, `{images: ["a:1"]}`, "a:1", `{"images":["a:1@D"]}`},
		"in a map":            {ImageField{Path: "spec[*].image"}, `{x: {image: "a:1"}}`, "a:1", `{"x":{"image":"a:1@D"}}`},
		"by index":            {ImageField{Path: "spec.args[1]"}, `{args: [--image, "a:1"]}`, "a:1", `{"args":["--image","a:1@D"]}`},
		"behind a prefix":     {ImageField{Path: "spec.args[*]", Prefix: "--image="}, `{args: ["--v=1", "--image=a:1"]}`, "a:1", `{"args":["--v=1","--image=a:1@D"]}`},
		"by name":             {ImageField{Path: "spec.env[name=X].value"}, `{env: [{name: Y, value: "b:1"}, {name: X, value: "a:1"}]}`, "a:1", `{"env":[{"name":"Y","value":"b:1"},{"name":"X","value":"a:1@D"}]}`},
		"quoted key":          {ImageField{Path: `spec["example.com/image"]`}, `{example.com/image: "a:1"}`, "a:1", `{"example.com/image":"a:1@D"}`},
		"split with tag":      {ImageField{Path: "spec.image.repository", Tag: "tag"}, `{image: {repository: r/a, tag: "1"}}`, "r/a:1", `{"image":{"repository":"r/a","tag":"1@D"}}`},
		"split, tag pinned":   {ImageField{Path: "spec.image.repository", Tag: "tag"}, `{image: {repository: r/a, tag: "1@D"}}`, "r/a:1@D", `{"image":{"repository":"r/a","tag":"1@D"}}`},
		"split with digest":   {ImageField{Path: "spec.image.repository", Tag: "tag", Digest: "digest"}, `{image: {repository: r/a, tag: "1"}}`, "r/a:1", `{"image":{"digest":"D","repository":"r/a","tag":"1"}}`},
		"split, digest there": {ImageField{Path: "spec.image.repository", Tag: "tag", Digest: "digest"}, `{image: {repository: r/a, tag: "1", digest: "D"}}`, "r/a:1@D", `{"image":{"digest":"D","repository":"r/a","tag":"1"}}`},
		"split, digest alone": {ImageField{Path: "spec.image.repository", Digest: "digest"}, `{image: {repository: r/a, digest: "D"}}`, "r/a@D", `{"image":{"digest":"D","repository":"r/a"}}`},
		"split, bare digest":  {ImageField{Path: "spec.base", Tag: "tag", Digest: "sha"}, `{base: r/a, tag: "1", sha: "BARE"}`, "r/a:1@D", `{"base":"r/a","sha":"BARE","tag":"1"}`},
	} {
		t.Run(name, func(t *testing.T) {
			fill := strings.NewReplacer("BARE", strings.TrimPrefix(digest, "sha256:"), "@D", "@"+digest, `"D"`, `"`+digest+`"`)
			test.field.Group, test.field.Kind = "team-a.example.com", "App"
			object := parse(t, "{apiVersion: team-a.example.com/v1, kind: App, spec: "+fill.Replace(test.spec)+"}")
			finder := ImageFinder{Fields: []ImageField{test.field}}
			images, findings := finder.Find([]Object{object})
			if len(images) != 1 || images[0].Written != fill.Replace(test.want) || len(withRule(findings, "image/invalid")) > 0 {
				t.Fatalf("found %+v, %+v", images, findings)
			}
			images[0].Digest = digest
			if err := images[0].Uses[0].set(images[0]); err != nil {
				t.Fatal(err)
			}
			now, err := appendJSON(nil, object.Fields["spec"])
			if err != nil || string(now) != fill.Replace(test.now) {
				t.Errorf("pinned\n %s\nwant\n %s (%v)", now, fill.Replace(test.now), err)
			}
			again, _ := finder.Find([]Object{object})
			if len(again) != 1 || again[0].Written != images[0].Pinned() {
				t.Errorf("found again as %+v, want %s", again, images[0].Pinned())
			}
		})
	}
}

func TestFind_DeclaredFieldStopsTheSuspicion(t *testing.T) {
	object := parse(t, `{apiVersion: team-a.example.com/v1, kind: App, spec: {image: {repository: r/a, tag: "1"}, sidecarImage: "s:1"}}`)
	finder := ImageFinder{Undeclared: Warn, Fields: []ImageField{{Group: "team-a.example.com", Kind: "App", Path: "spec.image.repository", Tag: "tag"}}}
	_, findings := finder.Find([]Object{object})
	if len(findings) != 1 || findings[0].Field != "spec.sidecarImage" || findings[0].Level != Warn {
		t.Errorf("findings: %+v", findings)
	}
	finder.Fields[0].Group = "other.example.com"
	if _, findings := finder.Find([]Object{object}); len(findings) != 2 {
		t.Errorf("a declaration for another group declares: %+v", findings)
	}
}

func TestFind_RegistryBesideADeclaredRepositoryIsUndeclared(t *testing.T) {
	finder := ImageFinder{Fields: []ImageField{{Group: "team-a.example.com", Kind: "App", Path: "spec.image.repository", Tag: "tag"}}}
	for spec, want := range map[string]int{
		`{image: {repository: r/a, tag: "1", pullPolicy: Always}}`:              0,
		`{image: {repository: r/a, tag: "1", registry: evil.example.com}}`:      1,
		`{image: {repository: r/a, tag: "1", registry: "Evil.example.com:xx"}}`: 1,
	} {
		images, findings := finder.Find([]Object{parse(t, "{apiVersion: team-a.example.com/v1, kind: App, spec: "+spec+"}")})
		if len(images) != 1 || len(withRule(findings, "image/undeclared")) != want || len(findings) != want {
			t.Errorf("%s: %v %+v", spec, images, findings)
		}
	}
}

func TestFind_HalfWrittenSplitImageIsDenied(t *testing.T) {
	finder := ImageFinder{Fields: []ImageField{{Kind: "App", Group: "x.example.com", Path: "spec.repository", Tag: "tag"}}}
	for _, spec := range []string{`{repository: a}`, `{repository: a, tag: ""}`, `{repository: "", tag: "1"}`, `{repository: a, tag: 1}`, `{repository: a, tag: [x]}`, `{repository: a, tag: "1:2"}`, `{tag: "1"}`, `{repository: null, tag: "1"}`} {
		images, findings := finder.Find([]Object{parse(t, "{apiVersion: x.example.com/v1, kind: App, spec: "+spec+"}")})
		if len(images) > 0 || len(withRule(findings, "image/invalid")) != 1 {
			t.Errorf("%s: %+v %+v", spec, images, findings)
		}
	}
	for _, spec := range []string{`{}`, `{repository: "", tag: ""}`} {
		if images, findings := finder.Find([]Object{parse(t, "{apiVersion: x.example.com/v1, kind: App, spec: "+spec+"}")}); len(images)+len(findings) > 0 {
			t.Errorf("%s: %+v %+v", spec, images, findings)
		}
	}
}

func TestFind_BrokenDeclarationIsDenied(t *testing.T) {
	for _, field := range []ImageField{
		{Kind: "App"}, {Path: "spec.image"}, {Kind: "App", Path: "spec..image"}, {Kind: "App", Path: "spec.["}, {Kind: "App", Path: "spec.a[x]"},
		{Kind: "App", Path: "spec.a", Tag: "["}, {Kind: "App", Path: "spec.a", Tag: "t", Prefix: "p"}, {Kind: "App", Path: `a["b`}, {Kind: "App", Path: "a[0]b"}, {Kind: "App", Path: "a[-1]"},
		{Kind: "App", Path: "spec.images[*]", Tag: "tag"},
	} {
		_, findings := ImageFinder{Fields: []ImageField{field}}.Find(nil)
		if field.Validate() == nil || len(withRule(findings, "image/invalid")) != 1 {
			t.Errorf("%+v: %v", field, findings)
		}
	}
	if err := (ImageField{Kind: "App", Path: "spec.a[*].b"}).Validate(); err != nil {
		t.Error(err)
	}
}

func TestUse_SetFailsWhenTheFieldIsGone(t *testing.T) {
	object := deployment("app", "nginx")
	images, _ := ImageFinder{}.Find([]Object{object})
	delete(object.Fields, "spec")
	if err := images[0].Uses[0].set(images[0]); err == nil {
		t.Error("a pin was written into nothing")
	}
}

func TestFieldValue(t *testing.T) {
	fields := parse(t, `{spec: {containers: [{image: "a:1"}], "a.b/c": {d: 1}}, "": x, n: null}`).Fields
	for path, want := range map[string]any{
		"spec.containers[0].image": "a:1", `spec["a.b/c"].d`: int64(1), `[""]`: "x", "n": nil,
	} {
		if got, found := FieldValue(fields, path); !found || got != want {
			t.Errorf("%s: %v, %v", path, got, found)
		}
		steps, err := parsePath(path)
		if err != nil || formatPath(steps) != path {
			t.Errorf("%s reads as %s (%v)", path, formatPath(steps), err)
		}
	}
	for _, path := range []string{"", "spec.containers[1]", "spec.containers[*].image", "spec.none", "n.x", "spec.containers.image", "spec[0]", "a..b", `["x`} {
		if got, found := FieldValue(fields, path); found {
			t.Errorf("%s leads to %v", path, got)
		}
	}
}
