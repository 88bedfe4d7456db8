package browser

import (
	"context"
	"os"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"
)

// running is an argocd-server with the extension, which a test of e2e/argocd
// started, the token of a user's session, and the Application to look at.
func running(t *testing.T) (address, token, application string) {
	t.Helper()
	address, token, application = os.Getenv("ASSAY_ARGOCD"), os.Getenv("ASSAY_ARGOCD_TOKEN"), os.Getenv("ASSAY_ARGOCD_APP")
	if address == "" {
		t.Skip("ASSAY_ARGOCD names no argocd-server; TestUI of e2e/argocd runs this with one")
	}
	return address, token, application
}

// session has the browser send a session's token, as Argo CD's own login does.
func session(address, token string) action {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, network.SetCookie, network.SetCookieParams{Name: "argocd.token", Value: token, URL: address})
		return err
	})
}

// The page stands for Argo CD's; argocd-server itself serves it, the extension
// and the Application, and asks the store.
func TestArgoCD_ServesTheExtensionAndItsVerdict(t *testing.T) {
	address, token, application := running(t)
	b := browseURL(t, address+"/page.html?view=tab&app="+application, session(address, token))
	b.until(`!!document.querySelector("[data-outcome]")`)
	if got := answer[string](b, outcomes); got != "allowed" {
		t.Errorf("it shows %q: %s", got, answer[string](b, words))
	}
	for _, want := range []string{"Signed", "by trust rule", "digest pinned"} {
		if got := answer[string](b, words); !strings.Contains(got, want) {
			t.Errorf("it does not say %q: %s", want, got)
		}
	}
}

// Without a session argocd-server gives the page nobody's Application, so that
// the question is asked by hand.
func TestArgoCD_TellsNobodyWithoutASession(t *testing.T) {
	address, _, application := running(t)
	b := browseURL(t, address+"/page.html?view=tab&app="+application)
	namespace, name, _ := strings.Cut(application, "/")
	status := answer[int](b, `fetch("extensions/assay/api/v1/extension/verdict", {headers: {"Argocd-Application-Name": "`+namespace+":"+name+`", "Argocd-Project-Name": "`+name+`"}}).then(r => r.status)`)
	if status != 400 {
		t.Errorf("status %d", status)
	}
}
