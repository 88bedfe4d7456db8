package report

import (
	"bytes"
	"context"
	"log/slog"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Journal writes verdicts into a log: whole when something was found, as a
// front door has no place for what does not stop an application.
type Journal struct {
	Log   *slog.Logger
	Door  Door
	Clock func() time.Time
	// Paper bounds what one owner writes into the log; nil does not.
	Paper *Paper
}

// Record writes one verdict. The owner is whose reports count together; about
// are attributes of the log that name the application.
func (j Journal) Record(v *plugin.Verdict, id, owner string, about ...any) {
	attributes := append([]any{"report", id}, about...)
	attributes = append(attributes, "revision", v.Revision, "path", v.Path,
		"outcome", v.Outcome().String(), "objects", v.Objects, "images", len(v.Images),
		"denied", v.Count(plugin.Deny), "undetermined", v.Count(plugin.Undetermined), "warnings", v.Count(plugin.Warn),
	)
	if v.LastAllowed.Revision != "" {
		attributes = append(attributes, "last_allowed", v.LastAllowed.Revision, "last_allowed_at", v.LastAllowed.Time.UTC())
	}
	level := slog.LevelInfo
	if v.Outcome() != plugin.Allowed {
		level = slog.LevelWarn
	}
	switch told := v.Outcome() != plugin.Allowed || v.Count(plugin.Warn) > 0; {
	case told && j.Paper.left(owner, j.Clock()):
		report, size := j.Door.whole(v, id)
		j.Paper.use(owner, size)
		attributes = append(attributes, "verdict", report)
	case told:
		attributes = append(attributes, "left_out", "the report, as this "+j.Door.Sharer+"'s fill the log; it is written when the application is judged later")
	}
	j.Log.Log(context.Background(), level, "judged", attributes...)
}

// mostLogged bounds a report in the log, in bytes: one application must not
// push the others' reports out of it.
const mostLogged = 128 << 10

// whole is the JSON report, as a value of the log's own JSON, with as many
// findings as have room, and its size; the report says how many are left out.
func (d Door) whole(v *plugin.Verdict, id string) (logged any, size int) {
	for findings := int64(200); findings > 0; findings /= 4 {
		reporter, err := For("json", Options{Findings: findings})
		if err != nil {
			return err.Error(), len(err.Error())
		}
		var out bytes.Buffer
		if err := reporter.Report(&out, v); err != nil {
			return err.Error(), len(err.Error())
		}
		if out.Len() <= mostLogged {
			return rawJSON(out.Bytes()), out.Len()
		}
	}
	text := cut(d.Condition(v, id), mostLogged)
	return text, len(text)
}

// rawJSON is put into a JSON log as it is.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// String is for logs as text.
func (r rawJSON) String() string { return string(r) }
