//go:build e2e

package argocd_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/bcrypt"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/e2e/origin"
)

const (
	storeAddress = "127.0.0.1:8097"
	verdictPath  = "/extensions/assay/api/v1/extension/verdict"
	// The tokens of the store: who has the first may ask everything.
	storeToken, extensionToken = "0123456789abcdef-store", "0123456789abcdef-extension"
)

// shown is a test's Argo CD with its API server, which shows verdicts.
type shown struct {
	*world
	app application
}

// show starts a sidecar that keeps reports, an Application that was judged, and
// the API server as manifests/argocd/extension configures it.
func show(t *testing.T) shown {
	t.Helper()
	w := newWorld(t)
	w.since3("is built without its API server")
	w.registry.PushSigned("team-a/app:1", "first")
	w.git.Commit(map[string]string{"app/web.yaml": origin.Deployment("web", w.registry.Image("team-a/app:1"))})
	w.flags = []string{"--reports-dir", filepath.Join(w.dir, "reports"), "--reports", storeAddress, "--argocd-namespace", controlplane.Namespace}
	for name, token := range map[string]string{"reports-token": storeToken, "reports-extension-token": extensionToken} {
		file := filepath.Join(w.dir, name)
		must(t, os.WriteFile(file, []byte(token), 0o600))
		w.flags = append(w.flags, "--"+name, file)
	}
	w.serve()
	s := shown{world: w, app: w.app()}
	s.app.policy = byHand
	s.app.create()
	s.app.refresh()
	s.configure()
	page := os.Getenv("ASSAY_UI")
	if page == "" {
		page = "../../.cache/ui/page"
	}
	if _, err := os.Stat(page); err != nil {
		t.Fatalf("%v; make -C ui page builds it", err)
	}
	script, err := os.ReadFile("../../manifests/argocd/extension/extension-assay.js")
	must(t, err)
	server, err := w.argocd.StartServer(s.slowly(), map[string][]byte{"extension-assay.js": script}, filepath.Join(page, "19"))
	must(t, err)
	t.Cleanup(server.Kill)
	return s
}

// configure gives Argo CD what the component of manifests/ gives it, with the
// store's address here, and users.
func (s shown) configure() {
	s.t.Helper()
	other := s.name + "-b"
	s.project(other)
	hash, err := bcrypt.GenerateFromPassword([]byte("password"), bcrypt.MinCost)
	must(s.t, err)
	for _, file := range []string{"argocd-cm", "argocd-rbac-cm"} {
		text, err := os.ReadFile(filepath.Join("../../manifests/argocd/extension", file+".yaml"))
		must(s.t, err)
		object := strings.NewReplacer("name: "+file, "name: "+file+"\n  namespace: argocd", "http://assay-reports:8087", "http://"+storeAddress).Replace(string(text))
		s.merge("ConfigMap", file, object)
	}
	users, roles := "", ""
	for user, grant := range map[string]string{
		"alice": "p, alice, applications, get, " + s.name + "/*, allow\\np, alice, extensions, invoke, assay, allow\\n",
		"bob":   "p, bob, applications, get, " + other + "/*, allow\\np, bob, extensions, invoke, assay, allow\\n",
		"carol": "p, carol, applications, get, " + s.name + "/*, allow\\n",
	} {
		users += fmt.Sprintf("  accounts.%s: login\n", user)
		roles += grant
		s.merge("Secret", "argocd-secret", fmt.Sprintf("stringData: {accounts.%s.password: %q, accounts.%[1]s.passwordMtime: \"2026-01-01T00:00:00Z\"}", user, hash))
	}
	s.merge("ConfigMap", "argocd-cm", "data:\n"+users)
	s.merge("ConfigMap", "argocd-rbac-cm", `data: {policy.users.csv: "`+roles+`"}`)
	must(s.t, s.Apply(s.t.Context(), fmt.Sprintf(`
apiVersion: v1
kind: Secret
metadata: {name: assay-extension, namespace: argocd, labels: {app.kubernetes.io/part-of: argocd}}
stringData: {authorization: "Bearer %s"}
`, extensionToken)))
}

// merge adds to a core object of Argo CD's namespace what a YAML text says.
func (s shown) merge(kind, name, text string) {
	s.t.Helper()
	patch, err := yaml.YAMLToJSON([]byte(text))
	must(s.t, err)
	must(s.t, s.Merge(s.t.Context(), controlplane.Object{Kind: kind + ".v1.", Namespace: controlplane.Namespace, Name: name}, string(patch)))
}

// login is a session's token.
func (s shown) login(user string) string {
	s.t.Helper()
	body := fmt.Sprintf(`{"username":%q,"password":"password"}`, user)
	request, err := http.NewRequestWithContext(s.slowly(), http.MethodPost, controlplane.ArgoServer+"/api/v1/session", strings.NewReader(body))
	must(s.t, err)
	request.Header.Set("Content-Type", "application/json")
	status, answer := s.do(request)
	var session struct{ Token string }
	if err := json.Unmarshal([]byte(answer), &session); err != nil || session.Token == "" {
		s.t.Fatalf("logging %s in: %d %s", user, status, answer)
	}
	return session.Token
}

