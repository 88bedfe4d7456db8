package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/audit"
	"github.com/assay-gitops/assay/plugin/audit/cluster"
	"github.com/assay-gitops/assay/plugin/audit/events"
	"github.com/assay-gitops/assay/plugin/audit/reports"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// recorded is a recording by the built-in gate, what is written to standard
// output, and the log.
func recorded(t *testing.T, flags recordFlags) (*recording, *bytes.Buffer, *bytes.Buffer) {
	t.Helper()
	judge, err := setup.New(setup.Options{Config: gate.Default(), LockRequired: true})
	must(t, err)
	t.Cleanup(judge.Close)
	var out, log bytes.Buffer
	must(t, flags.check())
	records, err := startRecording(t.Context(), flags, &out, judge, slog.New(slog.NewTextHandler(&log, nil)))
	must(t, err)
	return records, &out, &log
}

// countersOf are the counters that Prometheus reads.
func countersOf(t *testing.T, records *recording) map[string]float64 {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(&records.counters)
	families, err := registry.Gather()
	must(t, err)
	got := map[string]float64{}
	for _, family := range families {
		got[family.GetName()] = family.GetMetric()[0].GetCounter().GetValue() + family.GetMetric()[0].GetGauge().GetValue()
	}
	return got
}

func TestRecord_AuditLogGoesToAFileOrToStandardOutput(t *testing.T) {
	file := filepath.Join(t.TempDir(), "audit.jsonl")
	for _, where := range []string{file, "-"} {
		records, out, log := recorded(t, recordFlags{log: where, logBytes: audit.DefaultLogBytes})
		tellAll(nil, records.tell())(denialOf("shop"))
		records.stop()
		line := out.Bytes()
		if where != "-" {
			var err error
			line, err = os.ReadFile(file)
			must(t, err)
		}
		var record audit.Record
		must(t, json.Unmarshal(line, &record))
		if record.Application != "shop" || record.Outcome != plugin.Denied || !strings.HasPrefix(record.GateDigest, "sha256:") || record.Version == "" {
			t.Errorf("%s", line)
		}
		if got := countersOf(t, records); got["assay_audit_records_total"] != 1 || got["assay_audit_failures_total"] != 0 || log.Len() > 0 {
			t.Errorf("counted %v, log %s", got, log.String())
		}
	}
}

func TestRecord_AuditLogOnAFullDiskIsCounted(t *testing.T) {
	link := filepath.Join(t.TempDir(), "audit.jsonl")
	must(t, os.Symlink("/dev/full", link))
	records, _, log := recorded(t, recordFlags{log: link, logBytes: audit.DefaultLogBytes})
	records.tell()(denialOf("shop"))
	records.tell()(denialOf("shop"))
	records.stop()
	if got := countersOf(t, records); got["assay_audit_failures_total"] != 2 || strings.Count(log.String(), "no space left") != 1 {
		t.Errorf("counted %v, log %s", got, log.String())
	}
}

func TestRecord_NobodyIsToldWhenNothingIsAskedFor(t *testing.T) {
	records, _, _ := recorded(t, recordFlags{})
	if records.tell() != nil || len(countersOf(t, records)) != 0 {
		t.Error("somebody is told")
	}
	tellAll(nil, records.tell())(denialOf("shop"))
	records.stop()
}

func TestRecord_AuditLogThatIsAFolderIsRefused(t *testing.T) {
	if err := (&recordFlags{log: t.TempDir()}).check(); err == nil || asExit(err).Error() == "" || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("got %v", err)
	}
}

func denialOf(name string) *plugin.Verdict {
	v := verdictFor("shop", judgedAt())
	v.Application.Name = name
	return v
}

func judgedAt() time.Time { return time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC) }

