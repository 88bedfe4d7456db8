package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
	"github.com/assay-gitops/assay/plugin/report"
)

// apiServer is the part of an API server that takes policy reports.
type apiServer struct {
	*httptest.Server

	status int
	asked  []*http.Request
	bodies []report.PolicyReport
}

func startAPIServer(t *testing.T) *apiServer {
	t.Helper()
	server := &apiServer{status: http.StatusCreated}
	server.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var body report.PolicyReport
		if err := json.Unmarshal(data, &body); err != nil {
			t.Error(err)
		}
		server.asked, server.bodies = append(server.asked, r), append(server.bodies, body)
		w.WriteHeader(server.status)
		_, _ = io.WriteString(w, "no\x1b[31m")
	}))
	t.Cleanup(server.Close)
	return server
}

func verdictFor(namespace string, at time.Time) *plugin.Verdict {
	return &plugin.Verdict{
		Application: plugin.Application{Name: "shop", Namespace: namespace}, Path: "overlays/prod", At: at,
		Findings: []plugin.Finding{{Rule: "image/not-signed", Image: "registry.example.com/shop/web:1", Message: "nobody signed it"}},
	}
}

func TestPolicyReports_AreAppliedOnceForEachAnswer(t *testing.T) {
	server := startAPIServer(t)
	var log bytes.Buffer
	writer := newClusterWriter("policyreport", &cluster.API{Server: server.URL, Client: server.Client()}, slog.New(slog.NewTextHandler(&log, nil)))
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	allowed := verdictFor("shop", at)
	allowed.Findings = nil
	for _, v := range []*plugin.Verdict{verdictFor("shop", at), verdictFor("shop", at.Add(time.Hour)), allowed, verdictFor("", at)} {
		writer.tell(v)
	}
	if len(writer.waiting) != 3 {
		t.Fatalf("%d reports wait", len(writer.waiting))
	}
	for range 3 {
		must(t, writer.write(t.Context(), <-writer.waiting))
	}
	if len(server.asked) != 2 || log.Len() > 0 {
		t.Fatalf("%d requests, log %s", len(server.asked), log.String())
	}
	asked, body := server.asked[0], server.bodies[0]
	wantPath := "/apis/wgpolicyk8s.io/v1alpha2/namespaces/shop/policyreports/" + body.Metadata.Name
	if asked.Method != http.MethodPatch || asked.URL.Path != wantPath || asked.URL.Query().Get("fieldManager") != "assay" || asked.Header.Get("Content-Type") != "application/apply-patch+yaml" {
		t.Errorf("%s %s %v", asked.Method, asked.URL, asked.Header)
	}
	if body.Kind != "PolicyReport" || body.Metadata.Namespace != "shop" || body.Summary.Fail != 2 {
		t.Errorf("%+v", body)
	}
}

func TestPolicyReports_ThatCannotBeWrittenAreToldAndTriedAgain(t *testing.T) {
	server := startAPIServer(t)
	server.status = http.StatusForbidden
	writer := newClusterWriter("openreports", &cluster.API{Server: server.URL, Client: server.Client()}, slog.New(slog.DiscardHandler))
	at := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	made, err := report.NewPolicyReport(verdictFor("shop", at), "openreports", report.Options{})
	must(t, err)
	if err := writer.write(t.Context(), made); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("got %v", err)
	}
	server.status = http.StatusOK
	must(t, writer.write(t.Context(), made))
	if len(server.asked) != 2 || !strings.HasPrefix(server.asked[1].URL.Path, "/apis/openreports.io/v1alpha1/namespaces/shop/reports/") {
		t.Errorf("%d requests", len(server.asked))
	}
	server.Close()
	made.Results[0].Message = "another"
	if err := writer.write(t.Context(), made); err == nil {
		t.Error("a server that is gone wrote a report")
	}
}

func TestPolicyReports_ThatCannotBeWrittenAreLoggedOnce(t *testing.T) {
	server := startAPIServer(t)
	var log bytes.Buffer
	writer := newClusterWriter("policyreport", &cluster.API{Server: server.URL, Client: server.Client()}, slog.New(slog.NewTextHandler(&log, nil)))
	made, err := report.NewPolicyReport(verdictFor("shop", time.Time{}), "policyreport", report.Options{})
	must(t, err)
	other := made
	other.Metadata.Name = "another"
	for i, step := range []struct {
		status int
		report report.PolicyReport
		want   int // lines in the log
	}{
		{http.StatusForbidden, made, 1}, {http.StatusForbidden, made, 1}, {http.StatusForbidden, other, 2}, {http.StatusNotFound, made, 3},
		{http.StatusOK, made, 3}, {http.StatusOK, made, 3}, {http.StatusNotFound, other, 4},
	} {
		server.status = step.status
		writer.try(t.Context(), step.report)
		if lines := strings.Count(log.String(), "could not be written"); lines != step.want {
			t.Errorf("step %d: %d lines, want %d:\n%s", i, lines, step.want, log.String())
		}
	}
	writer.known = map[string][sha256.Size]byte{} // as when many were written since
	server.status = http.StatusNotFound
	if writer.try(t.Context(), made); strings.Count(log.String(), "could not be written") != 5 {
		t.Errorf("what failed, was written and fails again is not told:\n%s", log.String())
	}
}

func TestPolicyReports_NeverHoldAnAnswerUp(t *testing.T) {
	var log bytes.Buffer
	writer := newClusterWriter("policyreport", &cluster.API{Server: "https://nowhere.example.com", Client: http.DefaultClient}, slog.New(slog.NewTextHandler(&log, nil)))
	for range mostWaiting + 1 { // nobody writes
		writer.tell(verdictFor("shop", time.Time{}))
	}
	if len(writer.waiting) != mostWaiting || strings.Count(log.String(), "is dropped") != 1 {
		t.Errorf("%d wait, log %s", len(writer.waiting), log.String())
	}
}

func TestPolicyReports_NeedAFormatAndAServiceAccount(t *testing.T) {
	log := slog.New(slog.DiscardHandler)
	if told, stop, err := tellCluster(t.Context(), "", log); told != nil || err != nil {
		t.Errorf("none: %v", err)
	} else {
		stop()
	}
	if _, _, err := tellCluster(t.Context(), "sarif", log); err == nil || !strings.Contains(err.Error(), "none of policyreport, openreports") {
		t.Errorf("another format: %v", err)
	}
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	if _, _, err := tellCluster(t.Context(), "policyreport", log); err == nil || !strings.Contains(err.Error(), "manifests/argocd/policy-reports") {
		t.Errorf("outside of a cluster: %v", err)
	}
}