func (s shown) do(request *http.Request) (status int, body string) {
	s.t.Helper()
	response, err := http.DefaultClient.Do(request)
	must(s.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	must(s.t, err)
	return response.StatusCode, string(text)
}

// ask asks for the verdict, or for another path, as a user. Headers are added to
// what the extension sends.
func (s shown) ask(token, path string, headers http.Header) (status int, body string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.slowly(), http.MethodGet, controlplane.ArgoServer+path, http.NoBody)
	must(s.t, err)
	if token != "" {
		request.AddCookie(&http.Cookie{Name: "argocd.token", Value: token})
	}
	request.Header.Set("Argocd-Application-Name", controlplane.Namespace+":"+s.app.name)
	request.Header.Set("Argocd-Project-Name", s.app.project)
	for name, values := range headers {
		for _, value := range values {
			request.Header.Add(name, value)
		}
	}
	return s.do(request)
}

func TestUI_AVerdictIsForWhoMayReadTheApplication(t *testing.T) {
	s := show(t)
	alice := s.login("alice")
	status, body := s.ask(alice, verdictPath, nil)
	var answer struct {
		Records []struct {
			Application, Project, Outcome string
			Images                        []struct {
				Evidence []struct{ Signer, Policy string }
			}
		}
		Silent []any
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK || len(answer.Records) != 1 {
		t.Fatalf("%d %s", status, body)
	}
	if r := answer.Records[0]; r.Application != s.app.name || r.Project != s.app.project || r.Outcome != "allowed" || len(r.Images) != 1 || len(r.Images[0].Evidence) == 0 {
		t.Errorf("%+v", r)
	}
	// Argo CD says 401 of what a role does not allow, and the page tells by the
	// text what that means.
	const refused = "Unauthorized extension request"
	for who, token := range map[string]string{"who may read another project": s.login("bob"), "who may not invoke the extension": s.login("carol")} {
		if status, body := s.ask(token, verdictPath, nil); status != http.StatusUnauthorized || !strings.HasPrefix(body, refused) {
			t.Errorf("%s: %d %s", who, status, body)
		}
	}
	for token, want := range map[string]string{"": "400 Auth cookie not found\n", "e30.e30.e30": "401 Invalid token\n"} {
		if status, body := s.ask(token, verdictPath, nil); fmt.Sprintf("%d %s", status, body) != want {
			t.Errorf("with the session %q: %d %s", token, status, body)
		}
	}
	s.forge(alice)
	s.browse(alice)
}

// forge tries to have argocd-server ask for more than it has checked.
func (s shown) forge(token string) {
	s.t.Helper()
	other := s.another()
	for what, try := range map[string]struct {
		path    string
		headers http.Header
		want    int
	}{
		"a second Application's name":                     {verdictPath, http.Header{"Argocd-Application-Name": {controlplane.Namespace + ":" + other}}, http.StatusBadRequest},
		"a second project":                                {verdictPath, http.Header{"Argocd-Project-Name": {other}}, http.StatusBadRequest},
		"a name that argocd-server drops after its check": {verdictPath, http.Header{"Connection": {"Argocd-Application-Name, Argocd-Project-Name"}}, http.StatusBadRequest},
		"a token that argocd-server drops":                {verdictPath, http.Header{"Connection": {"Authorization"}}, http.StatusUnauthorized},
		"every Application":                               {"/extensions/assay/api/v1/applications", nil, http.StatusForbidden},
		"another Application by its path":                 {"/extensions/assay/api/v1/applications/" + other + "/" + other, nil, http.StatusForbidden},
		"every Application, and argocd-server's headers dropped": {"/extensions/assay/api/v1/applications", http.Header{
			"Connection": {"Argocd-Application-Name, Argocd-Project-Name, Argocd-Namespace, Argocd-Username, Argocd-User-Id, Argocd-User-Groups, Argocd-Target-Cluster-Name, Argocd-Target-Cluster-Url"}, // as no header of Argo CD's is left, the token alone decides
		}, http.StatusUnauthorized},
	} {
		if status, body := s.ask(token, try.path, try.headers); status != try.want || strings.Contains(body, "evidence") {
			s.t.Errorf("%s: %d and not %d: %.300s", what, status, try.want, body)
		}
	}
}

// another is an Application of another project, which was judged too: its name
// and its project's.
func (s shown) another() string {
	s.t.Helper()
	name := s.name + "-b"
	s.gate(name, s.open())
	s.serve()
	other := s.app
	other.name, other.project = name, name
	other.create()
	other.refresh()
	return name
}

// browse has the tests of e2e/browser look at the page of this API server.
func (s shown) browse(token string) {
	s.t.Helper()
	command := exec.CommandContext(s.slowly(), "go", "test", "-count=1", "-run", "TestArgoCD", ".")
	command.Dir = "../browser"
	command.Env = append(os.Environ(), "CGO_ENABLED=0", "ASSAY_ARGOCD="+controlplane.ArgoServer, "ASSAY_ARGOCD_TOKEN="+token, "ASSAY_ARGOCD_APP="+controlplane.Namespace+"/"+s.app.name)
	if out, err := command.CombinedOutput(); err != nil {
		s.t.Errorf("%v: %s", err, out)
	}
}
