package plugin

import (
	"strings"
	"testing"
)

func TestParseReference_NormalForms(t *testing.T) {
	digest := digestOf("x")
	for written, want := range map[string]string{
		"nginx":                       "index.docker.io/library/nginx:latest",
		"nginx:1.27":                  "index.docker.io/library/nginx:1.27",
		"library/nginx":               "index.docker.io/library/nginx:latest",
		"docker.io/nginx":             "index.docker.io/library/nginx:latest",
		"docker.io/library/nginx:1":   "index.docker.io/library/nginx:1",
		"index.docker.io/nginx":       "index.docker.io/library/nginx:latest",
		"team-a/app":                  "index.docker.io/team-a/app:latest",
		"localhost/app":               "localhost/app:latest",
		"localhost:5000/app":          "localhost:5000/app:latest",
		"example.com/a/b/c:1.0-rc_1":  "example.com/a/b/c:1.0-rc_1",
		"example.com:5000/a__b/c.d-e": "example.com:5000/a__b/c.d-e:latest",
		"[::1]:5000/a":                "[::1]:5000/a:latest",
		"nginx@" + digest:             "index.docker.io/library/nginx@" + digest,
		"nginx:1@" + digest:           "index.docker.io/library/nginx:1@" + digest,
		"gcr.io/a/b@" + digest:        "gcr.io/a/b@" + digest,
	} {
		reference, err := ParseReference(written)
		if err != nil || reference.String() != want {
			t.Errorf("%s: %s, %v; want %s", written, reference, err, want)
		}
	}
}

func TestParseReference_Refuses(t *testing.T) {
	for _, written := range []string{
		"", " ", "nginx ", " nginx", "nginx\n", "nginx\x00", "NGINX", "nginx:", ":1", "nginx:a b", "nginx@", "nginx@sha256:", "nginx@sha256:abc", "nginx@sha512:" + strings.Repeat("a", 128),
		"nginx@sha256:" + strings.Repeat("A", 64), "nginx@" + digestOf("x") + "@" + digestOf("x"), "nginx:.1", "nginx:-1", "nginx:" + strings.Repeat("a", 129), "a//b", "/a", "a/", "a/../b",
		"example.com/../a", "example.com/team-a/./b", "-a/b", "a..b/c", "example.com/-a", "Example.com/a", "user@example.com/a", "https://example.com/a", "example.com:x/a", "example.com/a:1:2",
		"$(params.image)", "{{ .Values.image }}", "a,b", "nginx#1", "nginx?x", "é/a", "exa_mple.com/a", "[::1/a", "example.com:123456/a", "a/" + strings.Repeat("b", 300),
	} {
		if reference, err := ParseReference(written); err == nil {
			t.Errorf("%q was read as %s", written, reference)
		}
	}
}

func TestImage_PinnedKeepsTheAuthorsWriting(t *testing.T) {
	for written, want := range map[string]string{
		"nginx": "nginx@", "nginx:1": "nginx:1@", "docker.io/library/nginx:1": "docker.io/library/nginx:1@", "nginx:1@" + digestOf("old"): "nginx:1@",
	} {
		image := Image{Written: written, Digest: digestOf("new")}
		if got := image.Pinned(); got != want+digestOf("new") {
			t.Errorf("%s is pinned as %s", written, got)
		}
	}
}

func FuzzParseReference(f *testing.F) {
	for _, seed := range []string{
		"nginx", "docker.io/library/nginx:1.27", "localhost:5000/a@" + digestOf("x"), "a/../b", "EXAMPLE.com/a", "[::1]:5000/a:b", "a:b:c", "@", "a@sha256:", "user:pw@host/a", "\x00",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, written string) {
		reference, err := ParseReference(written)
		if err != nil {
			return
		}
		again, err := ParseReference(reference.String())
		if err != nil || again != reference {
			t.Fatalf("%q reads as %v, which reads as %v (%v)", written, reference, again, err)
		}
		if strings.ContainsAny(reference.String(), " \t\r\n\"'\\?#%<>{}$") || strings.Contains(reference.Repository, "..") || strings.Contains(reference.Repository, "//") {
			t.Fatalf("%q reads as %q", written, reference)
		}
		pinned := Image{Written: written, Digest: digestOf("x")}.Pinned()
		if after, err := ParseReference(pinned); err != nil || after.Repository != reference.Repository || after.Digest != digestOf("x") {
			t.Fatalf("%q is pinned as %q (%v)", written, pinned, err)
		}
	})
}