func TestRecord_ReportsAreKeptAndAnsweredAbout(t *testing.T) {
	dir := t.TempDir()
	token := filepath.Join(dir, "token")
	must(t, os.WriteFile(token, []byte("0123456789abcdef-token\n"), 0o600))
	address := freeAddress(t)
	records, _, log := recorded(t, recordFlags{namespace: "argocd", reports: reportFlags{dir: dir, address: address, token: token}})
	client, err := reports.NewClient("http://"+address, reports.TokenFile(token))
	must(t, err)
	if _, err := client.Last(t.Context(), "", "shop"); !errors.Is(err, reports.ErrUnknown) {
		t.Errorf("got %v", err)
	}
	records.tell()(denialOf("shop"))
	for records.counters.Reports.Taken() == 0 && records.counters.Reports.Failed() == 0 {
		time.Sleep(time.Millisecond)
	}
	last, err := client.Last(t.Context(), "", "shop")
	if err != nil || last.Record.Outcome != plugin.Denied || !strings.HasPrefix(last.Record.FirstLine, "assay denied shop") {
		t.Errorf("last is %+v, %v", last, err)
	}
	page, err := client.Page(t.Context(), 10, "", false)
	if err != nil || len(page.Gates) != 1 || !strings.HasPrefix(page.Gates[0], "sha256:") {
		t.Errorf("%+v, %v", page, err)
	}
	if got := countersOf(t, records); got["assay_reports_records_total"] != 1 || got["assay_reports_failures_total"] != 0 || got["assay_reports_applications"] != 1 || got["assay_reports_bytes"] == 0 {
		t.Errorf("counted %v, log %s", got, log.String())
	}
	records.stop()
	if _, err := client.Last(t.Context(), "", "shop"); err == nil {
		t.Error("it answers after its end")
	}
}

func TestRecord_TheStoreSaysWhatPassedBefore(t *testing.T) {
	dir := t.TempDir()
	store, err := reports.Open(reports.Options{Dir: dir})
	must(t, err)
	denied := denialOf("shop")
	denied.Revision = "9d2b41c7"
	passed := audit.From(denied, audit.About{})
	passed.Outcome, passed.Revision = plugin.Allowed, "3f786850"
	must(t, store.Add(t.Context(), audit.Entry{Record: passed}))
	records, _, _ := recorded(t, recordFlags{reports: reportFlags{dir: dir}})
	defer records.stop()
	if got, err := records.lastAllowed(t.Context(), denied); err != nil || got.Revision != "3f786850" {
		t.Errorf("%+v, %v", got, err)
	}
	without, _, _ := recorded(t, recordFlags{log: "-"})
	defer without.stop()
	if without.lastAllowed != nil {
		t.Error("it is asked without a store")
	}
}

func TestRecord_FlagsThatDoNothingAreRefused(t *testing.T) {
	for want, flags := range map[string]reportFlags{
		"":                {dir: "d", address: ":8087", token: "t", peers: "a:1"},
		"--reports-dir":   {address: ":8087", token: "t"},
		"by --reports-to": {dir: "d", address: ":8087"},
		"reports-token d": {dir: "d", token: "t"},
		"extension-token": {dir: "d", extensionToken: "t"},
		"reports-peers d": {dir: "d", peers: "a:1"},
	} {
		if err := flags.check(); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v", flags, err)
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	must(t, listener.Close())
	return listener.Addr().String()
}

func TestRecord_EventsAreCountedAndAServerThatRefusesChangesNothing(t *testing.T) {
	records, _, log := recorded(t, recordFlags{log: "-"})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "forbidden", http.StatusForbidden) }))
	defer server.Close()
	api := &cluster.API{Server: server.URL, Client: server.Client()}
	records.tellEvents(t.Context(), &events.Writer{API: api, Namespace: "argocd", Clock: time.Now}, slog.New(slog.NewTextHandler(log, nil)))
	v := denialOf("shop")
	records.tell()(v)
	records.tell()(v)
	records.stop()
	got := countersOf(t, records)
	if got["assay_events_failures_total"] != 2 || got["assay_events_written_total"] != 0 || got["assay_audit_records_total"] != 2 || v.Outcome() != plugin.Denied {
		t.Errorf("counted %v", got)
	}
	if strings.Count(log.String(), "an Event could not be written") != 1 || !strings.Contains(log.String(), "403") {
		t.Errorf("log %s", log.String())
	}
}

func TestRecord_EventsNeedArgoCDsNamespaceAndACluster(t *testing.T) {
	if err := (&recordFlags{events: true}).check(); err == nil || !strings.Contains(err.Error(), "--argocd-namespace") {
		t.Errorf("got %v", err)
	}
	flags := recordFlags{events: true, namespace: "argocd"}
	must(t, flags.check())
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	judge, err := setup.New(setup.Options{Config: gate.Default(), LockRequired: true})
	must(t, err)
	defer judge.Close()
	if _, err := startRecording(t.Context(), flags, io.Discard, judge, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "manifests/argocd/events") {
		t.Errorf("got %v", err)
	}
}
