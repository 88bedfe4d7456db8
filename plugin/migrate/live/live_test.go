package live_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/migrate/live"
)

// server is an API server of which a test says what it answers; e2e/argocd asks
// a real one.
type server struct {
	*httptest.Server
	// answer is given the resource, the namespace and the page, from 0; what it
	// returns is a list, a status, or nil for none at all.
	answer func(resource, namespace string, page int) any
	asked  []string
}

func serve(t *testing.T, answer func(resource, namespace string, page int) any) *server {
	t.Helper()
	s := &server{answer: answer}
	s.Server = httptest.NewServer(http.HandlerFunc(s.handle))
	t.Cleanup(s.Close)
	return s
}

func (s *server) handle(w http.ResponseWriter, r *http.Request) {
	parts := strings.Split(strings.Trim(strings.TrimPrefix(r.URL.Path, "/apis/argoproj.io/v1alpha1"), "/"), "/")
	resource, namespace := parts[0], ""
	if parts[0] == "namespaces" {
		namespace, resource = parts[1], parts[2]
	}
	page := 0
	_, _ = fmt.Sscanf(r.URL.Query().Get("continue"), "page-%d", &page)
	s.asked = append(s.asked, r.Method+" "+resource+" "+namespace)
	body := s.answer(resource, namespace, page)
	if body == nil {
		<-r.Context().Done()
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if status, is := body.(failure); is {
		w.WriteHeader(status.Code)
	}
	_ = json.NewEncoder(w).Encode(body)
}

// failure is a metav1.Status.
type failure struct {
	Kind       string `json:"kind"`
	APIVersion string `json:"apiVersion"`
	Status     string `json:"status"`
	Message    string `json:"message"`
	Reason     string `json:"reason"`
	Code       int    `json:"code"`
}

func fails(code int, reason string) failure {
	return failure{"Status", "v1", "Failure", "it is said why", reason, code}
}

// list is one page.
func list(more string, items ...map[string]any) map[string]any {
	return map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "List", "metadata": map[string]any{"resourceVersion": "1", "continue": more}, "items": items}
}

func application(name string) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{
			"name": name, "namespace": "argocd", "uid": "u", "resourceVersion": "7", "generation": 3, "creationTimestamp": "2026-01-01T00:00:00Z",
			"labels": map[string]any{"team": "a"}, "managedFields": []any{map[string]any{"manager": "x"}},
			"annotations": map[string]any{
				"kubectl.kubernetes.io/last-applied-configuration": "{}", "argocd.argoproj.io/refresh": "hard", "argocd.argoproj.io/tracking-id": "root:argoproj.io/Application:argocd/" + name, "team.example.com/a": "b",
			},
		},
		"spec":   map[string]any{"project": "default", "source": map[string]any{"repoURL": "https://git.example.com/a.git", "path": "a"}},
		"status": map[string]any{"sync": map[string]any{"status": "Synced"}}, "operation": map[string]any{"sync": map[string]any{}},
	}
}

