package browser

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/chromedp"
)

const colours = `getComputedStyle(document.body).backgroundColor + getComputedStyle(document.body).color`

func TestPage_LightAndDarkDifferAndTheSwitchWins(t *testing.T) {
	b := browse(t, "rich", prefers("light"))
	light := answer[string](b, colours)
	b.do(prefers("dark"))
	dark := answer[string](b, colours)
	if light == dark {
		t.Fatalf("both are %s", light)
	}
	for _, step := range []struct{ name, want string }{{"Light", light}, {"Dark", dark}, {"Auto", dark}} {
		b.click("#theme")
		if got := answer[string](b, `document.querySelector("#theme").textContent`); got != step.name {
			t.Fatalf("the switch says %q and not %q", got, step.name)
		}
		if got := answer[string](b, colours); got != step.want {
			t.Errorf("%s: %s and not %s", step.name, got, step.want)
		}
	}
	b.quiet()
}

// ratio is the contrast of texts and what is behind them (WCAG 2.2, 1.4.3).
const ratio = `(() => {
  const canvas = document.createElement("canvas").getContext("2d", {willReadFrequently: true});
  const rgb = (c) => { canvas.clearRect(0, 0, 1, 1); canvas.fillStyle = c; canvas.fillRect(0, 0, 1, 1); return [...canvas.getImageData(0, 0, 1, 1).data]; };
  const light = (c) => { const [r, g, b] = c.map(v => (v /= 255) <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = rgb(getComputedStyle(e).backgroundColor); if (c[3] === 255) return c; } return [255, 255, 255]; };
  document.querySelectorAll("details").forEach(e => e.open = true);
  const bad = new Set();
  for (const e of document.querySelectorAll("body *")) {
    if (![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim()) || !e.checkVisibility() || e.closest(".hide, script, style, option")) continue;
    const a = light(rgb(getComputedStyle(e).color)), b = light(behind(e));
    const value = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (value < 4.5) bad.add(e.tagName + "." + e.className + " " + value.toFixed(2));
  }
  return [...bad];
})()`

func TestPage_TextsHaveEnoughContrast(t *testing.T) {
	for _, scheme := range []string{"light", "dark"} {
		b := browse(t, "rich", prefers(scheme))
		if bad := answer[[]string](b, ratio); len(bad) > 0 {
			t.Errorf("%s: %q", scheme, bad)
		}
	}
}

func TestPage_FitsANarrowWindow(t *testing.T) {
	for _, name := range []string{"rich", "hostile", "empty"} {
		for _, width := range []int64{400, 320, 768, 1920} {
			b := browse(t, name, chromedp.EmulateViewport(width, 800))
			b.run(`document.querySelectorAll("details").forEach(e => e.open = true)`)
			if got := answer[int64](b, `document.documentElement.scrollWidth`); got > width {
				t.Errorf("%s is %d wide in a window of %d: %v", name, got, width, answer[[]string](b,
					`[...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest("pre, .scroll")).slice(0, 5).map(e => e.tagName + "." + e.className)`))
			}
		}
	}
}

func TestPage_OfTenThousandObjectsIsUsable(t *testing.T) {
	b := browse(t, "huge")
	if got := answer[int](b, `document.querySelectorAll(".object").length`); got != 10_000 {
		t.Fatalf("%d objects", got)
	}
	b.run(`const q = document.querySelector("#q"); q.value = "web-999"; q.dispatchEvent(new Event("input"))`)
	b.until(`document.querySelector("#shown").textContent === "10 of 10 applications, 10 objects"`)
	b.choose("#kind", "Service")
	b.until(`document.querySelector("#nothing").checkVisibility()`)
	b.click("#clear")
	b.until(`document.querySelectorAll(".app:not([hidden])").length === 10`)
	b.quiet()
}

func TestPage_PrintsEverything(t *testing.T) {
	b := browse(t, "rich")
	document, err := chromedp.Run(b.ctx, chromedp.PrintToPDF())
	if err != nil {
		t.Fatal(err)
	}
	if len(document) < 10_000 {
		t.Errorf("%d bytes", len(document))
	}
	b.quiet()
}

// TestScreenshots writes what the pages look like, to be looked at.
func TestScreenshots(t *testing.T) {
	folder := os.Getenv("ASSAY_SCREENSHOTS")
	if folder == "" {
		t.Skip("ASSAY_SCREENSHOTS names no folder for pictures")
	}
	for _, shot := range []struct {
		name, page, scheme string
		width, height      int64
		before             string
	}{
		{"preview-light", "rich", "light", 1120, 960, ""}, {"preview-dark", "rich", "dark", 1120, 960, `document.querySelector("section.images").scrollIntoView()`},
		{"narrow", "rich", "light", 400, 2400, ""}, {"objects", "rich", "light", 1200, 1000, `document.querySelector("section.objects").scrollIntoView()`}, {"hostile", "hostile", "light", 1200, 1600, ""},
		{"huge", "huge", "dark", 1200, 1000, ""}, {"empty", "empty", "light", 1200, 500, ""}, {"unseen", "rich", "light", 1200, 700, `document.querySelector("#unseen").scrollIntoView()`},
	} {
		b := browse(t, shot.page, prefers(shot.scheme), chromedp.EmulateViewport(shot.width, shot.height))
		if shot.before != "" {
			b.run(`document.documentElement.style.scrollBehavior = "auto"; ` + shot.before)
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
