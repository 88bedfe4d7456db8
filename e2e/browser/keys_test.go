package browser

import (
	"testing"

	"github.com/chromedp/chromedp/kb"
)

const focused = `(document.activeElement.closest(".app") || {id: document.activeElement.id}).id`

func TestPage_IsReadByKeyboard(t *testing.T) {
	b := browse(t, "rich")
	for _, step := range []struct{ key, want string }{
		{"j", "app-1"}, {"j", "app-2"}, {"j", "app-3"}, {"k", "app-2"}, {"j", "app-3"}, {"j", "app-4"}, {"j", "app-4"}, {"/", "q"}, {"j", "q"}, {kb.Escape, ""}, {"k", "app-4"},
	} {
		b.keys(step.key)
		if got := answer[string](b, focused); got != step.want {
			t.Fatalf("after %q: %q and not %q", step.key, got, step.want)
		}
	}
	const open = `document.querySelector("#app-4").open`
	for _, key := range []string{kb.Enter, " "} {
		before := answer[bool](b, open)
		b.keys(key)
		if answer[bool](b, open) == before {
			t.Errorf("%q does not fold", key)
		}
	}
	b.quiet()
}

func TestPage_TheFirstTabSkipsToTheReport(t *testing.T) {
	b := browse(t, "rich")
	b.keys(kb.Tab)
	if !answer[bool](b, `document.activeElement.classList.contains("skip") && document.activeElement.getBoundingClientRect().left >= 0`) {
		t.Fatal("the first tab shows no link to the report")
	}
	b.keys(kb.Enter)
	if got := answer[string](b, `document.activeElement.id`); got != "report" {
		t.Errorf("the link leads to %q", got)
	}
	b.keys(kb.Tab)
	if got := answer[string](b, `getComputedStyle(document.activeElement).outlineStyle`); got != "solid" {
		t.Errorf("the focus is %q", got)
	}
}

func TestPage_TheSearchKeepsItsWordsFromTheKeys(t *testing.T) {
	b := browse(t, "rich")
	b.keys("/")
	b.run(`document.querySelector("#q").value = ""`) // the driver types the key, too; a keyboard does not
	b.keys("reindex")
	b.until(`document.querySelectorAll(".app:not([hidden])").length === 1`)
	if got := answer[string](b, `document.querySelector("#q").value`); got != "reindex" {
		t.Errorf("%q", got)
	}
	b.quiet()
}
