package browser

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// argoCD stands for argocd-server: it serves the page and the extension as that
// does, and answers in place of its API and of assay's store.
type argoCD struct {
	*httptest.Server

	mu          sync.Mutex
	policy      string
	application map[string]any
	status      int
	kind        string // the answer's media type
	body        string
	asked       []http.Header
}

// serveExtension serves the page with a version of React.
func serveExtension(t *testing.T, react string) *argoCD {
	t.Helper()
	folder := os.Getenv("ASSAY_UI")
	if folder == "" {
		t.Fatal("ASSAY_UI names no folder with the page; run make e2e-ui in the root")
	}
	script, err := os.ReadFile("../../manifests/argocd/extension/extension-assay.js")
	if err != nil {
		t.Fatal(err)
	}
	a := &argoCD{policy: "frame-ancestors 'self';", status: http.StatusOK, kind: "application/json", application: map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": map[string]any{"name": "shop", "namespace": "argocd"}, "spec": map[string]any{"project": "team-a"},
	}}
	mux := http.NewServeMux()
	files := http.FileServer(http.Dir(filepath.Join(folder, react)))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", a.policy)
		files.ServeHTTP(w, r)
	})
	mux.HandleFunc("/extensions.js", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/javascript")
		_, _ = fmt.Fprintf(w, "// source: extension-assay.js \ntry {\n%s\n} catch(e) { console.error('Extension failed to load:', e); }\n", script)
	})
	mux.HandleFunc("/api/v1/applications/{name}", func(w http.ResponseWriter, _ *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a.application)
	})
	mux.HandleFunc("/extensions/assay/api/v1/extension/verdict", func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.asked = append(a.asked, r.Header)
		w.Header().Set("Content-Type", a.kind)
		w.WriteHeader(a.status)
		_, _ = w.Write([]byte(a.body))
	})
	a.Server = httptest.NewServer(mux)
	t.Cleanup(a.Close)
	return a
}

// answers has the store answer so from now on.
func (a *argoCD) answers(status int, kind, body string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.status, a.kind, a.body = status, kind, body
}

// times is how often the store was asked.
func (a *argoCD) times() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.asked)
}

// says has the store answer with a record of ui/testdata.
func (a *argoCD) says(t *testing.T, name string, change func(text string) string) {
	t.Helper()
	text, err := os.ReadFile("../../ui/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	body := string(text)
	if change != nil {
		body = change(body)
	}
	a.answers(http.StatusOK, "application/json", body)
}

// open opens the page; its address says what is shown.
func (a *argoCD) open(t *testing.T, query string, before ...action) *tab {
	t.Helper()
	b := browseURL(t, a.URL+"/?"+query, before...)
	b.until(`!!document.querySelector(".assay") && !document.querySelector(".assay-tab[aria-busy=true]") && !document.querySelector(".assay-panel button")?.textContent.includes("…")`)
	return b
}

// calm fails on errors in the console, dialogs, and requests to anywhere else.
func (a *argoCD) calm(b *tab) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, address := range b.asked {
		if !strings.HasPrefix(address, a.URL+"/") {
			b.Errorf("the page asks for %s", address)
		}
	}
	if len(b.said) > 0 || len(b.dialogs) > 0 {
		b.Errorf("the page says %q and opens %q", b.said, b.dialogs)
	}
}

const (
	outcomes = `[...new Set([...document.querySelectorAll("[data-outcome]")].map(e => e.dataset.outcome))].join(" ")`
	words    = `document.body.innerText`
)

func TestExtension_ShowsEachOutcomeInEveryReact(t *testing.T) {
	for _, react := range []string{"16", "19"} {
		a := serveExtension(t, react)
		for name, want := range map[string]string{"allowed": "allowed", "denied": "denied", "unanswered": "unanswered"} {
			a.says(t, name, nil)
			b := a.open(t, "view=tab")
			if got := answer[string](b, outcomes); got != want {
				t.Errorf("React %s: %s is shown as %q", react, name, got)
			}
			a.calm(b)
		}
		header := a.asked[0]
		if header.Get("Argocd-Application-Name") != "argocd:shop" || header.Get("Argocd-Project-Name") != "team-a" {
			t.Errorf("React %s asks with %v", react, header)
		}
	}
}

