package browser

import (
	"context"
	"iter"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// patience is how long a browser may take on a busy machine.
const patience = 3 * time.Minute

// pageFile is a page that the test of plugin/preview/page wrote.
func pageFile(t *testing.T, name string) string {
	t.Helper()
	folder := os.Getenv("ASSAY_PAGES")
	if folder == "" {
		t.Fatal("ASSAY_PAGES names no folder with pages; run make e2e-preview in the root")
	}
	file, err := filepath.Abs(filepath.Join(folder, name+".html"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); err != nil {
		t.Fatal(err)
	}
	return (&url.URL{Scheme: "file", Path: file}).String()
}

// action is a step in the browser that answers nothing.
type action = chromedp.Action[chromedp.Void]

// tab is one page in the browser, and what it did that it must not.
type tab struct {
	*testing.T
	ctx     context.Context // of this tab, which is one test's
	address string

	mu      sync.Mutex
	asked   []string // requests for anything but the page
	said    []string // errors, warnings and exceptions
	dialogs []string
}

// browse starts a browser of its own, prepares it and opens a page.
func browse(t *testing.T, name string, before ...action) *tab {
	t.Helper()
	return browseURL(t, pageFile(t, name), before...)
}

func browseURL(t *testing.T, address string, before ...action) *tab {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; make deps installs it", err)
	}
	options := []chromedp.ExecAllocatorOption{chromedp.ExecPath(program), chromedp.UserDataDir(t.TempDir()), chromedp.WindowSize(1280, 900), chromedp.WSURLReadTimeout(patience)}
	for _, flag := range []string{
		"headless", "no-sandbox", "disable-gpu", "disable-quic", "no-first-run", "disable-background-networking", "disable-component-update", "disable-sync", "disable-dev-shm-usage", "hide-scrollbars",
	} {
		options = append(options, chromedp.Flag(flag, true))
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	ctx, closeBrowser := chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(closeBrowser)
	ctx, closeTab := chromedp.NewContext(ctx)
	t.Cleanup(closeTab)
	opened := &tab{T: t, ctx: ctx, address: address}
	if err := chromedp.Listen(ctx, opened.listen); err != nil {
		t.Fatal(err)
	}
	go opened.dismiss(chromedp.Events(ctx, page.JavascriptDialogOpening))
	opened.do(append(before, chromedp.Navigate(address))...)
	return opened
}

// dismiss closes dialogs, which would hold up the page.
func (b *tab) dismiss(dialogs iter.Seq2[page.EventJavascriptDialogOpening, error]) {
	for event, err := range dialogs {
		if err != nil {
			return
		}
		b.mu.Lock()
		b.dialogs = append(b.dialogs, event.Message)
		b.mu.Unlock()
		_, _ = chromedp.Call(b.ctx, page.HandleJavaScriptDialog, page.HandleJavaScriptDialogParams{})
	}
}

// listen writes down what a page that only shows itself never does.
func (b *tab) listen(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch event := event.(type) {
	case *network.EventRequestWillBeSent:
		wanted, _, _ := strings.Cut(b.address, "#")
		if event.Request.URL != wanted && !strings.HasPrefix(event.Request.URL, "data:") {
			b.asked = append(b.asked, event.Request.URL)
		}
	case *runtime.EventExceptionThrown:
		b.said = append(b.said, event.ExceptionDetails.Text)
	case *runtime.EventConsoleAPICalled:
		b.said = append(b.said, "console."+string(event.Type))
	case *log.EventEntryAdded:
		b.said = append(b.said, string(event.Entry.Level)+": "+event.Entry.Text)
	}
}

func (b *tab) do(steps ...action) {
	b.Helper()
	if err := chromedp.Do(b.ctx, steps...); err != nil {
		b.Fatal(err)
	}
}

// click clicks the first element that a CSS selector finds.
func (b *tab) click(selector string) {
	b.Helper()
	b.do(chromedp.Click(chromedp.CSS(selector)))
}

// keys presses keys, one after the other.
func (b *tab) keys(keys ...string) {
	b.Helper()
	for _, key := range keys {
		b.do(chromedp.KeyEvent(key))
	}
}

// quiet fails on everything that was written down.
func (b *tab) quiet() {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for what, list := range map[string][]string{"asks for": b.asked, "says": b.said, "opens a dialog": b.dialogs} {
		if len(list) > 0 {
			b.Errorf("the page %s %q", what, list)
		}
	}
}

// answer is what an expression is in the page.
func answer[T any](b *tab, expression string) T {
	b.Helper()
	out, err := chromedp.Run(b.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		b.Fatalf("%s: %v", expression, err)
	}
	return out
}

// run runs an expression in the page.
func (b *tab) run(expression string) {
	b.Helper()
	answer[bool](b, "(() => { "+expression+"; return true; })()")
}

// until waits for an expression to be true. (The driver's own way to wait makes
// code of a text, which the page's policy forbids.)
func (b *tab) until(expression string) {
	b.Helper()
	for !answer[bool](b, expression) {
		if err := b.ctx.Err(); err != nil {
			b.Fatalf("waiting for %s: %v", expression, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// settled waits until the page has been drawn twice.
func (b *tab) settled() {
	b.Helper()
	answer[bool](b, `new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(true))))`)
}

// shown are the names of the applications that can be seen.
func (b *tab) shown() string {
	b.Helper()
	return strings.Join(answer[[]string](b, `[...document.querySelectorAll(".app")].filter(e => e.checkVisibility()).map(e => e.dataset.name.split("/").pop())`), " ")
}

// prefers has the system prefer light or dark colours.
func prefers(scheme string) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
		return err
	})
}

// scripts says whether the page's own scripts run.
func scripts(run bool) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: !run})
		return err
	})
}
