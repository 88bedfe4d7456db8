package browser

import "testing"

// choose sets a select and tells the page.
func (b *tab) choose(selector, value string) {
	b.Helper()
	b.run(`const e = document.querySelector("` + selector + `"); e.value = "` + value + `"; e.dispatchEvent(new Event("change", {bubbles: true}))`)
}

func TestPage_FiltersByLevel(t *testing.T) {
	b := browse(t, "rich")
	if got := b.shown(); got != "checkout search prod cache" {
		t.Fatalf("shown: %s", got)
	}
	for _, step := range []struct{ level, want string }{
		{"info", "checkout search"}, {"undetermined", "checkout"}, {"deny", ""}, {"undetermined", "search"}, {"deny", "checkout search"},
	} {
		b.click(`input[value=` + step.level + `]`)
		if got := b.shown(); got != step.want {
			t.Errorf("after %s: %q and not %q", step.level, got, step.want)
		}
	}
	b.click("#clear")
	if got := b.shown(); got != "checkout search prod cache" {
		t.Errorf("after clearing: %s", got)
	}
	b.quiet()
}

func TestPage_FindingsOfALevelThatIsOffAreHidden(t *testing.T) {
	b := browse(t, "rich")
	const warning = `[...document.querySelectorAll("#app-1 .finding[data-level=warn]")].some(e => e.checkVisibility())`
	if !answer[bool](b, warning) {
		t.Fatal("no warning is shown")
	}
	b.click(`input[value=warn]`)
	if answer[bool](b, warning) || !answer[bool](b, `document.querySelector("#app-1 .finding[data-level=deny]").checkVisibility()`) {
		t.Error("the warnings are shown, or the denials are not")
	}
}

func TestPage_FiltersByApplicationAndByKind(t *testing.T) {
	b := browse(t, "rich")
	b.choose("#app", "2")
	if got := b.shown(); got != "search" {
		t.Errorf("application: %q", got)
	}
	b.choose("#app", "")
	b.choose("#kind", "CronJob")
	if got := b.shown(); got != "search" {
		t.Errorf("kind: %q", got)
	}
	b.choose("#kind", "ConfigMap")
	if got := b.shown(); got != "checkout" {
		t.Errorf("kind: %q", got)
	}
	if got := answer[int](b, `[...document.querySelectorAll(".object")].filter(e => e.checkVisibility()).length`); got != 1 {
		t.Errorf("%d objects of the kind", got)
	}
	if got := answer[string](b, `document.querySelector("#shown").textContent`); got != "1 of 4 applications, 1 objects" {
		t.Error(got)
	}
	b.quiet()
}

func TestPage_SearchesNamesImagesRulesAndFiles(t *testing.T) {
	for text, want := range map[string]string{
		"reindex": "search", "shop/sidecar": "checkout", "image/undetermined": "search", "clusters/prod": "search cache", "CHECKOUT": "checkout", "nowhere": "", "web nginx": "", "web stripe": "checkout",
	} {
		b := browseURL(t, pageFile(t, "rich")+"#q="+text)
		if got := b.shown(); got != want {
			t.Errorf("%s: %q and not %q", text, got, want)
		}
		if empty := answer[bool](b, `document.querySelector("#nothing").checkVisibility()`); empty != (want == "") {
			t.Errorf("%s: it is said that nothing fits: %v", text, empty)
		}
	}
}

func TestPage_ALinkOpensItsApplication(t *testing.T) {
	for _, hash := range []string{"#app=Kustomization%20flux-system/search", "#app=search", "#app-2"} {
		b := browseURL(t, pageFile(t, "rich")+hash)
		if !answer[bool](b, `document.querySelector("#app-2").open && document.querySelector("#app-2").contains(document.activeElement)`) {
			t.Errorf("%s opens nothing", hash)
		}
		b.quiet()
	}
}
