package revision

import "testing"

func TestNormalizeURL(t *testing.T) {
	const want = "github.com/team-a/shop"
	for _, text := range []string{
		// As Argo CD's own tests have them.
		"https://github.com/team-a/shop", "https://github.com/team-a/shop.git", "HTTPS://GitHub.com/Team-A/Shop.GIT", " https://github.com/team-a/shop\n",
		"git@github.com:team-a/shop", "git@github.com:team-a/shop.git", "git@GITHUB.com:team-a/shop", "ssh://git@github.com/team-a/shop.git",
		"https://user:pw@github.com/team-a/shop.git", "https://token@github.com/team-a/shop",
		// And beyond them.
		"https://github.com/team-a/shop/", "https://github.com/team-a/shop.git/", "https://github.com:443/team-a/shop", "http://github.com:80/team-a/shop",
		"ssh://git@github.com:22/team-a/shop", "git+ssh://git@github.com/team-a/shop", "git://github.com:9418/team-a/shop", "github.com:team-a/shop", "git@github.com:/team-a/shop.git",
		"https://github.com./team-a/shop",
	} {
		if got := NormalizeURL(text); got != want {
			t.Errorf("%q: %q", text, got)
		}
	}
	for text, want := range map[string]string{
		"https://git.example.com:8443/a/b":     "git.example.com:8443/a/b",
		"ssh://git@git.example.com:2222/a/b":   "git.example.com:2222/a/b",
		"https://git.example.com/a/b/c/d.git":  "git.example.com/a/b/c/d",
		"https://git.example.com/a%20b/c":      "git.example.com/a b/c",
		"git@[::1]:a/b":                        "[::1]/a/b",
		"https://git.example.com/a/.github":    "git.example.com/a/.github",
		"https://git.example.com/a/shop.gitx":  "git.example.com/a/shop.gitx",
		"/srv/git/Shop.git/":                   "/srv/git/Shop",
		"file:///srv/git/Shop.git":             "/srv/git/Shop",
		"https://u:p@git.example.com/a@b/c:d":  "git.example.com/a@b/c:d",
		"https://evil.example/github.com/a/b":  "evil.example/github.com/a/b",
		"https://github.com@evil.example/a/b":  "evil.example/a/b",
		"https://github.com:x@evil.example/a":  "evil.example/a",
		"git@github.com.evil.example:team-a/b": "github.com.evil.example/team-a/b",
	} {
		if got := NormalizeURL(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for _, nothing := range []string{
		"", " ", ".", "..", "../shop", "shop", "a/b", "https://", "https://github.com", "https://github.com/", "git@github.com:", "https://github.com/a?token=x", "https://github.com/a#b",
		"C:\\shop", "https://%zz/a", "oci://ghcr.io/a/b", "https://github.com/a\nb", "file://server/share", "::", "-oProxyCommand=x",
	} {
		if got := NormalizeURL(nothing); got != "" {
			t.Errorf("%q names %q", nothing, got)
		}
	}
}