func TestExtension_ThePanelOpensTheVerdictAndAsksOnce(t *testing.T) {
	for _, react := range []string{"16", "19"} {
		a := serveExtension(t, react)
		a.says(t, "denied", nil)
		b := a.open(t, "view=panel")
		if got := answer[string](b, words); !strings.Contains(got, "2 denied, 1 without answer, 2 images") {
			t.Errorf("React %s: %s", react, got)
		}
		b.click(".assay-panel button")
		b.until(`!!document.querySelector("#flyout [data-level=deny]")`)
		if got := answer[string](b, outcomes); got != "denied" {
			t.Errorf("React %s: %s", react, got)
		}
		if got := a.times(); got != 1 {
			t.Errorf("React %s: the store was asked %d times", react, got)
		}
		a.calm(b)
	}
}

func TestExtension_WhatIsNotKnownIsNoVerdict(t *testing.T) {
	a := serveExtension(t, "19")
	for _, each := range []struct {
		status           int
		kind, body, want string
	}{
		{http.StatusNotFound, "application/json", `{"error": "no record"}`, "no-record"},
		{http.StatusUnauthorized, "text/plain; charset=utf-8", "Unauthorized extension request\n", "not-allowed"},
		{http.StatusForbidden, "text/html", "<script>window.pwned=1</script>", "not-allowed"},
		{http.StatusNotFound, "text/plain; charset=utf-8", "Extension not found\n", "not-configured"},
		{http.StatusOK, "text/html", "<!DOCTYPE html><script>window.pwned=1</script>", "not-enabled"},
		{http.StatusBadGateway, "", "", "unreachable"},
		{http.StatusOK, "application/json", `{"records": [{"outcome": "allowed"}], "silent": []}`, "unreadable"},
	} {
		a.answers(each.status, each.kind, each.body)
		b := a.open(t, "view=tab")
		if got := answer[string](b, `document.querySelector("[data-problem]").dataset.problem`); got != each.want {
			t.Errorf("%d %q is told as %s and not %s", each.status, each.body, got, each.want)
		}
		if got := answer[string](b, outcomes); got != "unknown" {
			t.Errorf("%d %q is shown as %s", each.status, each.body, got)
		}
		if got := answer[string](b, `typeof window.pwned`); got != "undefined" {
			t.Errorf("%d: what was answered ran", each.status)
		}
	}
}

func TestExtension_AsksAgainWhenToldAndWhenArgoCDHasLookedAgain(t *testing.T) {
	a := serveExtension(t, "19")
	a.says(t, "unanswered", nil)
	b := a.open(t, "view=both")
	a.says(t, "allowed", nil)
	a.mu.Lock()
	a.application["status"] = map[string]any{"reconciledAt": "2026-03-14T09:30:00Z"}
	a.mu.Unlock()
	b.run(`document.querySelector("#refreshed").click()`)
	b.until(`document.querySelector("[data-outcome]")?.dataset.outcome === "allowed"`)
	b.click(".assay-panel button")
	b.until(`!!document.querySelector("#flyout [data-outcome=allowed]")`)
	a.says(t, "denied", nil)
	b.click("#flyout .assay-head button")
	b.until(`!!document.querySelector("#flyout [data-outcome=denied]")`)
	b.until(outcomes + ` === "denied"`) // the panel, too
	if got := a.times(); got != 3 {
		t.Errorf("the store was asked %d times", got)
	}
	a.calm(b)
}

func TestExtension_WorksUnderAStrictPolicy(t *testing.T) {
	a := serveExtension(t, "19")
	a.policy = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; require-trusted-types-for 'script'"
	a.says(t, "allowed", nil)
	b := a.open(t, "view=tab")
	if got := answer[string](b, `getComputedStyle(document.querySelector(".assay-box")).borderLeftWidth`); got != "4px" {
		t.Errorf("the rules are not in force: %s", got)
	}
	a.calm(b)
}

// An error of the extension must not take the page of the Application down.
func TestExtension_AnErrorStaysInsideIt(t *testing.T) {
	for _, react := range []string{"16", "19"} {
		a := serveExtension(t, react)
		a.mu.Lock()
		a.application = map[string]any{"kind": "Application", "metadata": map[string]any{"name": "shop"}} // no spec
		a.mu.Unlock()
		b := browseURL(t, a.URL+"/?view=panel")
		b.until(`document.body.innerText.includes("APP HEALTH") && document.body.innerText.includes("assay's extension failed")`)
	}
}
