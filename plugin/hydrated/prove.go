package hydrated

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/revision"
)

// Problem is why an application is not proven.
type Problem struct {
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	// NoAnswer is set for what could not be looked at.
	NoAnswer bool `json:"noAnswer,omitempty"`
}

// Result is the answer about one application.
type Result struct {
	Application string `json:"application"`
	// Branch and Path are what is synced, Commit is what the branch is at.
	Branch string `json:"branch"`
	Path   string `json:"path"`
	Commit string `json:"commit,omitempty"`
	// Dry is the commit that was rendered, and Behind how many commits Revision,
	// the dry branch, has more.
	Dry      string `json:"dry,omitempty"`
	Revision string `json:"revision,omitempty"`
	Behind   int    `json:"behind"`
	// Objects is how many were compared.
	Objects  int       `json:"objects"`
	Problems []Problem `json:"problems,omitempty"`
}

// Proven reports whether the branch is what the gate makes; the zero value is
// not.
func (r Result) Proven() bool { return r.Objects > 0 && len(r.Problems) == 0 }

// Unanswered reports whether all that is missing is an answer.
func (r Result) Unanswered() bool {
	for _, problem := range r.Problems {
		if !problem.NoAnswer {
			return false
		}
	}
	return len(r.Problems) > 0
}

// Options say what is asked, and whom.
type Options struct {
	// Judge answers about one source; what it seals is JSON.
	Judge func(ctx context.Context, source plugin.Source) *plugin.Verdict
	// Repository is the clone of a repository, nil where there is none.
	Repository func(url string) *revision.Commits
	// Branch is looked at instead of the branch that is synced, HEAD is what is
	// checked out; may be empty.
	Branch string
	// Current demands what the tip of the dry branch makes, instead of the commit
	// that the hydrated branch says to come from.
	Current bool
	Limits  plugin.Limits
}

// Prover proves applications, one after the other.
type Prover struct {
	Options
	// synced and dry are the trees that were opened last.
	synced, dry openTree
}

// openTree is a tree that is kept for the next application.
type openTree struct {
	of     *revision.Commits
	commit string
	root   *os.Root
	end    func()
}

func (o *openTree) close() {
	if o.end != nil {
		o.end()
	}
	*o = openTree{}
}

func (o *openTree) open(ctx context.Context, of *revision.Commits, commit string) (*os.Root, error) {
	if o.of == of && o.commit == commit {
		return o.root, nil
	}
	o.close()
	side, end, err := of.Tree(ctx, commit)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the commit
	}
	*o = openTree{of, commit, side.Root, end}
	return side.Root, nil
}

// Close removes what was opened.
func (p *Prover) Close() {
	p.synced.close()
	p.dry.close()
}

// Prove answers about one application.
func (p *Prover) Prove(ctx context.Context, application Application) Result {
	result := Result{Application: application.Label, Branch: application.Branch, Path: application.Path, Problems: application.Problems}
	if p.Branch != "" {
		result.Branch = p.Branch
	}
	if len(result.Problems) > 0 {
		return result
	}
	if err := p.prove(ctx, application, &result); err != nil {
		result.Problems = append(result.Problems, problemsOf(err)...)
	}
	return result
}

// problemsOf tells a refusal from what could not be looked at.
func problemsOf(err error) []Problem {
	var usage *revision.UsageError
	if errors.As(err, &usage) {
		return []Problem{{Message: usage.Problem, Hint: usage.Hint, NoAnswer: true}}
	}
	var problems []Problem
	for _, finding := range plugin.FindingsFromError("prove", err) {
		problems = append(problems, Problem{Message: finding.Message, Hint: finding.Hint, NoAnswer: finding.Level == plugin.Undetermined})
	}
	return problems
}

