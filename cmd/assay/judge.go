package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/report"
	"github.com/assay-gitops/assay/plugin/setup"
)

// job is one application to judge from the command line.
type job struct {
	streams
	path     string
	gates    *gateFlags
	render   *renderFlags
	encoding plugin.Encoding
	// scanner is the user's own; nil but where check was asked for one.
	scanner setup.Scanner
	// compares has verdicts keep their objects.
	compares bool
	// asDoor takes the doors' defaults where no gate says otherwise.
	asDoor bool
	// many has no stage told: several applications are looked at side by side.
	many bool
	// does is what the command does, for its progress, until the first stage
	// says more.
	does string
}

// judge runs the pipeline on the application. An error is a wrong use or a
// configuration that does not load; everything else is in the verdict.
func (j job) judge(ctx context.Context) (*plugin.Verdict, error) {
	s, source, closeAll, err := j.open(ctx)
	if err != nil {
		return nil, err
	}
	defer closeAll()
	return s.Judge(ctx, source), nil
}

// open loads the gates and opens the application.
func (j job) open(ctx context.Context) (*setup.Setup, plugin.Source, func(), error) {
	s, _, end, err := j.begin(ctx)
	if err != nil {
		return nil, plugin.Source{}, nil, err
	}
	source, closeSource, err := j.source(ctx)
	closeAll := func() {
		closeSource()
		end()
	}
	if err != nil {
		closeAll()
		var end *exit
		if !errors.As(err, &end) {
			end = &exit{code: exitUsage, err: err}
		}
		return nil, plugin.Source{}, nil, end
	}
	return s, source, closeAll, nil
}

// begin loads the gates and shows what is being done.
func (j job) begin(ctx context.Context) (*setup.Setup, *progress, func(), error) {
	clock, err := j.gates.clock()
	if err != nil {
		return nil, nil, nil, &exit{code: exitUsage, err: err}
	}
	config, err := j.gates.load()
	if err != nil {
		return nil, nil, nil, j.gates.unloaded(err)
	}
	caches, err := commandCaches(j.err)
	if err != nil {
		return nil, nil, nil, err
	}
	bar := startProgress(j.err)
	bar.begin(cmp.Or(j.does, "loading the gates"))
	hears := bar.begin
	if j.compares || j.many {
		hears = nil // many applications at once: whoever compares them tells how far it is
	}
	s, err := setup.New(setup.Options{
		Config: config, Lenient: j.gates.lenient, Isolated: j.render.isolated, Encoding: j.encoding,
		Keychain: authn.DefaultKeychain, AllowLoopback: len(j.gates.gates) == 0, Progress: hears, Clock: clock,
		TrustDir: caches.TrustDir, Facts: caches.Facts, Scanner: j.scanner, KeepObjects: j.compares, LockRequired: j.asDoor,
		// Whoever writes a change writes its templates: they run in workers, without
		// network and credentials, and within the limits of time and memory.
		IsolatedPrograms: j.compares, ReleasesApart: j.compares,
	})
	if err != nil {
		bar.end()
		return nil, nil, nil, asExit(err)
	}
	refreshTrust(ctx, s, j.err)
	return s, bar, func() {
		bar.end()
		s.Close()
	}, nil
}

// asExit gives an error that stopped a command its exit code: no answer, or a
// denial. Of errors that are joined each counts for itself, and one denial is
// enough.
func asExit(err error) error {
	for _, finding := range plugin.FindingsFromError("assay", err) {
		if finding.Level != plugin.Undetermined {
			return &exit{code: exitDenied, err: err}
		}
	}
	return &exit{code: exitUndetermined, err: err}
}

// source opens what the command line names.
func (j job) source(ctx context.Context) (plugin.Source, func(), error) {
	nothing := func() {}
	parameters, err := j.render.read()
	if err != nil {
		return plugin.Source{}, nothing, err
	}
	source := plugin.Source{
		Path: ".", Revision: j.gates.revision, Parameters: parameters,
		Application: application(j.path, j.gates, j.render),
	}
	if source.Live, err = readLive(ctx, j.gates.live); err != nil {
		return plugin.Source{}, nothing, err
	}
	if j.path == "-" {
		source.Rendered, err = readRendered(ctx, j.in)
		return source, nothing, err
	}
	t, err := openTree(j.path, j.render.root)
	if err != nil {
		return plugin.Source{}, nothing, err
	}
	source.Root, source.Path = t.root, t.path
	return source, func() { _ = t.Close() }, nil
}

// outcome turns a verdict into the command's end.
func outcome(v *plugin.Verdict) error {
	switch v.Outcome() {
	case plugin.Allowed:
		return nil
	case plugin.Unanswered:
		return &exit{code: exitUndetermined}
	case plugin.Denied:
	}
	return &exit{code: exitDenied}
}

// print writes the report in the format that was asked for.
func (j job) print(v *plugin.Verdict, format string) error {
	options := j.options()
	options.Color, options.Width = wantsColor(j.out), terminalWidth(j.out)
	reporter, err := report.For(format, options)
	if err != nil {
		return &exit{code: exitUsage, err: err}
	}
	if err := reporter.Report(j.out, v); err != nil {
		return &exit{code: exitUndetermined, err: fmt.Errorf("writing the report: %w", err)}
	}
	return nil
}
