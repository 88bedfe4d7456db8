package argocd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
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
	// paper bounds what one project writes into the log; nil does not.
	paper *report.Paper
	// unlogged is set when nobody keeps the log for a message to name.
	unlogged bool
	// before knows what passed; nil knows nothing.
	before *before
}

// stage is what findings of the door itself are told under.
const stage = "argocd"

// The pauses before an application without an answer is judged again.
const (
	firstPause = time.Second
	mostPause  = 5 * time.Second
)

// settle judges an application, again while there is no answer and time is
// left: Argo CD freezes an error for an hour after three of them. A place in
// the queue is taken for each attempt, and given back during pauses. An attempt
// that the deadline cut off says less than the one before. What lasts, such as a
// credential that may not read an image, is told at once.
func (d *door) settle(ctx context.Context, source plugin.Source, turn turn) *plugin.Verdict {
	var before *plugin.Verdict
	for pause := firstPause; ; pause = min(2*pause, mostPause) {
		verdict := d.attempt(ctx, source, turn)
		switch {
		case verdict.Outcome() != plugin.Unanswered || report.Lasting(verdict):
			return verdict
		case before != nil && ctx.Err() != nil:
			return before
		case !turn.rest(ctx, pause):
			return verdict
		}
		before = verdict
		d.log.Info("no answer; asking again", "application", source.Application.Name)
	}
}

// turn says when an application may be judged.
type turn struct {
	// enter waits for a place and returns what gives it back.
	enter func(ctx context.Context, project string) (func(), error)
	// leaving is closed when nothing new is begun; may be nil.
	leaving <-chan struct{}
}

func (d *door) attempt(ctx context.Context, source plugin.Source, turn turn) *plugin.Verdict {
	leave, err := turn.enter(ctx, source.Application.Project)
	if err != nil {
		return d.failed(source, err)
	}
	defer leave()
	if verdict := d.judge.Judge(ctx, source); verdict != nil {
		return verdict
	}
	return &plugin.Verdict{Application: source.Application, Revision: source.Revision, Path: source.Path, RepositoryPath: source.RepositoryPath, At: d.clock().UTC()}
}

// rest waits for about the pause, so that those who were refused together do
// not come back together, and at most for half of the time that is left.
func (t turn) rest(ctx context.Context, pause time.Duration) bool {
	if deadline, set := ctx.Deadline(); set {
		left := time.Until(deadline)
		if left < firstPause {
			return false
		}
		pause = min(pause, left/2)
	}
	pause = pause/2 + rand.N(pause/2+1) //nolint:gosec // it only spreads requests
	select {
	case <-time.After(pause):
		return true
	case <-t.leaving:
		return false
	case <-ctx.Done():
		return false
	}
}

// failed is the verdict on what did not come as far as the pipeline.
func (d *door) failed(source plugin.Source, err error) *plugin.Verdict {
	findings := plugin.FindingsFromError(stage, err)
	plugin.SortFindings(findings)
	return &plugin.Verdict{
		Application: source.Application, Revision: source.Revision, Path: source.Path, RepositoryPath: source.RepositoryPath, At: d.clock().UTC(), Findings: findings,
	}
}

// answer turns a verdict into what Argo CD is told, and writes the report into
// the log. The context bounds the look at what passed before, and nothing else.
func (d *door) answer(ctx context.Context, v *plugin.Verdict) Answer {
	answer := Answer{Verdict: v}
	if v.Outcome() == plugin.Allowed {
		var err error
		if answer.Manifests, err = manifests(v); err != nil {
			answer.Verdict = d.failed(plugin.Source{Application: v.Application, Revision: v.Revision, Path: v.Path, RepositoryPath: v.RepositoryPath}, err)
		}
	}
	answer.Verdict.LastAllowed = d.before.lastAllowed(ctx, answer.Verdict)
	answer.Report = report.ID(answer.Verdict)
	if answer.Verdict.Outcome() != plugin.Allowed {
		named := answer.Report
		if d.unlogged {
			named = ""
		}
		answer.Manifests, answer.Message = nil, Door().Condition(answer.Verdict, named)
	}
	d.record(answer)
	return answer
}

// manifests are the verdict's documents, all of which Argo CD keeps: it reads
// an empty answer as the wish to delete everything.
func manifests(v *plugin.Verdict) ([]string, error) {
	sealed, err := v.Manifests()
	if err != nil {
		return nil, fmt.Errorf("reading what was sealed: %w", err)
	}
	list, total := documents(sealed), 0
	for _, document := range list {
		if isNullList(document) {
			return nil, errors.New("an object has items that are null; Argo CD would leave it out")
		}
		total += len(document)
	}
	switch {
	case len(list) == 0:
		return nil, errors.New("the rendering is empty")
	case len(list) != v.Objects:
		return nil, fmt.Errorf("%d objects were judged and %d documents sealed", v.Objects, len(list))
	case total > mostMessageBytes:
		return nil, fmt.Errorf("the manifests are %d bytes; Argo CD takes %d at most", total, mostMessageBytes)
	}
	return list, nil
}

// isNullList reports whether Argo CD drops an object as a list of nothing
// (isNullList of its repo-server).
func isNullList(document string) bool {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal([]byte(document), &fields); err != nil {
		return true
	}
	items, has := fields["items"]
	_, spec := fields["spec"]
	_, status := fields["status"]
	return has && string(items) == "null" && !spec && !status
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

// Door is how texts name this door.
func Door() report.Door {
	return report.Door{Log: "the assay sidecar", Again: "at the next refresh", Sharer: "AppProject", LastGood: "assay last-good"}
}

// record writes the verdict into the log.
func (d *door) record(answer Answer) {
	application := answer.Verdict.Application
	journal := report.Journal{Log: d.log, Door: Door(), Clock: d.clock, Paper: d.paper}
	journal.Record(answer.Verdict, answer.Report, application.Project, "application", application.Name, "project", application.Project)
}

// source is what the pipeline is asked about.
func (r request) source(root *os.Root, path string) plugin.Source {
	return plugin.Source{Root: root, Path: path, RepositoryPath: r.sourcePath, Revision: r.revision, Application: r.application, Parameters: r.parameters}
}
