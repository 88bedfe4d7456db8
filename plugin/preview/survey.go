package preview

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

const (
	// deepest bounds applications that render applications, and mostDeployed how
	// many a side has.
	deepest      = 8
	mostDeployed = 10_000
)

// surveyed is what one side deploys.
type surveyed struct {
	deployed []*deployed
	unseen   []gap
}

// gap is something that cannot be looked at, and the application that it is a
// part of, if one is known.
type gap struct {
	discover.Unseen
	application string
}

// survey is the state of looking at one side.
type survey struct {
	*runner
	side Side
	tree discover.Tree

	mu       sync.Mutex
	found    map[identity][]*deployed
	order    []*deployed
	unseen   []gap
	rendered []plugin.Object // what definitions refer to, from all renderings so far
}

// survey finds every application of a side: those that files define, those that
// applications render, and plain roots where there is neither.
// Of the other side are those that were found before, if it was looked at.
func (r *runner) survey(ctx context.Context, side Side, before []*deployed) (surveyed, error) {
	s := &survey{runner: r, side: side, found: map[identity][]*deployed{}, tree: discover.Tree{
		Root: side.Root, Own: side.own, Clusters: r.Clusters, Limits: plugin.DefaultLimits(),
		Manifests: discover.NewManifests(side.Root, plugin.DefaultLimits()),
		Open: func(ctx context.Context, repository, at string) (*os.Root, error) {
			return r.tree(ctx, side, repository, at, false)
		},
	}}
	s.miss(side.Unseen...)
	files, including := discover.Files(ctx, s.tree)
	s.miss(files.Unseen...)
	plain := s.Undefined || len(files.Applications)+len(including) == 0
	if err := s.spread(ctx, s.admit(files.Applications, nil)); err != nil {
		return surveyed{}, err
	}
	if err := s.spread(ctx, s.finders(including)); err != nil {
		return surveyed{}, err
	}
	if err := s.spread(ctx, s.standing(ctx, including, before)); err != nil {
		return surveyed{}, err
	}
	if !plain && side.Root != r.Head.Root {
		return surveyed{deployed: s.settled(), unseen: s.unseen}, nil // folders that nothing deploys are told of the head
	}
	roots, err := discover.Roots(ctx, s.tree)
	if err != nil {
		return surveyed{}, err
	}
	roots = discover.Unreached(roots, s.applications(), s.tree)
	if !plain {
		s.missRoots(roots, including)
	} else if err := s.spread(ctx, s.admit(roots, &deployed{})); err != nil {
		return surveyed{}, err
	}
	return surveyed{deployed: s.settled(), unseen: s.unseen}, nil
}

// spread renders one wave after the other, until nothing new is found.
func (s *survey) spread(ctx context.Context, wave []*deployed) error {
	for depth := 0; len(wave) > 0; depth++ {
		if depth == deepest {
			s.miss(discover.Unseen{
				What: wave[0].label(), Reason: fmt.Sprintf("it is rendered by applications that are rendered by others, more than %d deep", deepest),
				Hint: "look for an application that renders itself under ever new names",
			})
			return nil
		}
		var err error
		if wave, err = s.expand(ctx, wave); err != nil {
			return err
		}
	}
	return nil
}

// finders are kustomizations and charts that hold definitions and that no
// application deploys, such as those that somebody applies by hand. They are
// rendered to find what they define, and are no applications themselves.
func (s *survey) finders(including []discover.Including) []*deployed {
	reached := map[string]bool{}
	for _, application := range s.order {
		reached[application.Origin.File] = true
	}
	var wave []*deployed
	for _, each := range including {
		if !s.isDeployed(each.Path) && slices.ContainsFunc(each.Files, func(file string) bool { return !reached[file] }) {
			wave = append(wave, &deployed{finder: true, files: each.Files, Application: discover.Application{
				Kind: each.Kind, Name: each.Path, Origin: plugin.Origin{File: each.Path}, Identity: plugin.Application{Name: path.Base(each.Path)},
				Parts: []discover.Part{{Path: each.Path, Parameters: plugin.Parameters{Kind: each.Kind}}},
			}})
		}
	}
	return wave
}

// applications are those that were found so far.
func (s *survey) applications() []discover.Application {
	var all []discover.Application
	for _, each := range s.order {
		all = append(all, each.Application)
	}
	return all
}

// missRoots tells of folders that look like applications and that nothing
// deploys; those that hold definitions were looked into.
func (s *survey) missRoots(roots []discover.Application, including []discover.Including) {
	var names []string
	for _, root := range roots {
		if !slices.ContainsFunc(including, func(each discover.Including) bool { return each.Path == root.Name }) {
			names = append(names, root.Name)
		}
	}
	if len(names) > 0 {
		s.miss(discover.Unseen{
			What: few(names), Reason: "no definition in this repository deploys it", Hint: "judge it as a plain kustomization, chart or folder with --plain",
		})
	}
}

// tooMany says that a side has more applications than are looked at.
func tooMany(side string, last *deployed) error {
	return &plugin.StageError{
		Stage: "diff", Subject: last.label(), Cause: fmt.Errorf("%s deploys more than %d applications", side, mostDeployed),
		Hint: "look for applications that render each other under ever new names; " + strings.Join(last.Parents, " > "),
	}
}

