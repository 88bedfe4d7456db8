package browser

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// texts are all texts of a record but those of a fixed form.
var texts = regexp.MustCompile(`(?m)("(?:written|message|firstLine|banner|revision|repository|path|field|image|reason|owner|approver|subject|rule|signer|issuer|policy|authority|builder|runURI|sourceRepository|sourceRevision|sourceRef|predicateType|report|gateDigest|sealed|digest|id|name|namespace)": )"(?:[^"\\]|\\.)*"`)

// hostile puts a text wherever somebody else wrote one.
func hostile(text string) func(string) string {
	quoted, _ := json.Marshal(text)
	return func(record string) string {
		return texts.ReplaceAllStringFunc(record, func(found string) string {
			return texts.FindStringSubmatch(found)[1] + string(quoted)
		})
	}
}

func TestExtension_NothingThatOthersWroteRuns(t *testing.T) {
	a := serveExtension(t, "19")
	for _, text := range []string{
		`"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`,
		`javascript:window.pwned=1`, `JaVaScRiPt://github.com/%0awindow.pwned=1`, `https://github.com@evil.example.com/`, "https://github.com\\@evil.example.com/", `data:text/html,<script>window.pwned=1</script>`,
		`{{constructor.constructor("window.pwned=1")()}}`, `${window.pwned=1}`, strings.Repeat("w", 100_000), strings.Repeat("\u202e", 50) + "dewolla",
	} {
		a.says(t, "allowed", hostile(text))
		for _, view := range []string{"tab", "panel"} {
			b := a.open(t, "view="+view)
			b.run(`document.querySelectorAll("details").forEach(e => e.open = true)`)
			shown := answer[string](b, words)
			if view == "tab" && !strings.Contains(shown, text[:min(len(text), 20)]) && !strings.Contains(shown, `\u{202e}`) {
				t.Fatalf("the text %.40q is not on the page: nothing is proven: %.300s", text, shown)
			}
			b.run(`document.querySelectorAll(".assay *").forEach(e => e.dispatchEvent(new MouseEvent("mouseover", {bubbles: true})))`)
			b.run(`document.querySelectorAll(".assay a").forEach(e => { e.removeAttribute("target"); e.addEventListener("click", (v) => v.preventDefault()); e.click(); })`)
			if got := answer[string](b, `typeof window.pwned`); got != "undefined" {
				t.Errorf("%.40q ran: %s", text, got)
			}
			for selector, want := range map[string]int{".assay script, .assay img, .assay iframe, .assay svg, .assay object": 0, ".assay [onerror], .assay [src], .assay [style]": 0, ".assay a": 0} {
				if got := answer[int](b, `document.querySelectorAll(`+strconv.Quote(selector)+`).length`); got != want {
					t.Errorf("%.40q: %d elements %s and not %d", text, got, selector, want)
				}
			}
			if strings.ContainsRune(answer[string](b, `document.querySelector(".assay").outerHTML`), '\u202e') {
				t.Errorf("a character that turns the text around is on the page")
			}
			a.calm(b)
		}
	}
}

func TestExtension_LinksLeadWhereTheySay(t *testing.T) {
	a := serveExtension(t, "19")
	a.says(t, "allowed", nil)
	b := a.open(t, "view=tab")
	if got := answer[int](b, `document.querySelectorAll(".assay a").length`); got < 8 {
		t.Fatalf("%d links", got)
	}
	wrong := answer[[]string](b, `[...document.querySelectorAll(".assay a")].filter(a => !/^https?:$/.test(a.protocol) || a.target !== "_blank" || !/noopener/.test(a.rel) || !a.parentElement.innerText.includes(a.host)).map(a => a.outerHTML)`)
	if len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
	a.calm(b)
}

func TestExtension_TextsHaveEnoughContrast(t *testing.T) {
	a := serveExtension(t, "19")
	for _, name := range []string{"allowed", "denied", "unanswered"} {
		a.says(t, name, nil)
		for _, theme := range []string{"light", "dark"} {
			for _, view := range []string{"tab", "panel"} {
				b := a.open(t, "theme="+theme+"&view="+view)
				bad := answer[[]string](b, strings.Replace(ratio, `"body *"`, `".assay, .assay *"`, 1))
				if len(bad) > 0 {
					t.Errorf("%s %s %s: %q", name, theme, view, bad)
				}
			}
		}
	}
}

