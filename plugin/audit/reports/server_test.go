package reports_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/reports"
)

const shopPath = "/api/v1/applications/team-a/shop"

func TestServer_AnswersWhoHasTheTokenAlone(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1))
	server := serve(t, store)
	for name, test := range map[string]struct {
		header http.Header
		want   int
	}{
		"the token":           {bearer(token), http.StatusOK},
		"none":                {http.Header{}, http.StatusUnauthorized},
		"another":             {bearer("0123456789abcdef-other"), http.StatusUnauthorized},
		"an empty one":        {bearer(""), http.StatusUnauthorized},
		"another scheme":      {http.Header{"Authorization": {"Basic " + token}}, http.StatusUnauthorized},
		"through Argo CD":     {bearer(token, "Argocd-Application-Name", "argocd:shop", "Argocd-Project-Name", "team-a"), http.StatusForbidden},
		"through Argo CD (2)": {bearer(token, "Argocd-Username", "admin"), http.StatusForbidden},
	} {
		for _, path := range []string{shopPath, shopPath + "/history", "/api/v1/applications"} {
			if status, body := asked(t, server, path, test.header); status != test.want || strings.Contains(body, "assay allowed") && status != http.StatusOK {
				t.Errorf("with %s %s answers %d: %s", name, path, status, body)
			}
		}
	}
}

func TestServer_TokenIsReadAnewAndWithoutOneNobodyIsAnswered(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1))
	file := filepath.Join(t.TempDir(), "token")
	server := serve(t, store, func(s *reports.Server) { s.Token = reports.TokenFile(file) })
	for _, step := range []struct {
		text, bearer string
		want         int
	}{
		{"", "", 401}, {"", token, 401}, {"short", "short", 401}, {token + "\n", token, 200}, {"the-next-" + token, token, 401}, {"the-next-" + token, "the-next-" + token, 200},
		{strings.Repeat("x", 5000), strings.Repeat("x", 5000), 401},
	} {
		if step.text != "" {
			check(t, os.WriteFile(file, []byte(step.text), 0o600))
		}
		if status, body := asked(t, server, shopPath, bearer(step.bearer)); status != step.want {
			t.Errorf("%q with the file %q: %d %s", step.bearer, step.text, status, body)
		}
	}
}

func TestServer_AnswersAboutOneApplicationOfOneProject(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1), record("shop", 2, deniedRecord))
	server := serve(t, store)
	client := clientOf(t, server)
	last, err := client.Last(t.Context(), "team-a", "shop")
	if err != nil || last.Record.Revision != "revision-2" || len(last.Records) != 1 || last.Silent == nil {
		t.Errorf("last is %+v, %v", last, err)
	}
	history, err := client.History(t.Context(), "team-a", "shop")
	if err != nil || revisions(history.Records) != "2 1" {
		t.Errorf("history is %s, %v", revisions(history.Records), err)
	}
	for _, other := range [][2]string{{"team-b", "shop"}, {"team-a", "other"}, {"", "shop"}} {
		if got, err := client.Last(t.Context(), other[0], other[1]); !errors.Is(err, reports.ErrUnknown) {
			t.Errorf("of %v it says %+v, %v", other, got, err)
		}
		if history, err := client.History(t.Context(), other[0], other[1]); err != nil || len(history.Records) != 0 {
			t.Errorf("of %v it tells %d, %v", other, len(history.Records), err)
		}
	}
	for _, path := range []string{"/", "/api/v1", "/api/v1/applications/team-a", "/api/v1/applications/team-a/shop/x", "/api/v2/applications"} {
		if status, body := asked(t, server, path, bearer(token)); status != http.StatusNotFound {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
	}
}

