package page_test

import (
	"crypto/sha256"
	"encoding/base64"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/page"
)

var (
	code   = regexp.MustCompile(`(?s)<(style|script)>(.*?)</(?:style|script)>`)
	policy = regexp.MustCompile(`http-equiv="Content-Security-Policy" content="([^"]*)"`)
)

// withoutCode leaves the style, the script and their hashes out of a page: they
// are files of their own.
func withoutCode(text string) string {
	text = code.ReplaceAllString(text, "<$1></$1>")
	return regexp.MustCompile(`sha256-[A-Za-z0-9+/]{43}=`).ReplaceAllString(text, "sha256-HASH")
}

func TestHTML_TheBrowserRunsOnlyWhatThePolicyHashes(t *testing.T) {
	text := write(t, "html", hostile(), options())
	found := policy.FindStringSubmatch(text)
	if found == nil || !strings.Contains(found[1], "default-src 'none'") || strings.Contains(found[1], "unsafe") {
		t.Fatalf("policy %q", found)
	}
	parts := code.FindAllStringSubmatch(text, -1)
	if len(parts) != 2 {
		t.Fatalf("%d styles and scripts", len(parts))
	}
	for _, part := range parts {
		sum := sha256.Sum256([]byte(part[2]))
		if want := part[1] + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(found[1], want) {
			t.Errorf("the policy %q lacks %s", found[1], want)
		}
	}
}

// nodes calls visit for every element.
func nodes(node *html.Node, visit func(*html.Node)) {
	if node.Type == html.ElementNode {
		visit(node)
	}
	for child := node.FirstChild; child != nil; child = child.NextSibling {
		nodes(child, visit)
	}
}

func TestHTML_WhatOthersWroteIsText(t *testing.T) {
	for name, r := range map[string]change.Report{"rich": rich(), "hostile": hostile(), "empty": empty()} {
		document, err := html.Parse(strings.NewReader(write(t, "html", r, options())))
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		nodes(document, func(node *html.Node) {
			seen[node.Data]++
			for _, attribute := range node.Attr {
				switch key := attribute.Key; {
				case strings.HasPrefix(key, "on"), key == "style", key == "srcdoc", key == "src":
					t.Errorf("%s: <%s %s=%q>", name, node.Data, key, attribute.Val)
				case key == "href" && !strings.HasPrefix(attribute.Val, "https://") && !strings.HasPrefix(attribute.Val, "#") && attribute.Val != "data:,":
					t.Errorf("%s: a link to %q", name, attribute.Val)
				}
			}
		})
		for _, element := range []string{"img", "iframe", "object", "embed", "base", "textarea", "svg"} {
			if seen[element] > 0 {
				t.Errorf("%s: <%s>", name, element)
			}
		}
		if seen["script"] != 1 || seen["style"] != 1 {
			t.Errorf("%s: %d scripts and %d styles", name, seen["script"], seen["style"])
		}
	}
}

// Without a script, what stands in the way is unfolded.
func TestHTML_WhatIsDeniedIsOpen(t *testing.T) {
	text := write(t, "html", rich(), options())
	for id, open := range map[string]bool{`id="app-1"`: true, `id="app-2"`: true, `id="app-3"`: false, `id="app-4"`: false} {
		tag := regexp.MustCompile(`<details class="app" ` + id + `[^>]*>`).FindString(text)
		if tag == "" || strings.Contains(tag, " open") != open {
			t.Errorf("%q, and open should be %v", tag, open)
		}
	}
}

func TestHTML_SaysWhatEachSideIs(t *testing.T) {
	text := write(t, "html", rich(), options())
	for _, part := range []string{
		"2 new denials", "images less trusted", `data-copy="` + digestOf("2") + `"`, "linux/amd64, linux/arm64", "61.2 MB", "58.7 MB", "CVE-2026-1234",
		"https://github.com/example/shop/actions/runs/4711/attempts/1", "nobody vouches for it any more", "Not the author", "2 fields of noise folded",
		"remove privileged: true", "2026-06-30", "changes at its next run", "differs, and is not shown", "ApplicationSet argocd/previews: generator pullRequest",
	} {
		if !strings.Contains(text, part) {
			t.Errorf("no %q", part)
		}
	}
}

func TestHTML_ALargeReportIsBoundedAndSaysSo(t *testing.T) {
	r := huge()
	if text := write(t, "html", r, options()); strings.Contains(text, "the JSON report has them") {
		t.Error("10,000 objects with 50 MB of differences have no room")
	}
	for i := range r.Applications[0].Objects[0].Fields {
		r.Applications[0].Objects[0].Fields[i].Now = strings.Repeat("y", 20<<20)
	}
	text := write(t, "html", r, options())
	if len(text) > 200<<20 || !strings.Contains(text, "objects more than a page has room for: the JSON report has them") {
		t.Errorf("%d bytes, and nothing is said", len(text))
	}
}

// TestHTML_PagesForTheBrowser writes the pages that e2e/browser opens.
func TestHTML_PagesForTheBrowser(t *testing.T) {
	folder, reports := *pages, map[string]change.Report{"empty": empty(), "rich": rich(), "hostile": hostile()}
	if folder == "" {
		folder = t.TempDir()
	} else {
		reports["huge"] = huge()
	}
	for name, r := range reports {
		for _, format := range []string{"html", "markdown"} {
			if err := os.WriteFile(filepath.Join(folder, name+"."+format), []byte(write(t, format, r, page.Options{Rule: somePages})), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}
