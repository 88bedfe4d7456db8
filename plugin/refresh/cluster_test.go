package refresh

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// apiServer is the part of an API server that lists, watches and patches
// Applications.
type apiServer struct {
	*httptest.Server

	// failures is how many lists fail before one is answered.
	failures atomic.Int32
	// deaf has the server refuse to be watched.
	deaf  atomic.Bool
	names []string
	// later are told to whoever watches.
	later chan string
	// hangUp ends a watch.
	hangUp  chan struct{}
	patches chan string
	refuse  *metav1.Status
}

func startAPIServer(t *testing.T, names ...string) *apiServer {
	t.Helper()
	s := &apiServer{names: names, later: make(chan string), hangUp: make(chan struct{}), patches: make(chan string, 10)}
	s.Server = httptest.NewServer(s)
	t.Cleanup(s.stop)
	return s
}

// stop ends also what watches.
func (s *apiServer) stop() {
	s.CloseClientConnections()
	s.Close()
}

func (s *apiServer) object(name string) map[string]any {
	return map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
		"metadata": map[string]any{"name": name, "namespace": "argocd", "uid": "u-" + name, "resourceVersion": "7"},
		"spec":     map[string]any{"project": "team-a", "source": map[string]any{"repoURL": "r", "plugin": map[string]any{"name": "assay"}}},
		"status":   map[string]any{"resources": strings.Repeat("x", 1000)},
	}
}

func (s *apiServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	switch {
	case r.Method == http.MethodPatch && s.refuse != nil:
		w.WriteHeader(int(s.refuse.Code))
		_ = json.NewEncoder(w).Encode(s.refuse)
	case r.Method == http.MethodPatch:
		body, _ := io.ReadAll(r.Body)
		s.patches <- r.Header.Get("Content-Type") + " " + r.URL.String() + " " + string(body)
		_ = json.NewEncoder(w).Encode(s.object("one"))
	case r.URL.Query().Get("sendInitialEvents") == "true":
		w.WriteHeader(http.StatusUnprocessableEntity) // as a server without streamed lists
		_ = json.NewEncoder(w).Encode(metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: 422, Reason: metav1.StatusReasonInvalid})
	case r.URL.Query().Get("watch") == "true" && s.deaf.Load():
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":403,"reason":"Forbidden","message":"you may not watch"}`, http.StatusForbidden)
	case r.URL.Query().Get("watch") == "true":
		w.(http.Flusher).Flush()
		for {
			select {
			case <-r.Context().Done():
				return
			case <-s.hangUp:
				return
			case name := <-s.later:
				_ = json.NewEncoder(w).Encode(map[string]any{"type": "ADDED", "object": s.object(name)})
				w.(http.Flusher).Flush()
			}
		}
	case s.failures.Add(-1) >= 0:
		http.Error(w, `{"kind":"Status","apiVersion":"v1","status":"Failure","code":403,"reason":"Forbidden","message":"you may not list"}`, http.StatusForbidden)
	default:
		var items []any
		for _, name := range s.names {
			items = append(items, s.object(name))
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"apiVersion": "argoproj.io/v1alpha1", "kind": "ApplicationList", "metadata": map[string]any{"resourceVersion": "7"}, "items": items})
	}
}

func (s *apiServer) watched(t *testing.T) *Watched {
	t.Helper()
	client, err := dynamic.NewForConfig(&rest.Config{Host: s.URL, QPS: -1})
	must(t, err)
	watched, err := Watch(t.Context(), client, "argocd", "argocd")
	must(t, err)
	return watched
}

func TestWatched_ListsAndFollows(t *testing.T) {
	s := startAPIServer(t, "one", "two")
	w := s.watched(t)
	apps, err := w.Applications(t.Context())
	if err != nil || len(apps) != 2 || apps[0].Project != "team-a" || len(apps[0].Sources) != 1 || apps[0].UID == "" {
		t.Fatalf("%+v, %v", apps, err)
	}
	s.later <- "three"
	for len(apps) < 3 { // it ends with the test's time
		apps, err = w.Applications(t.Context())
		must(t, err)
		time.Sleep(time.Millisecond)
	}
}