func TestExtension_FitsANarrowPanel(t *testing.T) {
	a := serveExtension(t, "19")
	for _, change := range []func(string) string{nil, hostile(strings.Repeat("w", 3000))} {
		a.says(t, "allowed", change)
		for _, width := range []int64{320, 400, 768} {
			b := a.open(t, "view=tab", chromedp.EmulateViewport(width, 800))
			b.run(`document.querySelectorAll("details").forEach(e => e.open = true)`)
			if got := answer[int64](b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("the page is %d wide in a window of %d", got, width)
			}
		}
	}
}

func TestExtension_IsUsedByKeyboard(t *testing.T) {
	a := serveExtension(t, "19")
	a.says(t, "denied", nil)
	b := a.open(t, "view=panel")
	b.run(`document.querySelector(".assay-panel button").focus()`)
	if got := answer[string](b, `getComputedStyle(document.activeElement).cursor`); got != "pointer" {
		t.Errorf("cursor %s", got)
	}
	b.keys("\r")
	b.until(`!!document.querySelector("#flyout [data-level=deny]")`)
}

// A record holds as much as the store lets it: 500 images, 200 findings.
func TestExtension_OfTheLargestRecordIsUsable(t *testing.T) {
	a := serveExtension(t, "19")
	a.says(t, "allowed", func(text string) string {
		var all map[string]any
		if err := json.Unmarshal([]byte(text), &all); err != nil {
			t.Fatal(err)
		}
		records, _ := all["records"].([]any)
		record, _ := records[0].(map[string]any)
		for name, most := range map[string]int{"images": 500, "findings": 200, "waivers": 200, "injected": 500} {
			list, _ := record[name].([]any)
			for i := len(list); i < most; i++ {
				list = append(list, list[i%3%len(list)])
			}
			record[name] = list
		}
		out, err := json.Marshal(all)
		if err != nil {
			t.Fatal(err)
		}
		return string(out)
	})
	b := a.open(t, "view=tab")
	if got := answer[int](b, `document.querySelectorAll("[data-image]").length`); got != 30 {
		t.Errorf("%d images at first", got)
	}
	b.run(`[...document.querySelectorAll("button")].find(e => e.textContent === "Show 470 more").click()`)
	b.until(`document.querySelectorAll("[data-image]").length === 500`)
	a.calm(b)
}

// recently makes a record of five minutes ago, with waivers that end in six days.
func recently(text string) string {
	now := time.Now().UTC()
	text = strings.NewReplacer("2026-03-14T09:26:53.589Z", now.Add(-5*time.Minute).Format(time.RFC3339), "2026-03-14T09:26:53Z", now.Add(-5*time.Minute).Format(time.RFC3339)).Replace(text)
	return strings.ReplaceAll(text, "2026-03-20T", now.AddDate(0, 0, 6).Format(time.DateOnly)+"T")
}

// TestExtensionScreenshots writes what the extension looks like, to be looked at.
func TestExtensionScreenshots(t *testing.T) {
	folder := os.Getenv("ASSAY_SCREENSHOTS")
	if folder == "" {
		t.Skip("ASSAY_SCREENSHOTS names no folder for pictures")
	}
	a := serveExtension(t, "19")
	for _, shot := range []struct {
		name, record, query string
		width, height       int64
	}{
		{"argocd-ui", "allowed", "view=both&theme=light", 1000, 1000},
		{"argocd-ui-light", "allowed", "view=tab&theme=light", 1000, 1750}, {"argocd-ui-dark", "allowed", "view=tab&theme=dark", 1000, 1750},
		{"argocd-ui-denied", "denied", "view=tab&theme=light", 1000, 1250}, {"argocd-ui-unanswered", "unanswered", "view=tab&theme=dark", 1000, 900},
		{"argocd-ui-narrow", "allowed", "view=tab&theme=light", 380, 2600}, {"argocd-ui-panel-light", "allowed", "view=panel&theme=light", 900, 160}, {"argocd-ui-panel-dark", "denied", "view=panel&theme=dark", 900, 160},
		{"argocd-ui-unknown", "", "view=tab&theme=light", 1000, 400},
	} {
		if shot.record == "" {
			a.answers(502, "", "")
		} else {
			a.says(t, shot.record, recently)
		}
		b := a.open(t, shot.query, chromedp.EmulateViewport(shot.width, shot.height))
		if strings.Contains(shot.query, "view=both") {
			b.click(".assay-panel button")
			b.until(`!!document.querySelector("#flyout [data-outcome]")`)
			b.run(`document.activeElement.blur()`)
		}
		b.settled()
		picture, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(folder, shot.name+".png"), picture, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
