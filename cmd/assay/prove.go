package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/hydrated"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/render"
	"github.com/assay-gitops/assay/plugin/report"
)

func newProve(s streams) *cobra.Command {
	p := prover{streams: s}
	cmd := &cobra.Command{
		Use:   "prove FILE...",
		Short: "prove that a hydrated branch is what the gate makes of its commit",
		Long: `prove takes the Applications with a sourceHydrator in FILE ("-" reads what
'kubectl get applications -o yaml' prints), and looks at the branch that each one
syncs: the manifests there must be, byte for byte, what the gate makes of the
commit that hydrator.metadata names, that commit must be one of the dry branch,
and nothing may stand beside them that Argo CD would read. Argo CD syncs such a
branch without a plugin, so this finds out who else wrote it.

It runs in a clone of the repository with all of its history; the remote's
branches go before local ones. Nothing is fetched or checked out.

It ends with 0 when all are proven, with 1 when one is not, and with 2 when what
is missing is an answer.`,
		Example: `  assay prove applications.yaml -g gate
  assay prove applications.yaml -g gate --branch HEAD
  assay prove - -g gate --output json < applications.yaml`,
		Args: someOf("FILE with Applications (\"-\" for standard input)"),
		RunE: func(cmd *cobra.Command, args []string) error { return p.run(cmd.Context(), args) },
	}
	flags := cmd.Flags()
	flags.StringArrayVarP(&p.gates.gates, "gate", "g", nil, "gate `file or folder` (repeatable); without one the embedded default gate applies")
	flags.StringVarP(&p.format, "output", "o", "text", "report `format`: text, json")
	flags.StringVar(&p.branch, "branch", "", "look at this `branch` or commit instead of the branch that is synced, HEAD for what is checked out")
	flags.BoolVar(&p.current, "current", false, "demand what the tip of the dry branch makes, instead of the commit that the branch says to come from")
	flags.StringArrayVar(&p.repositories, "repository", nil, "`URL` that means this repository (repeatable); default: its remotes")
	flags.StringArrayVar(&p.sources, "source", nil, "clone of another repository, as `URL=folder` (repeatable)")
	flags.StringVar(&p.namespace, "argocd-namespace", "argocd", "`namespace` of Argo CD, whose Applications are called by their name alone")
	flags.StringVar(&p.gates.at, "at", "", "judge waivers and ages by this `time` (RFC 3339); default: now")
	offer(cmd, "output", "text", "json")
	return cmd
}

// prover is one run of prove.
type prover struct {
	streams
	gates                     gateFlags
	format, branch, namespace string
	repositories, sources     []string
	current                   bool
}

func (p *prover) run(ctx context.Context, args []string) error {
	if !slices.Contains([]string{"text", "json"}, p.format) {
		return &exit{code: exitUsage, err: fmt.Errorf("reading --output %q: write text or json", p.format)}
	}
	applications, err := p.applications(ctx, args)
	if err != nil {
		return err
	}
	repository, err := p.clones(ctx)
	if err != nil {
		return err
	}
	j := job{streams: p.streams, gates: &p.gates, render: &renderFlags{isolated: true}, encoding: plugin.JSONEncoding{}, asDoor: true, does: "reading the branches"}
	s, _, end, err := j.begin(ctx)
	if err != nil {
		return err
	}
	proving := hydrated.Prover{Options: hydrated.Options{
		Judge: s.Judge, Repository: repository, Branch: p.branch, Current: p.current, Limits: plugin.DefaultLimits(),
	}}
	defer proving.Close()
	results := make([]hydrated.Result, 0, len(applications))
	for _, application := range applications {
		results = append(results, proving.Prove(ctx, application))
	}
	end()
	return p.tell(results)
}

