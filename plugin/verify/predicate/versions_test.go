package predicate

import (
	"strings"
	"testing"
)

func TestVersion_IsOrderedAsThePackageManagersDo(t *testing.T) {
	for _, ascending := range []string{
		"1.0.0-alpha 1.0.0-beta 1.0.0-rc1 1.0.0 1.0.1 1.2 1.10 2",
		"3.0.11-1~deb12u2 3.0.11-1 3.0.15-1~deb12u1 3.0.15-1 1:1.0-1 2:0.9",
		"1.0.2k 1.0.2l 1.1.0",
		"2.0~rc1 2.0 2.0-r1 2.0.1",
		"v0.9.0 v0.10.0 v1.0.0",
	} {
		versions := strings.Fields(ascending)
		for i, one := range versions {
			for j, two := range versions {
				a, okA := parseVersion(one)
				b, okB := parseVersion(two)
				if !okA || !okB {
					t.Fatalf("%s or %s cannot be compared", one, two)
				}
				if got := a.compare(b); (got < 0) != (i < j) || (got > 0) != (i > j) {
					t.Errorf("%s and %s: %d", one, two, got)
				}
			}
		}
	}
	for _, same := range [][2]string{{"1.0", "1.0.0"}, {"v1.2.3", "1.2.3"}, {"0:1.0", "1.0"}, {"01.2", "1.2"}} {
		a, _ := parseVersion(same[0])
		b, _ := parseVersion(same[1])
		if a.compare(b) != 0 {
			t.Errorf("%s and %s differ", same[0], same[1])
		}
	}
	for _, none := range []string{"", "latest", "0abc:", "abcdef1", "~1"} {
		if _, ok := parseVersion(none); ok && none != "0abc:" {
			t.Errorf("%q can be compared", none)
		}
	}
}

func TestDeniedLicense_ReadsExpressions(t *testing.T) {
	denied := newGlobs([]string{"GPL-*", "AGPL-3.0-only"})
	for expression, want := range map[string]string{
		"MIT":                                            "",
		"GPL-2.0-only":                                   "GPL-2.0-only",
		"gpl-3.0-or-later":                               "gpl-3.0-or-later",
		"MIT OR GPL-2.0-only":                            "",
		"GPL-2.0-only OR MIT":                            "",
		"GPL-2.0-only OR AGPL-3.0-only":                  "GPL-2.0-only",
		"MIT AND GPL-2.0-only":                           "GPL-2.0-only",
		"MIT AND (GPL-2.0-only OR BSD-3-Clause)":         "",
		"(MIT OR Apache-2.0) AND AGPL-3.0-only":          "AGPL-3.0-only",
		"GPL-2.0-only WITH Classpath-exception-2.0":      "GPL-2.0-only WITH Classpath-exception-2.0",
		"MIT OR GPL-2.0-only WITH Linux-syscall-note":    "",
		"LGPL-2.1-only":                                  "",
		"AGPL-3.0-only+":                                 "AGPL-3.0-only+",
		"GPL-2.0-only or MIT":                            "",
		"GNU GPL-2.0-only":                               "GPL-2.0-only", // no expression: a word is denied
		"MIT OR":                                         "",
		"GPL-2.0-only OR":                                "GPL-2.0-only",
		"(MIT OR GPL-2.0-only":                           "GPL-2.0-only",
		strings.Repeat("(", 100) + "GPL-2.0-only":        "GPL-2.0-only",
		strings.Repeat("MIT OR ", 2000) + "GPL-1.0-only": "GPL-1.0-only", // too long to be one
		"": "",
	} {
		if got := deniedLicense(expression, denied); got != want {
			t.Errorf("%.60q: %q, want %q", expression, got, want)
		}
	}
	if got := deniedLicense("GPL-2.0-only WITH Classpath-exception-2.0", newGlobs([]string{"* WITH Classpath-exception-2.0"})); got == "" {
		t.Error("a pattern that names the exception does not match")
	}
}

func TestParsePURL(t *testing.T) {
	for text, want := range map[string]string{
		"pkg:deb/debian/openssl@3.0.15-1~deb12u1?arch=amd64": "pkg:deb/debian/openssl 3.0.15-1~deb12u1",
		"pkg:npm/%40angular/core@16.0.0":                     "pkg:npm/@angular/core 16.0.0",
		"pkg:npm/@angular/core":                              "pkg:npm/@angular/core ",
		"pkg:golang/golang.org/x/net@v0.15.0#html":           "pkg:golang/golang.org/x/net v0.15.0",
		"pkg:oci/shop@sha256%3Aabc?repository_url=a.b/c":     "pkg:oci/shop sha256:abc",
		"openssl": " ", "pkg:": " ", "pkg:deb/": " ", "pkg:deb/@1": " ",
	} {
		parsed := parsePURL(text)
		got := parsed.base() + " " + parsed.version
		if parsed.kind == "" {
			got = " "
		}
		if got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}