func TestServer_GivesManifestsOfTheApplicationsOwnHistory(t *testing.T) {
	store := open(t)
	entry := sealing(record("shop", 1), configMap("shop"))
	check(t, store.Add(t.Context(), entry))
	client := clientOf(t, serve(t, store))
	got, err := client.Sealed(t.Context(), "team-a", "shop", entry.Record.Sealed)
	if err != nil || string(got) != configMap("shop") {
		t.Errorf("got %s, %v", got, err)
	}
	for _, other := range [][3]string{{"team-b", "shop", entry.Record.Sealed}, {"team-a", "other", entry.Record.Sealed}, {"team-a", "shop", "sha256:" + strings.Repeat("0", 64)}, {"team-a", "shop", "x"}} {
		if got, err := client.Sealed(t.Context(), other[0], other[1], other[2]); !errors.Is(err, reports.ErrUnknown) {
			t.Errorf("%v gives %s, %v", other, got, err)
		}
	}
}

// The headers are what Argo CD's proxy sets.
func TestServer_ExtensionAnswersAboutTheApplicationOfTheHeadersAlone(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1), record("team-a_shop", 2), record("old", 3, func(r *audit.Record) { r.Project = "" }))
	server := serve(t, store)
	const path = "/api/v1/extension/verdict"
	header := func(application, project string, more ...string) http.Header {
		return bearer(extensionToken, append([]string{"Argocd-Application-Name", application, "Argocd-Project-Name", project, "Argocd-Namespace", "argocd"}, more...)...)
	}
	for name, test := range map[string]struct {
		header http.Header
		want   int
		shown  string
	}{
		"its own":                   {header("argocd:shop", "team-a"), 200, "shop"},
		"in another namespace":      {header("team-a:shop", "team-a"), 200, "team-a_shop"},
		"whose project is unknown":  {header("argocd:old", "team-b"), 200, "old"},
		"of another project":        {header("argocd:shop", "team-b"), 404, ""},
		"that is not known":         {header("argocd:other", "team-a"), 404, ""},
		"by its name for plugins":   {header("argocd:team-a_shop", "team-a"), 400, ""},
		"twice":                     {header("argocd:shop", "team-a", "Argocd-Application-Name", "argocd:old"), 400, ""},
		"with two projects":         {header("argocd:shop", "team-a", "Argocd-Project-Name", "team-b"), 400, ""},
		"without a namespace":       {header("shop", "team-a"), 400, ""},
		"without a name":            {header("argocd:", "team-a"), 400, ""},
		"with a path for a name":    {header("argocd:../shop", "team-a"), 400, ""},
		"without headers":           {bearer(extensionToken), 400, ""},
		"with the other token":      {bearer(token, "Argocd-Application-Name", "argocd:shop", "Argocd-Project-Name", "team-a", "Argocd-Namespace", "argocd"), 401, ""},
		"with a wrong token":        {func() http.Header { h := header("argocd:shop", "team-a"); h.Set("Authorization", "Bearer x"); return h }(), 401, ""},
		"and nobody says which own": {func() http.Header { h := header("argocd:shop", "team-a"); h.Del("Argocd-Namespace"); return h }(), 400, ""},
	} {
		status, body := asked(t, server, path, test.header)
		var answer reports.Last
		check(t, json.Unmarshal([]byte(body), &answer))
		if status != test.want || answer.Record.Application != test.shown {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	for _, other := range []string{path + "?application=old", path + "/", path + "/../../applications", "/api/v1/applications?application=shop"} {
		status, body := asked(t, server, other, header("argocd:shop", "team-a"))
		if strings.Contains(body, `"old"`) || status == 200 && !strings.HasPrefix(other, path+"?") {
			t.Errorf("%s: %d %s", other, status, body)
		}
	}
}

func TestServer_ListsPageByPage(t *testing.T) {
	store := open(t)
	for i, name := range []string{"a", "b", "c", "d", "e"} {
		add(t, store, record(name, i))
	}
	add(t, store, record("f", 9, deniedRecord, func(r *audit.Record) { r.Project = "team-b" }))
	server := serve(t, store)
	client := clientOf(t, server)
	found, after, pages := map[string]string{}, "", 0
	for ; pages == 0 || after != ""; pages++ {
		page, err := client.Page(t.Context(), 2, after, false)
		check(t, err)
		for _, each := range page.Applications {
			found[each.Application] = each.Outcome
		}
		if len(page.Gates) != 1 || page.Gates[0] != "sha256:whole" {
			t.Errorf("gates are %v", page.Gates)
		}
		after = page.Next
	}
	if len(found) != 6 || found["f"] != plugin.Denied.String() || pages != 3 {
		t.Errorf("%d pages: %v", pages, found)
	}
	for filter, want := range map[string]int{query("project", "team-b"): 1, query("outcome", "denied"): 1, query("outcome", "allowed", "project", "team-a"): 5, query("application", "c"): 1, query("application", "x"): 0} {
		status, body := asked(t, server, filter, bearer(token))
		var page reports.Page
		check(t, json.Unmarshal([]byte(body), &page))
		if status != 200 || len(page.Applications) != want || page.Applications == nil {
			t.Errorf("%s: %d %s", filter, status, body)
		}
	}
	for _, wrong := range []string{query("limit", "0"), query("limit", "501"), query("limit", "x"), query("limit", "-1"), query("after", "x"), query("after", "../../../etc")} {
		if status, body := asked(t, server, wrong, bearer(token)); status != http.StatusBadRequest {
			t.Errorf("%s: %d %s", wrong, status, body)
		}
	}
	got, err := client.Find(t.Context(), "d")
	if err != nil || len(got.Applications) != 1 {
		t.Errorf("found %+v, %v", got, err)
	}
}

func TestServer_DamagedApplicationIsListedAndSaidSo(t *testing.T) {
	dir := t.TempDir()
	store := open(t, func(o *reports.Options) { o.Dir = dir })
	add(t, store, record("shop", 1), record("other", 2))
	overwrite(t, dir, "shop", "last.jsonl", "garbage\n")
	server := serve(t, store)
	page, err := clientOf(t, server).Page(t.Context(), 10, "", true)
	if err != nil || len(page.Applications) != 2 {
		t.Fatalf("%+v, %v", page, err)
	}
	for _, each := range page.Applications {
		if damaged := each.ID == reports.ID("shop"); (each.Damaged == 1) != damaged || (len(each.Records) == 0) != damaged {
			t.Errorf("%+v", each)
		}
	}
	if status, body := asked(t, server, shopPath, bearer(token)); status != http.StatusInternalServerError || !strings.Contains(body, "cannot be read") {
		t.Errorf("%d %s", status, body)
	}
}

// A user chooses the path, and can have Argo CD's proxy leave out each header by
// which the request could be told from others.
func TestServer_TheProxysTokenOpensNothingElse(t *testing.T) {
	store := open(t)
	entry := sealing(record("shop", 1), configMap("shop"))
	check(t, store.Add(t.Context(), entry))
	server := serve(t, store)
	for _, path := range []string{shopPath, shopPath + "/history", shopPath + "/sealed/" + entry.Record.Sealed, "/api/v1/applications", "/api/v1/extension/../applications", "/api/v1/extension/verdict/"} {
		if status, body := asked(t, server, path, bearer(extensionToken)); status == http.StatusOK || strings.Contains(body, "shop") {
			t.Errorf("%s answers %d: %s", path, status, body)
		}
	}
}

func TestServer_AnswersTheProxyNothingWithoutATokenOfItsOwn(t *testing.T) {
	store := open(t)
	add(t, store, record("shop", 1))
	header := func(token string) http.Header {
		return bearer(token, "Argocd-Application-Name", "argocd:shop", "Argocd-Project-Name", "team-a", "Argocd-Namespace", "argocd")
	}
	for name, test := range map[string]struct {
		own  func() (string, error)
		want int
	}{
		"none":                 {nil, 401},
		"an empty one":         {fixed(""), 401},
		"the one for all else": {fixed(token), 401},
		"no file":              {reports.TokenFile(filepath.Join(t.TempDir(), "token")), 401},
		"its own":              {fixed(extensionToken), 200},
	} {
		server := serve(t, store, func(s *reports.Server) { s.ExtensionToken = test.own })
		for _, given := range []string{token, extensionToken, ""} {
			want := test.want
			if given != extensionToken {
				want = http.StatusUnauthorized
			}
			if status, body := asked(t, server, "/api/v1/extension/verdict", header(given)); status != want {
				t.Errorf("%s, asked with %q: %d %s", name, given, status, body)
			}
		}
	}
}