func (p *Prover) prove(ctx context.Context, application Application, result *Result) error {
	synced, err := p.repository(application.Repository)
	if err != nil {
		return err
	}
	find := synced.Find
	if p.Branch == "HEAD" { // in an Application it is the remote's default branch
		find = func(ctx context.Context, _ string) (string, error) { return synced.Here(ctx) }
	}
	if result.Commit, err = find(ctx, result.Branch); err != nil {
		return err //nolint:wrapcheck // it names the branch
	}
	root, err := p.synced.open(ctx, synced, result.Commit)
	if err != nil {
		return err
	}
	found, err := readFolder(root, application.Path, p.Limits)
	result.Problems = append(result.Problems, found.problems...)
	if err != nil || found.dry == "" || found.manifests == nil {
		return err
	}
	source, err := p.source(ctx, application, found.dry, result)
	if err != nil || source.Root == nil {
		return err
	}
	verdict := p.Judge(ctx, source)
	if problems := refusals(verdict); len(problems) > 0 {
		result.Problems = append(result.Problems, problems...)
		return nil
	}
	sealed, err := verdict.Manifests()
	if err != nil {
		return fmt.Errorf("reading what was sealed: %w", err)
	}
	want, err := manifest(sealed)
	if err != nil {
		return err
	}
	result.Objects = verdict.Objects
	result.Problems = append(result.Problems, differences(want, found.manifests)...)
	return nil
}

func (p *Prover) repository(url string) (*revision.Commits, error) {
	found := p.Repository(url)
	if found == nil {
		name := plugin.RedactURL(url)
		return nil, &plugin.StageError{Stage: "prove", Subject: name, Cause: errors.New("there is no clone of it here"), Hint: "name one with --source " + name + "=FOLDER, or with --repository if it is this one"}
	}
	return found, nil
}

// source is what is rendered: the dry commit, which has to be one of the dry
// branch. One without a tree is told among the problems.
func (p *Prover) source(ctx context.Context, application Application, commit string, result *Result) (plugin.Source, error) {
	repository, err := p.repository(application.Dry.Repository)
	if err != nil {
		return plugin.Source{}, err
	}
	result.Revision = application.Dry.Revision
	if result.Revision == "" {
		result.Revision = "HEAD"
	}
	tip, err := repository.Find(ctx, result.Revision)
	if err != nil {
		return plugin.Source{}, err //nolint:wrapcheck // it names the branch
	}
	if p.Current {
		commit = tip
	}
	result.Dry = commit
	if _, err := repository.Find(ctx, commit); err != nil {
		var usage *revision.UsageError
		if errors.As(err, &usage) {
			result.Problems = append(result.Problems, strangeCommit(commit, result.Revision))
			return plugin.Source{}, nil
		}
		return plugin.Source{}, err //nolint:wrapcheck // it names the commit
	}
	behind, reached, err := repository.Behind(ctx, commit, tip)
	if err != nil {
		return plugin.Source{}, err //nolint:wrapcheck // it names the commit
	}
	if result.Behind = behind; !reached {
		result.Problems = append(result.Problems, strangeCommit(commit, result.Revision))
		return plugin.Source{}, nil
	}
	root, err := p.dry.open(ctx, repository, commit)
	if err != nil {
		return plugin.Source{}, err
	}
	part, err := application.Dry.Settle(root, commit, p.Limits)
	if err != nil {
		return plugin.Source{}, err //nolint:wrapcheck // it names the part
	}
	at := path.Clean(part.Path)
	return plugin.Source{Root: root, Path: at, RepositoryPath: at, Revision: commit, Application: application.Identity, Parameters: part.Parameters}, nil
}

func strangeCommit(commit, branch string) Problem {
	return Problem{
		Message: fmt.Sprintf("%s names the commit %s, which is none of %s", metadataFile, commit, branch),
		Hint:    "fetch the dry branch, and all of its history; if it is not there, find out who pushed to the hydrated branch",
	}
}

// refusals are the findings that stop a verdict; none where it is allowed.
func refusals(verdict *plugin.Verdict) []Problem {
	var problems []Problem
	for _, finding := range verdict.Findings {
		if finding.Level.Blocks() {
			problems = append(problems, Problem{
				Message:  fmt.Sprintf("the gate does not let the dry commit pass now: %s: %s (%s)", finding.Subject(), finding.Message, finding.Rule),
				Hint:     finding.Hint,
				NoAnswer: finding.Level == plugin.Undetermined,
			})
		}
	}
	if len(problems) == 0 && verdict.Outcome() != plugin.Allowed {
		problems = append(problems, Problem{Message: "the gate gives no verdict on the dry commit", NoAnswer: true})
	}
	if len(problems) > mostDifferences {
		problems = append(problems[:mostDifferences], Problem{Message: fmt.Sprintf("and %d findings more", len(problems)-mostDifferences)})
	}
	return problems
}
