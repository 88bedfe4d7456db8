//go:build e2e

package flux_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	eventv1 "github.com/fluxcd/pkg/apis/event/v1beta1"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// sink stands where Flux's notification-controller is.
type sink struct {
	url string
	mu  sync.Mutex
	got []eventv1.Event
}

func (w *world) newSink() *sink {
	s := &sink{}
	server := httptest.NewServer(s)
	w.t.Cleanup(server.Close)
	s.url = server.URL + "/"
	return s
}

// ServeHTTP takes an event.
func (s *sink) ServeHTTP(out http.ResponseWriter, request *http.Request) {
	var event eventv1.Event
	if err := json.NewDecoder(http.MaxBytesReader(out, request.Body, 1<<20)).Decode(&event); err != nil {
		http.Error(out, err.Error(), http.StatusBadRequest)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.got = append(s.got, event)
	out.WriteHeader(http.StatusAccepted)
}

func (s *sink) events() []eventv1.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]eventv1.Event(nil), s.got...)
}

// event waits for one about the ExternalArtifact assay-app, as Alerts know no
// other kind of assay's.
func (w *world) event(severity string, words ...string) eventv1.Event {
	w.t.Helper()
	var found eventv1.Event
	err := controlplane.Until(w.slowly(), func(context.Context) error {
		var others []string
		for _, event := range w.told.events() {
			about := fmt.Sprintf("%s %s/%s %s %s: %s", event.InvolvedObject.Kind, event.InvolvedObject.Namespace, event.InvolvedObject.Name, event.Severity, event.Reason, event.Message)
			if strings.HasPrefix(about, "ExternalArtifact "+w.name+"/assay-app "+severity+" ") && hasAll(about, words) {
				found = event
				return nil
			}
			others = append(others, about)
		}
		return fmt.Errorf("there are only:\n%s", strings.Join(others, "\n"))
	})
	if err != nil {
		w.t.Fatalf("waiting for an event of severity %s with %q: %v", severity, words, err)
	}
	return found
}

func hasAll(text string, words []string) bool {
	for _, each := range words {
		if !strings.Contains(text, each) {
			return false
		}
	}
	return true
}
