package report

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"
)

// TestJournal_OneOwnerDoesNotFillTheLog: its reports are left out after a
// while, until the next minute; another owner's are not.
func TestJournal_OneOwnerDoesNotFillTheLog(t *testing.T) {
	now := time.Date(2026, 11, 23, 9, 0, 0, 0, time.UTC)
	var log bytes.Buffer
	j := Journal{Log: slog.New(slog.NewJSONHandler(&log, nil)), Door: sidecar(), Clock: func() time.Time { return now }, Paper: &Paper{}}
	record := func(owner string) string {
		log.Reset()
		v := findings(100, strings.Repeat("x", 1000))
		j.Record(v, "r", owner, "application", v.Application.Name)
		return log.String()
	}
	total := 0
	for range 100 {
		total += len(record("evil"))
	}
	if total > mostPaper+mostLogged+100*1000 {
		t.Errorf("%d bytes were written", total)
	}
	if said := record("evil"); strings.Contains(said, `"verdict"`) || !strings.Contains(said, `"left_out"`) || !strings.Contains(said, `"outcome":"denied"`) {
		t.Errorf("%.300s", said)
	}
	if !strings.Contains(record("good"), `"verdict"`) {
		t.Error("another owner's report was left out")
	}
	now = now.Add(time.Minute)
	if !strings.Contains(record("evil"), `"verdict"`) {
		t.Error("reports are left out for ever")
	}
}