// applications are those of all files.
func (p *prover) applications(ctx context.Context, files []string) ([]hydrated.Application, error) {
	var found []hydrated.Application
	for _, file := range files {
		var data []byte
		var err error
		if file == "-" {
			data, err = readRendered(ctx, p.in)
		} else {
			data, err = readBounded(file, plugin.DefaultLimits().RenderedBytes)
		}
		var rendering plugin.Rendering
		if err == nil {
			rendering, err = render.New(render.Options{Limits: plugin.DefaultLimits()}).Render(ctx, plugin.Source{Rendered: data})
		}
		if err != nil {
			return nil, &exit{code: exitUsage, err: fmt.Errorf("reading the Applications of %s: %w", file, err)}
		}
		found = append(found, hydrated.Applications(rendering.Objects, p.namespace, plugin.DefaultLimits())...)
	}
	if len(found) == 0 {
		return nil, &exit{code: exitUsage, err: fmt.Errorf("none of %s has an Application with spec.sourceHydrator", strings.Join(files, ", "))}
	}
	slices.SortStableFunc(found, func(a, b hydrated.Application) int {
		return strings.Compare(a.Repository+"\x00"+a.Branch, b.Repository+"\x00"+b.Branch)
	})
	return found, nil
}

// clones opens this repository and those of --source, and finds one by its URL.
func (p *prover) clones(ctx context.Context) (func(url string) *revision.Commits, error) {
	limits := plugin.DefaultLimits()
	others, err := folders(p.sources)
	if err != nil {
		return nil, &exit{code: exitUsage, err: err}
	}
	here, err := revision.OpenCommits(ctx, ".", limits)
	if err != nil {
		return nil, openFailed(err)
	}
	known := map[string]*revision.Commits{}
	for url, folder := range others {
		if known[url], err = revision.OpenCommits(ctx, folder, limits); err != nil {
			return nil, openFailed(err)
		}
	}
	own := here.Remotes()
	for _, url := range p.repositories {
		own = append(own, revision.NormalizeURL(url))
	}
	return func(url string) *revision.Commits {
		address := revision.NormalizeURL(url)
		switch {
		case known[address] != nil:
			return known[address]
		case len(own) == 0, slices.Contains(own, address): // where nobody says what the repository is called, it is the one
			return here
		}
		return nil
	}, nil
}

// tell prints the answers, and gives the exit code.
func (p *prover) tell(results []hydrated.Result) error {
	code := exitAllowed
	for _, result := range results {
		switch {
		case result.Proven():
		case result.Unanswered() && code == exitAllowed:
			code = exitUndetermined
		case !result.Unanswered():
			code = exitDenied
		}
	}
	var err error
	if p.format == "json" {
		err = report.WriteJSON(p.out, struct {
			Applications []hydrated.Result `json:"applications"`
		}{results})
	} else {
		for _, result := range results {
			tellProof(p.out, result)
		}
	}
	if code == exitAllowed && err == nil {
		return nil
	}
	var end *exit
	if err != nil && !errors.As(err, &end) {
		err = fmt.Errorf("writing the report: %w", err)
		code = max(code, exitUndetermined)
	}
	return &exit{code: code, err: err}
}

func tellProof(out io.Writer, result hydrated.Result) {
	word := "proven"
	switch {
	case result.Proven():
	case result.Unanswered():
		word = "no answer"
	default:
		word = "not proven"
	}
	tell(out, "%s: %s: %s %s", word, result.Application, result.Branch, result.Path)
	if result.Commit != "" {
		tell(out, " at %s", short(result.Commit))
	}
	if result.Dry != "" {
		tell(out, ", of %s", short(result.Dry))
		if result.Behind > 0 {
			tell(out, ", %s before the tip of %s", counted(result.Behind, "commit"), result.Revision)
		}
	}
	if result.Proven() {
		tell(out, ": %s", counted(result.Objects, "object"))
	}
	tell(out, "\n")
	for _, problem := range result.Problems {
		tell(out, "  %s\n", problem.Message)
		if problem.Hint != "" {
			tell(out, "    %s\n", problem.Hint)
		}
	}
}

// short is the beginning of a commit's name.
func short(commit string) string { return commit[:min(len(commit), 12)] }