func TestWatched_SaysWhyThereIsNoList(t *testing.T) {
	s := startAPIServer(t, "one")
	s.failures.Store(1000)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
	defer cancel()
	w := s.watched(t)
	_, err := w.Applications(ctx)
	if err == nil || !strings.Contains(err.Error(), "you may not list") || !strings.Contains(err.Error(), "manifests/argocd/refresh") || w.Trouble() == nil {
		t.Fatalf("got %v", err)
	}
	s.failures.Store(0)
	if apps, err := w.Applications(t.Context()); err != nil || len(apps) != 1 {
		t.Errorf("once it answers: %+v, %v", apps, err)
	}
}

func TestWatched_AWatchThatBreaksAfterTheFirstListIsTrouble(t *testing.T) {
	s := startAPIServer(t, "one")
	w := s.watched(t)
	_, err := w.Applications(t.Context())
	must(t, err)
	s.later <- "two" // it is watched
	for w.Trouble() != nil {
		time.Sleep(time.Millisecond)
	}
	s.deaf.Store(true)
	s.hangUp <- struct{}{}
	for w.Trouble() == nil { // it ends with the test's time
		time.Sleep(time.Millisecond)
	}
	if err := w.Trouble(); err != nil && (!strings.Contains(err.Error(), "you may not watch") || !strings.Contains(err.Error(), "manifests/argocd/refresh")) {
		t.Errorf("got %v", err)
	}
	if apps, err := w.Applications(t.Context()); err != nil || len(apps) == 0 {
		t.Errorf("those known are %+v, %v", apps, err)
	}
	s.deaf.Store(false)
	s.later <- "three"
	for w.Trouble() != nil {
		time.Sleep(time.Millisecond)
	}
}

func TestAsk_SetsTheAnnotationOfThatVeryApplication(t *testing.T) {
	s := startAPIServer(t, "one")
	w := s.watched(t)
	must(t, w.Ask(t.Context(), Application{Namespace: "argocd", Name: "one", UID: "u-one"}))
	want := `application/merge-patch+json /apis/argoproj.io/v1alpha1/namespaces/argocd/applications/one?fieldManager=assay-refresh ` +
		`{"metadata":{"uid":"u-one","annotations":{"argocd.argoproj.io/refresh":"hard"}}}`
	if got := <-s.patches; got != want {
		t.Errorf("got %s", got)
	}
}

func TestAsk_TellsRefusalsFromSilence(t *testing.T) {
	s := startAPIServer(t, "one")
	w := s.watched(t)
	for reason, code := range map[metav1.StatusReason]int32{
		metav1.StatusReasonForbidden: 403, metav1.StatusReasonInvalid: 422, metav1.StatusReasonConflict: 409, metav1.StatusReasonBadRequest: 400,
		metav1.StatusReasonUnauthorized: 401, metav1.StatusReasonInternalError: 500, metav1.StatusReasonServiceUnavailable: 503,
	} {
		s.refuse = &metav1.Status{TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"}, Status: "Failure", Code: code, Reason: reason, Message: "no"}
		err := w.Ask(t.Context(), Application{Namespace: "argocd", Name: "one"})
		if err == nil || apierrors.ReasonForError(err) != reason || about(err) != (code == 403 || code == 422 || code == 409 || code == 400) || hint(err) == "" {
			t.Errorf("%s: %v, about one: %v", reason, err, about(err))
		}
	}
	s.stop()
	if err := w.Ask(t.Context(), Application{Namespace: "argocd", Name: "one"}); err == nil || about(err) {
		t.Errorf("a server that is gone: %v", err)
	}
	if about(fmt.Errorf("waiting: %w", context.DeadlineExceeded)) || about(errors.New("refused")) {
		t.Error("no answer is taken for a refusal")
	}
}
