// Package preview is the front door for pull requests: it finds what two
// revisions of a repository deploy, judges what the change between them affects
// under one gate, and says what differs.
package preview

import (
	"context"
	"fmt"
	"runtime"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/setup"
)

// Options are what is compared, and how.
type Options struct {
	// Setup judges both sides. It keeps objects.
	Setup *setup.Setup
	// Base and Head are the two sides.
	Base, Head Side
	// Sources are folders, by the URL of the repository that they are a copy of:
	// vendored sources in other repositories.
	Sources map[string]string
	// Below keeps to applications that are defined or rendered below a folder;
	// empty for all.
	Below string
	// Clusters are Argo CD's cluster Secrets, for the cluster generator.
	Clusters []plugin.Object
	// Parameters fill what a definition leaves open: Kubernetes' version and API
	// versions.
	Parameters plugin.HelmParameters
	// Undefined judges plain roots also where the repository has definitions.
	Undefined bool
	// All judges every application, not only those that the change affects.
	All bool
	// Readings keep what renderings read for the next run; nil keeps nothing.
	Readings *Readings
	// Compare are the options of the comparison.
	Compare change.Options
	// Workers bounds how much is done side by side; below 1 it is the number of
	// processors.
	Workers int
	// At is the time by which both sides are judged.
	At time.Time
	// Judged hears the verdicts of the parts of each application of a side, before
	// the two sides are compared. It is called by several at once; may be nil.
	Judged func(side Side, application discover.Application, verdicts []*plugin.Verdict)
	// Progress hears what is being done; may be nil.
	Progress func(doing string)
}

// Run compares the two sides. An error means that there is no answer, or that
// the options are wrong; what is wrong with an application is in the report.
func Run(ctx context.Context, options Options) (change.Report, error) {
	return runWith(ctx, options, newKnown(options.Readings))
}

func runWith(ctx context.Context, options Options, known *known) (change.Report, error) {
	if options.Workers < 1 {
		options.Workers = runtime.GOMAXPROCS(0)
	}
	if options.Progress == nil {
		options.Progress = func(string) {}
	}
	r := &runner{Options: options, known: known, gates: &names{set: map[string]bool{}}, secrets: &secrets{by: map[string][]string{}}}
	options.Progress("looking for what " + options.Base.Name + " deploys")
	base, err := r.survey(ctx, options.Base, nil)
	if err != nil {
		return change.Report{}, fmt.Errorf("looking for what %s deploys: %w", options.Base.Name, err)
	}
	options.Progress("looking for what " + options.Head.Name + " deploys")
	head, err := r.survey(ctx, options.Head, base.deployed)
	if err != nil {
		return change.Report{}, fmt.Errorf("looking for what %s deploys: %w", options.Head.Name, err)
	}
	pairs := match(base.deployed, head.deployed)
	report, err := r.compare(ctx, pairs, mergeUnseen(base.unseen, head.unseen, pairs))
	if err != nil {
		return change.Report{}, err
	}
	if err := r.known.save(); err != nil {
		options.Progress(err.Error())
	}
	return report, nil
}

// runner is one comparison.
type runner struct {
	Options
	known *known
	gates *names
	// secrets are those of children, for the masks of their parents.
	secrets *secrets
}

// deployed is an application whose parts are located.
type deployed struct {
	discover.Application
	parts []*located
	// gaps counts the parts that cannot be looked at.
	gaps int
	// finder is set for what is rendered for its definitions alone.
	finder bool
	// files are those with the definitions that a finder includes, and fails is set
	// when it does not render.
	files []string
	fails bool
	// scanned is set when a file says it, and not a rendering.
	scanned bool
	// finderOf is the folder of the finder whose rendering says it; empty for none.
	finderOf string
}
