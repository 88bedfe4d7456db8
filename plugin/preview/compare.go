package preview

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

// compare judges what the change affects, on both sides, one application after
// the other on each worker: no two of them hold their objects longer than that.
func (r *runner) compare(ctx context.Context, pairs []pair, gaps []change.Unseen) (change.Report, error) {
	pairs = r.renamed(ctx, slices.DeleteFunc(slices.Clone(pairs), pair.hidden))
	affected := slices.DeleteFunc(slices.Clone(pairs), func(p pair) bool { return !r.All && p.unaffected(&r.known.stills) })
	compared := make([]change.Application, len(affected))
	var mu sync.Mutex
	done := 0
	for _, wave := range generations(affected) {
		sideBySide(r.Workers, len(wave), func(i int) {
			i = len(wave) - 1 - i // the last that were rendered are kept
			compared[wave[i]] = r.judge(ctx, affected[wave[i]], gaps)
			mu.Lock()
			defer mu.Unlock()
			done++
			r.Progress(fmt.Sprintf("judged %d of %d applications", done, len(affected)))
		})
	}
	if err := context.Cause(ctx); err != nil {
		return change.Report{}, fmt.Errorf("judging what the change affects: %w", err)
	}
	return change.Summarise(change.Header{
		Base: r.Base.named(), Head: r.Head.named(), At: r.At, Gates: r.gates.names(), Unaffected: len(pairs) - len(affected), Unseen: gaps,
	}, compared), nil
}

// generations are the places of applications by what rendered them, the youngest
// first: what is a value in the definition of a child may be a Secret in what the
// child renders.
func generations(pairs []pair) [][]int {
	deep := map[int][]int{}
	for i, p := range pairs {
		depth := len(p.named().Parents)
		deep[depth] = append(deep[depth], i)
	}
	var waves [][]int
	for _, depth := range slices.Backward(slices.Sorted(maps.Keys(deep))) {
		waves = append(waves, deep[depth])
	}
	return waves
}

// judge compares one application.
func (r *runner) judge(ctx context.Context, p pair, gaps []change.Unseen) change.Application {
	named := p.named()
	input := change.Input{
		Kind: named.Kind, Namespace: named.Namespace, Name: named.Name, Origin: named.Origin, Parents: named.Parents, Path: pathsOf(named), Notes: named.Notes,
		Base: r.verdicts(ctx, r.Base, p.base), Head: r.verdicts(ctx, r.Head, p.head), Options: r.Compare,
	}
	if reason := p.lost(gaps); reason != nil {
		input.Head = r.noAnswer(p, reason)
	}
	if p.base != nil && !p.base.seen() {
		input.Notes = append(slices.Clip(input.Notes), "its source on the base could not be looked at, so that all of it counts as added")
	}
	if p.base != nil && p.head != nil {
		if p.base.label() != p.head.label() {
			input.WasName = strings.TrimPrefix(p.base.Namespace+"/"+p.base.Name, "/")
		}
		input.Raised = projectChanged(p)
	}
	return change.Compare(input)
}

// verdicts judges every part of an application on one side.
func (r *runner) verdicts(ctx context.Context, side Side, application *deployed) *change.Judged {
	if !application.seen() {
		return nil
	}
	made := &change.Judged{}
	for _, part := range application.parts {
		verdict := r.verdict(ctx, part)
		r.gates.add(verdict.Gates)
		made.Verdicts, made.Hidden = append(made.Verdicts, verdict), append(made.Hidden, verdict.Hidden()...)
		if len(application.Parents) > 0 {
			r.secrets.add(application.Parents, plugin.SecretValues(verdict.Rendered()))
		}
	}
	made.Hidden = append(made.Hidden, r.secrets.of(application.AsParent())...)
	if r.Judged != nil {
		r.Judged(side, application.Application, made.Verdicts)
	}
	return made
}

func (r *runner) verdict(ctx context.Context, part *located) *plugin.Verdict {
	switch {
	case part.problem != nil:
		return r.Setup.Refused(part.source, part.problem)
	case part.release != nil:
		return r.Setup.JudgeRelease(ctx, part.outer, part.release)
	}
	return r.Setup.Judge(ctx, part.source)
}

// names is a set of names that several may add to.
type names struct {
	mu  sync.Mutex
	set map[string]bool
}

func (n *names) add(more []string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, name := range more {
		n.set[name] = true
	}
}

func (n *names) names() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Sorted(maps.Keys(n.set))
}

// projectChanged tells that other gates may judge the head than the base.
func projectChanged(p pair) []plugin.Finding {
	was, now := p.base.Identity.Project, p.head.Identity.Project
	if was == now {
		return nil
	}
	return []plugin.Finding{{
		Rule: "diff/project", Level: plugin.Warn, Origin: p.head.Origin, Message: fmt.Sprintf("the change moves the application from project %q to %q", was, now),
		Why: "the project chooses the gates, and the one who writes the change chooses the project", Hint: "let the owners of both projects review it",
	}}
}

func pathsOf(application *deployed) string {
	var paths []string
	for _, part := range application.Parts {
		switch {
		case part.Chart != nil:
			paths = append(paths, part.Chart.Name+" "+part.Chart.Version)
		case part.Path != "":
			paths = append(paths, part.Path)
		}
	}
	return strings.Join(slices.Compact(paths), ", ")
}
