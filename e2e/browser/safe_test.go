package browser

import (
	"strconv"
	"strings"
	"testing"
)

// The hostile page has scripts, images, links and event handlers in every name,
// value and file name that another may have written.
func TestPage_NothingThatOthersWroteRuns(t *testing.T) {
	b := browse(t, "hostile")
	b.click("#unfold")
	b.run(`document.querySelectorAll("details").forEach(e => e.open = true)`)
	if !strings.Contains(answer[string](b, `document.body.innerText`), "<script>window.pwned=1</script>") {
		t.Fatal("the hostile text is not on the page: nothing is proven")
	}
	b.run(`document.querySelectorAll("summary, [data-copy]").forEach(e => { e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})); e.dispatchEvent(new MouseEvent("click", {bubbles: true})); })`)
	if got := answer[string](b, `typeof window.pwned`); got != "undefined" {
		t.Errorf("window.pwned is %s", got)
	}
	for selector, want := range map[string]int{"script": 1, "style": 1, "img, iframe, object, embed, svg, base, textarea": 0, "body [style], [onerror], [onclick], [onmouseover], [src]": 0, `a[href^="javascript"]`: 0, `a[href*="evil"]`: 0} {
		if got := answer[int](b, `document.querySelectorAll(`+strconv.Quote(selector)+`).length`); got != want {
			t.Errorf("%d elements %s and not %d", got, selector, want)
		}
	}
	b.quiet()
}

// The policy is the second wall: what got into the page would not run either.
func TestPage_ThePolicyStopsWhatIsInjected(t *testing.T) {
	b := browse(t, "rich")
	for _, markup := range []string{`<img src=x onerror="window.pwned=1">`, `<b onclick="window.pwned=2" id=trap></b>`, `<iframe srcdoc="<script>parent.pwned=3</script>"></iframe>`, `<img src="http://127.0.0.1:9/x.png">`} {
		b.run(`document.querySelector("main").insertAdjacentHTML("beforeend", ` + strconv.Quote(markup) + `)`)
	}
	b.run(`const s = document.createElement("script"); s.textContent = "window.pwned=4"; document.body.append(s); document.querySelector("#trap").click()`)
	b.settled()
	if got := answer[string](b, `typeof window.pwned`); got != "undefined" {
		t.Errorf("window.pwned is %s", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.Contains(strings.Join(b.said, "\n"), "Content Security Policy") {
		t.Errorf("the browser stopped nothing: %q", b.said)
	}
}

func TestPage_ShowsItselfAndAsksForNothing(t *testing.T) {
	for _, name := range []string{"rich", "empty"} {
		b := browse(t, name)
		b.settled()
		b.quiet()
	}
}

func TestPage_WorksWithoutAScript(t *testing.T) {
	b := browse(t, "rich", scripts(false))
	b.do(scripts(true)) // for the questions; the page is loaded
	if answer[bool](b, `document.querySelector("#tools").checkVisibility() || document.documentElement.classList.contains("scripted")`) {
		t.Error("there are tools that do nothing")
	}
	if !answer[bool](b, `document.querySelector("#app-1 .finding").checkVisibility()`) {
		t.Error("what is denied is folded")
	}
	b.quiet()
}