// few are the first of the names.
func few(names []string) string {
	const shown = 5
	if len(names) <= shown {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:shown], ", "), len(names)-shown)
}

// expand locates and renders one wave, and gives the applications that it
// renders.
func (s *survey) expand(ctx context.Context, wave []*deployed) ([]*deployed, error) {
	children := make([][]plugin.Object, len(wave))
	problems := make([]error, len(wave))
	s.Progress(fmt.Sprintf("rendering %d applications of %s", len(wave), s.side.Name))
	sideBySide(s.Workers, len(wave), func(i int) { children[i], problems[i] = s.open(ctx, wave[i]) })
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	for _, objects := range children {
		for _, object := range objects {
			if !defines(object.ID()) {
				s.rendered = append(s.rendered, object)
			}
		}
	}
	var next []*deployed
	for i, objects := range children {
		if wave[i].fails {
			next = append(next, s.stand(ctx, wave[i].files, wave[i].Kind, nil, wave[i].Name+" includes its file and does not render, so it is judged as the file stands")...)
		}
		if !slices.ContainsFunc(objects, func(object plugin.Object) bool { return defines(object.ID()) }) {
			continue
		}
		tree := s.tree
		tree.Near, tree.Rendered = wave[i].Origin.File, s.rendered
		found := discover.Objects(ctx, tree, objects, append(slices.Clone(wave[i].Parents), wave[i].AsParent()))
		s.miss(found.Unseen...)
		next = append(next, s.admit(within(wave[i], found.Applications), wave[i])...)
		if len(s.order) > mostDeployed {
			return nil, tooMany(s.side.Name, s.order[len(s.order)-1])
		}
	}
	return next, nil
}

// open locates the parts of one application and renders them; the objects are
// those that other applications are made of.
func (s *survey) open(ctx context.Context, application *deployed) ([]plugin.Object, error) {
	var objects []plugin.Object
	for _, each := range application.Unseen {
		s.missPart(application, each)
	}
	for _, part := range application.Parts {
		found, err := s.part(ctx, application, part)
		var hidden unseen
		switch {
		case errors.As(err, &hidden):
			s.missPart(application, hidden.Unseen)
			continue
		case err != nil:
			return nil, fmt.Errorf("opening %s: %w", application.label(), err)
		}
		application.parts = append(application.parts, found)
		made, err := s.known.children(ctx, s.runner, found)
		if err != nil && application.finder { // of others the verdict says it
			application.fails = true
			problem := plugin.FindingsFromError("render", err)[0]
			s.miss(discover.Unseen{What: application.label(), Reason: problem.Message, Hint: problem.Hint, Origin: problem.Origin})
		}
		objects = append(objects, made...)
	}
	return objects, nil
}

func (s *survey) part(ctx context.Context, application *deployed, part discover.Part) (*located, error) {
	if part.Release == nil {
		return s.locate(ctx, s.side, application.Application, part)
	}
	return s.release(ctx, application, part)
}

// release finds the chart and the values of a HelmRelease.
func (s *survey) release(ctx context.Context, application *deployed, part discover.Part) (*located, error) {
	outer := plugin.Source{Root: s.side.Root, Path: ".", Revision: s.side.Commit, Application: application.Identity, Hidden: part.Hidden}
	s.mu.Lock()
	objects := append(slices.Clone(part.Objects), s.rendered...)
	s.mu.Unlock()
	found, err := s.Setup.FindRelease(ctx, outer, *part.Release, objects)
	if err != nil {
		return nil, unseenBecause(application.label(), err)
	}
	if found.Sealed {
		return nil, unseen{discover.Unseen{What: found.Chart, Reason: "assay publishes it, and it is shown where it is made"}}
	}
	s.fill(&found.Source.Parameters.Helm)
	located := &located{source: found.Source, release: found, outer: outer}
	if located.limits, err = s.Setup.LimitsOf(outer); err != nil {
		located.limits = plugin.DefaultLimits()
	}
	located.key, err = keyOf(found.Source)
	return located, err
}

// unseenBecause tells a refusal, or that there is no answer, as something that
// was not looked at.
func unseenBecause(what string, err error) unseen {
	finding := plugin.FindingsFromError("helmrelease", err)[0]
	return unseen{discover.Unseen{What: what, Reason: finding.Message, Hint: finding.Hint, Origin: finding.Origin}}
}

// miss notes what belongs to no application that is known.
func (s *survey) miss(all ...discover.Unseen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, each := range all {
		s.unseen = append(s.unseen, gap{Unseen: each})
	}
}

// missPart notes a part of an application.
func (s *survey) missPart(application *deployed, part discover.Unseen) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if part.Origin.File == "" {
		part.Origin = application.Origin
	}
	application.gaps++
	s.unseen = append(s.unseen, gap{part, application.label()})
}

// label names an application for people: "Application argocd/shop".
func (d *deployed) label() string {
	return d.Kind + " " + strings.TrimPrefix(d.Namespace+"/"+d.Name, "/")
}

// sideBySide runs count calls, so many at once.
func sideBySide(workers, count int, call func(i int)) {
	var group sync.WaitGroup
	free := make(chan struct{}, workers)
	for i := range count {
		free <- struct{}{}
		group.Go(func() {
			defer func() { <-free }()
			call(i)
		})
	}
	group.Wait()
}
