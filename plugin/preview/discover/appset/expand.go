package appset

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Input is what an ApplicationSet is expanded with.
type Input struct {
	// Tree is the tree of a repository at a revision, for Git generators. Its error
	// says why the tree cannot be seen; a nil function sees none.
	Tree func(ctx context.Context, repository, revision string) (*os.Root, error)
	// Clusters are Argo CD's cluster Secrets; nil means that nobody gave them.
	Clusters []plugin.Object
	Limits   plugin.Limits
	// Replaced are template functions that take the place of sprig's of the same
	// names, and call note when their answer is another one each time; nil for
	// none.
	Replaced func(note func(name string)) map[string]any
}

// Expansion is what an ApplicationSet gives.
type Expansion struct {
	// Applications are sorted by name; their origin is the ApplicationSet's.
	Applications []plugin.Object
	Problems     []Problem
}

// Problem is a part that could not be expanded, or what has to be known about
// one that was.
type Problem struct {
	What, Reason, Hint string
	Origin             plugin.Origin
}

// Is reports whether an object is an ApplicationSet.
func Is(id plugin.ObjectID) bool {
	return id.Group() == "argoproj.io" && id.Kind == "ApplicationSet"
}

// Name is how an ApplicationSet is called in reports: "ApplicationSet
// argocd/shop".
func Name(id plugin.ObjectID) string {
	if id.Namespace == "" {
		return "ApplicationSet " + id.Name
	}
	return "ApplicationSet " + id.Namespace + "/" + id.Name
}

// expander is one call of Expand.
type expander struct {
	ctx       context.Context
	set       plugin.Object
	input     Input
	read      definition
	texts     *replacer
	listings  map[*os.Root]*listing
	bytes     int64 // of the files that were read
	made      int64 // parameter sets
	expansion Expansion
}

// Expand makes the Applications of an ApplicationSet. It stops with the context
// and after the limit renderSeconds.
func Expand(ctx context.Context, set plugin.Object, input Input) (expansion Expansion) {
	defer func() {
		if caught := recover(); caught != nil {
			expansion = Expansion{Problems: []Problem{{
				What: Name(set.ID()), Origin: set.Origin, Reason: fmt.Sprintf("expanding it failed: %v", caught), Hint: "this is a fault of assay's; report it with the ApplicationSet",
			}}}
		}
	}()
	bounded, cancel := context.WithTimeout(ctx, time.Duration(input.Limits.RenderSeconds)*time.Second)
	defer cancel()
	e := &expander{ctx: bounded, set: set, input: input, listings: map[*os.Root]*listing{}}
	read, unknown, err := decodeDefinition(set)
	if err != nil {
		e.problem(err.Error(), "correct the field; the API server refuses the ApplicationSet as it is")
		return e.expansion
	}
	for _, field := range unknown {
		e.problem("Argo CD 3.5 has no field "+field, "correct its name; it has no effect, and a strict API server refuses it")
	}
	e.read = read
	if err := checkOptions(read); err != nil {
		e.problem(err.Error(), `write "missingkey=error", or leave the list empty`)
		return e.expansion
	}
	e.texts = newReplacer(bounded, read, input)
	e.run()
	return e.expansion
}

func (e *expander) run() {
	made, failed := e.applications()
	for _, err := range failed {
		e.problem(e.reason(err), hintFor(err))
	}
	for _, name := range e.texts.random() {
		e.problem(fmt.Sprintf("its templates call %s, which answers otherwise each time: what is shown is one of its answers", name),
			"take the value from a generator, so that the Applications are the same each time")
	}
	if len(failed) > 0 {
		return
	}
	e.keep(made)
	if len(e.expansion.Applications) == 0 && len(e.expansion.Problems) == 0 {
		e.problem("its generators give no Application", "compare the generators' paths and elements with the repository, if it should give some")
	}
}

// reason tells the expansion's own limit of time from the caller's.
func (e *expander) reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("expanding it took longer than the limit renderSeconds (%d)", e.input.Limits.RenderSeconds)
	}
	return err.Error()
}

func (e *expander) problem(reason, hint string) {
	e.expansion.Problems = append(e.expansion.Problems, Problem{What: Name(e.set.ID()), Reason: reason, Hint: hint, Origin: e.set.Origin})
}

// applications makes what each generator gives, in their order, and every
// error.
func (e *expander) applications() ([]application, []error) {
	var made []application
	var failed []error
	for i, requested := range e.read.Generators {
		at := fmt.Sprintf("spec.generators[%d]", i)
		if e.isUnseen(requested, at) {
			continue
		}
		results, err := e.transform(requested, nil, at)
		var unseen *unseenError
		if errors.As(err, &unseen) {
			e.problem(unseen.reason, unseen.hint)
			continue
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", at, err))
			continue
		}
		for _, result := range results {
			applications, errs := e.fill(result)
			made, failed = append(made, applications...), append(failed, errs...)
		}
	}
	return made, failed
}

// fill makes one Application for each set of parameters. Errors end with the
// first, when it is about time or size: the others would be the same.
func (e *expander) fill(result outcome) ([]application, []error) {
	var made []application
	var failed []error
	seen := map[string]bool{}
	for _, params := range result.params {
		one, err := e.one(result.template, params)
		if err == nil {
			made = append(made, one)
			continue
		}
		if !seen[err.Error()] {
			seen[err.Error()] = true
			failed = append(failed, err)
		}
		if e.ctx.Err() != nil || len(failed) >= mostErrors {
			break
		}
	}
	return made, failed
}

// mostErrors bounds how many errors of one generator are told: with five
// thousand elements they differ by a name alone.
const mostErrors = 20

func (e *expander) one(from base, params map[string]any) (application, error) {
	made := from.application()
	if len(params) > 0 { // without any, Argo CD leaves the template as it is
		var filled application
		if err := e.texts.into(made, &filled, "spec.template", params); err != nil {
			return application{}, err
		}
		made = filled
		if len(made.Finalizers) == 0 && !e.read.SyncPolicy.PreserveResourcesOnDeletion {
			made.Finalizers = []string{"resources-finalizer.argocd.argoproj.io"}
		}
	}
	if e.read.TemplatePatch != nil {
		patch, err := e.texts.text(*e.read.TemplatePatch, params)
		if err != nil {
			return application{}, fmt.Errorf("spec.templatePatch: %w", err)
		}
		if made, err = applyPatch(made, patch); err != nil {
			return application{}, fmt.Errorf("spec.templatePatch: %w", err)
		}
	}
	made.Namespace = e.set.ID().Namespace
	return made, nil
}
