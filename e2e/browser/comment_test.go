package browser

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// commentPage renders a comment as services do (GitHub Flavored Markdown), but
// keeps all HTML in it, which they clean.
func commentPage(t *testing.T, name string) string {
	t.Helper()
	source, err := os.ReadFile(filepath.Join(os.Getenv("ASSAY_PAGES"), name+".markdown"))
	if err != nil {
		t.Fatal(err)
	}
	var body bytes.Buffer
	body.WriteString("<!doctype html><meta charset=utf-8><title>comment</title><link rel=icon href=data:,>")
	if err := goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(html.WithUnsafe())).Convert(source, &body); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "comment.html")
	if err := os.WriteFile(file, body.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: file}).String()
}

func TestComment_IsWholeAndNothingThatOthersWroteIsMoreThanText(t *testing.T) {
	for _, name := range []string{"hostile", "rich", "huge", "empty"} {
		b := browseURL(t, commentPage(t, name))
		if got := answer[string](b, `typeof window.pwned`); got != "undefined" {
			t.Errorf("%s: window.pwned is %s", name, got)
		}
		const ours = "A BLOCKQUOTE BODY BR CODE DETAILS H3 H4 HEAD HTML LI LINK META P PRE STRONG SUB SUMMARY TABLE TBODY TD TH THEAD TITLE TR UL"
		for _, tag := range answer[[]string](b, `[...new Set([...document.querySelectorAll("*")].map(e => e.tagName))].sort()`) {
			if !strings.Contains(" "+ours+" ", " "+tag+" ") {
				t.Errorf("%s: <%s>", name, tag)
			}
		}
		for _, link := range answer[[]string](b, `[...document.querySelectorAll("a")].map(e => e.href)`) {
			if !strings.HasPrefix(link, "https://docs.example.com/") {
				t.Errorf("%s: a link to %s", name, link)
			}
		}
		if got := answer[int](b, `[...document.querySelectorAll("table")].filter(t => new Set([...t.rows].map(r => r.cells.length)).size !== 1).length`); got > 0 {
			t.Errorf("%s: %d tables have rows of other lengths", name, got)
		}
		if got := answer[bool](b, `document.querySelector("body > sub, body > p > sub, body > :last-child sub") !== null`); !got {
			t.Errorf("%s: the end is inside of something that is open", name)
		}
		b.quiet()
	}
}
