package argocd

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
)

// Judge answers about one application. plugin/setup has the one that counts.
type Judge interface {
	Judge(ctx context.Context, source plugin.Source) *plugin.Verdict
}

// Answer is what Argo CD is told about one application.
type Answer struct {
	Verdict *plugin.Verdict
	// Report names the verdict in the log.
	Report string
	// Manifests are JSON documents, one for each object; empty unless allowed.
	Manifests []string
	// Message is what the Application's condition shows; empty when allowed.
	Message string
}

// door judges what Argo CD asks about, however it asked.
type door struct {
	judge Judge
	log   *slog.Logger
	clock func() time.Time
}

// stage is what findings of the door itself are told under.
const stage = "argocd"

// firstPause is how long is waited before an application without an answer is
// judged again; each further pause is twice as long.
const firstPause = time.Second

// settle judges an application, again while there is no answer and time is
// left: Argo CD freezes an error for an hour after three of them. A place in
// the queue is taken for each attempt, and given back during pauses.
func (d *door) settle(ctx context.Context, source plugin.Source, enter func(context.Context) (func(), error)) *plugin.Verdict {
	for pause := firstPause; ; pause *= 2 {
		verdict := d.attempt(ctx, source, enter)
		if verdict.Outcome() != plugin.Unanswered || !rest(ctx, pause) {
			return verdict
		}
		d.log.Info("no answer; asking again", "application", source.Application.Name, "after", pause.String())
	}
}

func (d *door) attempt(ctx context.Context, source plugin.Source, enter func(context.Context) (func(), error)) *plugin.Verdict {
	leave, err := enter(ctx)
	if err != nil {
		return d.failed(source, err)
	}
	defer leave()
	return d.judge.Judge(ctx, source)
}

// rest waits, unless nothing could be asked in the time that is left then.
func rest(ctx context.Context, pause time.Duration) bool {
	if deadline, set := ctx.Deadline(); set && time.Until(deadline) < 2*pause {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// failed is the verdict on what did not come as far as the pipeline.
func (d *door) failed(source plugin.Source, err error) *plugin.Verdict {
	findings := plugin.FindingsFromError(stage, err)
	plugin.SortFindings(findings)
	return &plugin.Verdict{
		Application: source.Application, Revision: source.Revision, Path: source.Path, At: d.clock().UTC(), Findings: findings,
	}
}

// answer turns a verdict into what Argo CD is told, and writes the whole report
// into the log. An allowed application without manifests is an error here:
// Argo CD reads an empty answer as "delete everything".
func (d *door) answer(v *plugin.Verdict) Answer {
	answer := Answer{Verdict: v, Report: reportID(v)}
	if v.Outcome() == plugin.Allowed {
		sealed, err := v.Manifests()
		if answer.Manifests = documents(sealed); err == nil && len(answer.Manifests) == 0 {
			err = errors.New("the rendering is empty")
		}
		if err != nil {
			answer.Manifests = nil
			answer.Verdict = d.failed(plugin.Source{Application: v.Application, Revision: v.Revision, Path: v.Path}, err)
		}
	}
	if answer.Verdict.Outcome() != plugin.Allowed {
		answer.Message = message(answer.Verdict, answer.Report)
	}
	d.record(answer)
	return answer
}

// documents cuts the seal into its JSON documents, one a line.
func documents(sealed []byte) []string {
	var list []string
	for line := range bytes.Lines(sealed) {
		if line = bytes.TrimSpace(line); len(line) > 0 && !bytes.Equal(line, []byte("---")) {
			list = append(list, string(line))
		}
	}
	return list
}

// record writes the verdict into the log: whole when something was found, as
// Argo CD has no place for what does not stop an application.
func (d *door) record(answer Answer) {
	v := answer.Verdict
	attributes := []any{
		"report", answer.Report, "application", v.Application.Name, "project", v.Application.Project, "revision", v.Revision, "path", v.Path,
		"outcome", v.Outcome().String(), "objects", v.Objects, "images", len(v.Images),
		"denied", v.Count(plugin.Deny), "undetermined", v.Count(plugin.Undetermined), "warnings", v.Count(plugin.Warn),
	}
	level := slog.LevelInfo
	if v.Outcome() != plugin.Allowed {
		level = slog.LevelWarn
	}
	if v.Outcome() != plugin.Allowed || v.Count(plugin.Warn) > 0 {
		attributes = append(attributes, "verdict", whole(v))
	}
	d.log.Log(context.Background(), level, "judged", attributes...)
}

// whole is the JSON report, as a value of the log's own JSON.
func whole(v *plugin.Verdict) any {
	reporter, err := report.For("json", report.Options{})
	if err != nil {
		return err.Error()
	}
	var out bytes.Buffer
	if err := reporter.Report(&out, v); err != nil {
		return err.Error()
	}
	return rawJSON(out.Bytes())
}

// rawJSON is put into a JSON log as it is.
type rawJSON []byte

// MarshalJSON implements json.Marshaler.
func (r rawJSON) MarshalJSON() ([]byte, error) { return r, nil }

// String is for logs as text.
func (r rawJSON) String() string { return string(r) }

// source is what the pipeline is asked about.
func (r request) source(root *os.Root, path string) plugin.Source {
	return plugin.Source{Root: root, Path: path, Revision: r.revision, Application: r.application, Parameters: r.parameters}
}