func (s *server) connect(t *testing.T, namespaces ...string) *live.Cluster {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\ncurrent-context: a\nclusters: [{name: a, cluster: {server: " + s.URL + "}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\nusers: [{name: a, user: {token: t}}]\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cluster, err := live.Connect(live.Options{Kubeconfig: file, Namespaces: namespaces, Timeout: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return cluster
}

func TestRead_GivesWhatAnAuthorWrote(t *testing.T) {
	t.Parallel()
	s := serve(t, func(resource, _ string, page int) any {
		switch {
		case resource != "applications":
			return list("")
		case page == 0:
			return list("page-1", application("b"))
		}
		owned := application("c")
		owned["metadata"].(map[string]any)["ownerReferences"] = []any{map[string]any{"kind": "ApplicationSet", "name": "shops", "controller": true, "apiVersion": "argoproj.io/v1alpha1", "uid": "u"}}
		return list("", application("a"), owned)
	})
	cluster := s.connect(t)
	all, err := cluster.Read(t.Context())
	if err != nil || len(all) != 3 || cluster.Requests() != 3 {
		t.Fatalf("%v: %d objects by %d requests", err, len(all), cluster.Requests())
	}
	want := "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata:\n  annotations:\n    team.example.com/a: b\n  labels:\n    team: a\n  name: a\n  namespace: argocd\nspec:\n  project: default\n  source:\n    path: a\n    repoURL: https://git.example.com/a.git\n"
	if string(all[0].Text) != want || all[0].Name != "Application argocd/a" || all[0].Owner != "" || all[0].Tracked() != "root" {
		t.Errorf("%+v\n%s", all[0], all[0].Text)
	}
	if all[2].Owner != "ApplicationSet argocd/shops" {
		t.Errorf("the owner is %q", all[2].Owner)
	}
}

// TestRead_IsWholeOrNothing: each way in which a cluster answers in part, or not.
func TestRead_IsWholeOrNothing(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		answer func(resource, namespace string, page int) any
		said   []string
	}{
		"a page fails": {func(resource, _ string, page int) any {
			if page == 1 {
				return fails(http.StatusInternalServerError, "InternalError")
			}
			return list("page-1", application("a"))
		}, []string{"applications in the namespace argocd", "after 1 of them", "it is said why"}},
		"a page does not come": {func(_, _ string, page int) any {
			if page == 1 {
				return nil
			}
			return list("page-1", application("a"))
		}, []string{"after 1 of them", "does not answer"}},
		"the list expires again and again": {func(_, _ string, page int) any {
			if page == 1 {
				return fails(http.StatusGone, "Expired")
			}
			return list("page-1", application("a"))
		}, []string{"after 1 of them"}},
		"one namespace may not be read": {func(_, namespace string, _ int) any {
			if namespace == "team-b" {
				return fails(http.StatusForbidden, "Forbidden")
			}
			return list("", application("a"))
		}, []string{"applications in the namespace team-b", "applicationsets in the namespace team-b"}},
		"nobody is known": {func(string, string, int) any { return fails(http.StatusUnauthorized, "Unauthorized") }, []string{"applications in the namespace argocd"}},
		"no Argo CD":      {func(string, string, int) any { return fails(http.StatusNotFound, "NotFound") }, []string{"applications in the namespace argocd"}},
		"no answer":       {func(string, string, int) any { return nil }, []string{"does not answer"}},
		"no list":         {func(string, string, int) any { return "a page of a proxy" }, []string{"applications in the namespace argocd"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			all, err := serve(t, c.answer).connect(t, "argocd", "team-b").Read(t.Context())
			var none *plugin.StageError
			if !errors.As(err, &none) || len(all) > 0 || none.Hint == "" {
				t.Fatalf("%d objects and the error %v", len(all), err)
			}
			for _, said := range c.said {
				if !strings.Contains(err.Error(), said) {
					t.Errorf("%q is not in: %v", said, err)
				}
			}
		})
	}
}

func TestRead_AListThatExpiredIsBegunAnew(t *testing.T) {
	t.Parallel()
	expired := false
	s := serve(t, func(resource, _ string, page int) any {
		switch {
		case resource != "applications":
			return list("")
		case page == 0:
			return list("page-1", application("a"))
		case !expired:
			expired = true
			return fails(http.StatusGone, "Expired")
		}
		return list("", application("b"))
	})
	if all, err := s.connect(t).Read(t.Context()); err != nil || len(all) != 2 {
		t.Errorf("%d objects, %v", len(all), err)
	}
}

func TestRead_AServerThatIsNotThereIsToldOnce(t *testing.T) {
	t.Parallel()
	s := serve(t, func(string, string, int) any { return list("") })
	cluster := s.connect(t, "a", "b", "c")
	s.Close()
	if _, err := cluster.Read(t.Context()); err == nil || strings.Count(err.Error(), "does not answer") != 1 {
		t.Errorf("%v", err)
	}
}

func TestConnect_SaysWhatIsWrongWithTheKubeconfig(t *testing.T) {
	t.Parallel()
	empty := filepath.Join(t.TempDir(), "kubeconfig")
	if err := os.WriteFile(empty, []byte("apiVersion: v1\nkind: Config\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, options := range []live.Options{{Kubeconfig: "gone"}, {Kubeconfig: empty, Context: "gone"}} {
		if _, err := live.Connect(options); err == nil || !strings.Contains(err.Error(), "gone") || !strings.Contains(err.Error(), "--kubeconfig") {
			t.Errorf("%+v: %v", options, err)
		}
	}
}

// TestWrite_AsksForAllBeforeItWritesOne.
func TestWrite_AsksForAllBeforeItWritesOne(t *testing.T) {
	t.Parallel()
	s := serve(t, func(resource, _ string, _ int) any {
		if resource == "applications" {
			return list("", application("a"), application("b"))
		}
		return list("")
	})
	cluster := s.connect(t)
	all, err := cluster.Read(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	s.answer = func(string, string, int) any { return fails(http.StatusConflict, "Conflict") }
	s.asked = nil
	err = cluster.Write(t.Context(), []live.Change{{Object: all[0], Text: all[0].Text}, {Object: all[1], Text: all[1].Text}})
	if err == nil || !strings.Contains(err.Error(), "nothing was written") || len(s.asked) != 2 || strings.Count(err.Error(), "Application argocd/") != 2 {
		t.Errorf("%v after %q", err, s.asked)
	}
}
