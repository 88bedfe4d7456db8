package change

import (
	"github.com/assay-gitops/assay/plugin"
)

// Input is one application on both sides.
type Input struct {
	// Kind, Namespace, Name, Origin, Parents and Path are the application's, see
	// [Application]; of the base when the head does not have it.
	Kind, Namespace, Name string
	// WasName is its name on the base, when it has another there.
	WasName string
	Origin  plugin.Origin
	Parents []string
	Path    string
	// Notes are what a reader should know of it, a line each.
	Notes []string
	// Raised are findings about the change itself, such as another project.
	Raised []plugin.Finding
	// Base and Head are nil where the side does not have the application.
	Base, Head *Judged
	Options    Options
}

// Judged is what the gate said of an application on one side.
type Judged struct {
	// Verdicts has one for each part, in the order of the parts, with its objects
	// kept. A nil one, and none at all, denies.
	Verdicts []*plugin.Verdict
	// Hidden are values that came from Secrets and are shown nowhere.
	Hidden []string
}

// Options are what the reader chooses.
type Options struct {
	// Ignore are fields that are folded.
	Ignore []Ignore
	// Limits bound the report; zero takes the defaults.
	Limits plugin.Limits
}

// comparison is the work on one application.
type comparison struct {
	Input
	limits  plugin.Limits
	base    *side
	head    *side
	pairs   []pair
	display display
	// spent is what the report holds already.
	spent budget
}

// budget counts what a report of one application holds.
type budget struct{ objects, fields, bytes int64 }

// Compare says what the change does to one application. It keeps nothing of the
// verdicts, and shows no Secret data.
func Compare(in Input) Application {
	c := &comparison{Input: in, limits: in.Options.Limits}
	if c.limits == (plugin.Limits{}) {
		c.limits = plugin.DefaultLimits()
	}
	c.base, c.head = newSide(in.Base), newSide(in.Head)
	c.display = display{mask: c.mask(), most: int(c.limits.DiffFieldBytes)}
	app := Application{
		Kind: in.Kind, Namespace: in.Namespace, Name: in.Name, WasName: in.WasName,
		Origin: in.Origin, Parents: in.Parents, Path: in.Path,
		Notes: in.Notes, Before: answerOf(in.Base), After: answerOf(in.Head), Note: c.note(),
	}
	c.pairs = c.match()
	c.objects(&app)
	app.Images = c.images()
	app.Findings = c.findings()
	app.Waivers = c.waivers()
	app.Status = statusOf(in, app)
	return app
}

// statusOf is what the change does to the application as a whole.
func statusOf(in Input, app Application) Status {
	switch {
	case in.Base == nil && in.Head == nil:
		return Same
	case in.Base == nil:
		return Added
	case in.Head == nil:
		return Removed
	case in.WasName != "":
		return Renamed
	case len(app.Objects) > 0 || app.Omitted > 0 || app.Before.Outcome != app.After.Outcome || app.Before.Banner != app.After.Banner:
		return Changed
	}
	for _, image := range app.Images {
		if image.Status != Same {
			return Changed
		}
	}
	for _, finding := range app.Findings {
		if finding.State != Still || finding.BaseLevel != nil {
			return Changed
		}
	}
	for _, waiver := range app.Waivers {
		if waiver.State != Still {
			return Changed
		}
	}
	return Same
}

// mask hides the Secrets of both sides.
func (c *comparison) mask() plugin.Mask {
	var hidden []string
	var objects []plugin.Object
	known := map[string]bool{}
	for _, side := range []*side{c.base, c.head} {
		hidden = append(hidden, side.hidden...)
		for _, part := range side.parts {
			objects = append(append(objects, part.rendered...), part.sealed...)
		}
		side.names(known)
	}
	return plugin.NewMask(hidden, objects, known)
}
