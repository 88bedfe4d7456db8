package plugin

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

func lockHead(lines string) string {
	return "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\n" + strings.ReplaceAll(lines, "DIGEST", digestOf("x"))
}

func TestParseLock_Refuses(t *testing.T) {
	const entry = "- image: index.docker.io/library/nginx:1.27\n  digest: DIGEST\n"
	for name, test := range map[string]struct{ text, want string }{
		"nothing":             {"", "empty"},
		"a list":              {"- a\n", "line 1"},
		"null":                {"null\n", "line 1"},
		"no version":          {"kind: ImagesLock\n", `"apiVersion" is missing`},
		"another version":     {"apiVersion: assay.dev/v2\nkind: ImagesLock\n", "line 1: apiVersion"},
		"another kind":        {"apiVersion: assay.dev/v1alpha1\nkind: Lock\n", "line 2: kind"},
		"an unknown field":    {lockHead("imagez: []\n"), `line 3: unknown field "imagez"`},
		"an unknown entry":    {lockHead("images:\n" + entry + "  tag: x\n"), `line 6: unknown field "tag"`},
		"a field twice":       {lockHead("images: []\nimages: []\n"), "line 4: field \"images\" is there twice"},
		"an image twice":      {lockHead("images:\n" + entry + entry), "line 6: image index.docker.io/library/nginx:1.27 has an entry on line 4"},
		"a chart twice":       {lockHead("charts:\n" + strings.Repeat("- {chart: a, version: '1', digest: DIGEST}\n", 2)), "line 5: chart a 1"},
		"a short name":        {lockHead("images:\n- {image: nginx:1.27, digest: DIGEST}\n"), "index.docker.io/library/nginx:1.27"},
		"no tag":              {lockHead("images:\n- {image: index.docker.io/library/nginx, digest: DIGEST}\n"), "line 4"},
		"a digest in image":   {lockHead("images:\n- {image: index.docker.io/library/nginx:1@DIGEST, digest: DIGEST}\n"), "line 4"},
		"a broken image":      {lockHead("images:\n- {image: 'A B', digest: DIGEST}\n"), "line 4"},
		"a short digest":      {lockHead("images:\n- {image: index.docker.io/library/nginx:1, digest: sha256:abc}\n"), "line 4: digest"},
		"no digest":           {lockHead("images:\n- {image: index.docker.io/library/nginx:1}\n"), `"digest" is missing`},
		"a number":            {lockHead("charts:\n- {chart: a, version: 1.0, digest: DIGEST}\n"), "quote it"},
		"a map for a string":  {lockHead("charts:\n- {chart: {}, version: '1', digest: DIGEST}\n"), "not a string"},
		"a string for a list": {lockHead("images: x\n"), "line 3"},
		"an alias":            {lockHead("images: &a []\ncharts: *a\n"), "line"},
		"two documents":       {lockHead("images: []\n---\na: b\n"), "more than one document"},
		"no YAML":             {lockHead("images: [\n"), "parsing the lock"},
		"a credential":        {lockHead("charts:\n- {chart: 'https://u:p@example.com/a', version: '1', digest: DIGEST}\n"), "credential"},
		"deep":                {strings.Repeat("[", 200_000), "parsing the lock"},
	} {
		lock, err := ParseLock([]byte(test.text))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: %v, %v; want %q", name, lock, err, test.want)
		}
	}
	if lock, err := ParseLock([]byte(lockHead("images:\n" + entry))); err != nil || len(lock.Images) != 1 {
		t.Errorf("the plain twin: %v, %v", lock, err)
	}
}

func TestLock_FormatIsSortedAndReadsBack(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	lock := Lock{}
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		lock.Images = append(lock.Images, LockedImage{"example.com/" + name + ":1.0", digestOf(name)})
		lock.Charts = append(lock.Charts, LockedChart{"https://example.com/" + name, "1.0", digestOf(name)})
	}
	first := must(lock.Format())
	for range 10 {
		random.Shuffle(len(lock.Images), func(i, j int) { lock.Images[i], lock.Images[j] = lock.Images[j], lock.Images[i] })
		random.Shuffle(len(lock.Charts), func(i, j int) { lock.Charts[i], lock.Charts[j] = lock.Charts[j], lock.Charts[i] })
		if again := must(lock.Format()); !slices.Equal(first, again) {
			t.Fatalf("the order of entries shows:\n%s\n%s", first, again)
		}
	}
	back, err := ParseLock(first)
	if err != nil || len(back.Images) != 5 || len(back.Charts) != 5 {
		t.Fatalf("%v, %v", back, err)
	}
	if digest, found := back.ChartDigest("https://example.com/c", "1.0"); !found || digest != digestOf("c") {
		t.Errorf("the chart's digest is %q", digest)
	}
	if _, found := back.ChartDigest("https://example.com/c", "1.1"); found {
		t.Error("another version has the digest")
	}
	for _, bad := range []Lock{
		{Images: []LockedImage{{"nginx:1", digestOf("x")}}}, {Images: []LockedImage{{"example.com/a:1", "x"}}}, {Charts: []LockedChart{{"a\xff", "1", digestOf("x")}}},
		{Images: []LockedImage{lock.Images[0], lock.Images[0]}},
	} {
		if text, err := bad.Format(); err == nil {
			t.Errorf("a broken lock was written: %s", text)
		}
	}
}

func TestLock_NilHasNothing(t *testing.T) {
	var lock *Lock
	if _, found := lock.Digest(Reference{Repository: "example.com/a", Tag: "1"}); found {
		t.Error("a nil lock has an image")
	}
	if _, found := lock.ChartDigest("a", "1"); found {
		t.Error("a nil lock has a chart")
	}
	lock = &Lock{Images: []LockedImage{{"example.com/a:1", digestOf("x")}}}
	if _, found := lock.Digest(Reference{Repository: "example.com/a"}); found {
		t.Error("a reference without a tag has an entry")
	}
	if digest, _ := lock.Digest(Reference{Repository: "example.com/a", Tag: "1"}); digest != digestOf("x") {
		t.Errorf("the digest is %q", digest)
	}
}

func FuzzParseLock(f *testing.F) {
	for _, seed := range []string{
		lockHead(""), lockHead("images: []\n"), lockHead("images:\n- {image: index.docker.io/library/nginx:1, digest: DIGEST}\n"),
		lockHead("charts:\n- {chart: 'oci://example.com/a', version: '1', digest: DIGEST}\n"), "a: &a [*a]\n", "[[[[", "%YAML 1.1\n---\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		lock, err := ParseLock(data)
		if err != nil {
			return
		}
		text, err := lock.Format()
		if err != nil {
			t.Fatalf("%q was read and cannot be written: %v", data, err)
		}
		back, err := ParseLock(text)
		if err != nil || len(back.Images) != len(lock.Images) || len(back.Charts) != len(lock.Charts) {
			t.Fatalf("%q: %v", text, err)
		}
	})
}
