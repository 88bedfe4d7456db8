package inplace

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// Hardening renders and hardens without judging; plugin/setup's is the gate's.
type Hardening interface {
	Fill(ctx context.Context, source plugin.Source) (plugin.Filled, error)
	Render(ctx context.Context, source plugin.Source) (plugin.Rendering, error)
}

// Plan is what would be written, and what would not.
type Plan struct {
	// Files are sorted by path.
	Files []File
	// Left are settings that are not written, by object.
	Left []Left
	// Settings is the number of settings that the files hold.
	Settings int
	// HeldBack are the settings that hardening itself holds back.
	HeldBack []plugin.Finding
}

// File is one file to write or to remove.
type File struct {
	// Path is relative to the source's root.
	Path string
	// Old is nil for a new file, New for one to remove.
	Old, New []byte
}

// Left is one object whose settings are not written.
type Left struct {
	Object plugin.ObjectID
	Origin plugin.Origin
	// Settings are "field: value" lines, the value as JSON.
	Settings []string
	// Reason says why, Hint what to do.
	Reason, Hint string
	// Undetermined is set when something could not be looked up.
	Undetermined bool
}

// Undetermined reports whether something could not be looked up.
func (p *Plan) Undetermined() bool {
	return slices.ContainsFunc(p.Left, func(l Left) bool { return l.Undetermined })
}

// maker makes one plan.
type maker struct {
	hardening Hardening
	source    plugin.Source
	limits    plugin.Limits
	filled    plugin.Filled
	plan      *Plan
}

// Make says what to write. It writes nothing. An error means that there is no
// answer about the source as a whole.
func Make(ctx context.Context, hardening Hardening, source plugin.Source) (*Plan, error) {
	if source.Rendered != nil || source.Root == nil {
		return nil, errors.New("hardening in place: standard input has no source to write into; name a path")
	}
	m := &maker{hardening: hardening, source: source, limits: plugin.DefaultLimits(), plan: &Plan{}}
	var err error
	if m.filled, err = fill(ctx, hardening, source); err != nil {
		return nil, err
	}
	todo := m.todo()
	switch {
	case len(todo) == 0:
	case render.KindOf(source, m.limits) == render.KindHelm:
		for _, each := range todo {
			m.leave(each, "a template of a chart makes this object, and a template cannot be written into",
				"put the settings into the chart's values where it has some for them, or into a patch of a kustomization around what the chart renders")
		}
	case render.KindOf(source, m.limits) == render.KindKustomize:
		err = m.component(ctx)
	default:
		err = m.manifests(ctx, todo)
	}
	if err != nil {
		return nil, err
	}
	m.finish()
	return m.plan, nil
}

// fill hardens the source and demands that it came to its end.
func fill(ctx context.Context, hardening Hardening, source plugin.Source) (plugin.Filled, error) {
	filled, err := hardening.Fill(ctx, source)
	if err != nil {
		return filled, err
	}
	if filled.Done {
		return filled, nil
	}
	return filled, blocked(filled.Findings)
}

// blocked makes an error of the findings that ended a run.
func blocked(findings []plugin.Finding) error {
	var problems []error
	for _, finding := range findings {
		if !finding.Level.Blocks() {
			continue
		}
		message := finding.Message
		if at := finding.Origin.String(); at != "" {
			message = at + ": " + message
		}
		if finding.Level == plugin.Undetermined {
			problems = append(problems, &plugin.StageError{Stage: "harden", Hint: finding.Hint, Cause: errors.New(message)})
			continue
		}
		problems = append(problems, &plugin.Refusal{Rule: finding.Rule, Message: message, Hint: finding.Hint})
	}
	if len(problems) == 0 {
		problems = append(problems, errors.New("hardening stopped before its end"))
	}
	return errors.Join(problems...)
}

// task is what is to be written about one object.
type task struct {
	// index is the object's number; beyond the rendered ones it is an object
	// that hardening added.
	index   int
	object  plugin.Object
	changes []change
	// target is the object as a component sees it; only kustomizations set it.
	target plugin.Object
}

// todo lists the objects that hardening changed or added. What hangs on an image
// that is not known is left, and so is what hardening derived from all Pods.
func (m *maker) todo() []task {
	unknown := m.unknown()
	var todo []task
	for i, before := range m.filled.Before {
		changes, err := changesOf(before.Fields, m.filled.After[i].Fields)
		each := task{index: i, object: before, changes: changes}
		switch reason := unknown[i]; {
		case err != nil:
			m.leave(each, err.Error(), "write the settings yourself")
		case reason != "":
			m.plan.Left = append(m.plan.Left, Left{
				Object: before.ID(), Origin: before.Origin, Reason: reason, Undetermined: true,
				Hint: "nothing is written about an object while an image of it is not known; try again",
			})
		case len(changes) == 0:
		case len(unknown) > 0 && before.ID().Kind == "Namespace":
			m.plan.Left = append(m.plan.Left, Left{
				Object: before.ID(), Origin: before.Origin, Undetermined: true, Hint: "try again",
				Reason: "its labels follow from all Pods in it, and an image of one is not known",
			})
		default:
			todo = append(todo, each)
		}
	}
	for i := len(m.filled.Before); i < len(m.filled.After); i++ {
		todo = append(todo, task{index: i, object: m.filled.After[i]})
	}
	return todo
}

// unknown says, by object, which image that hardening looked at is not known.
func (m *maker) unknown() map[int]string {
	about := map[string]string{}
	for _, finding := range m.filled.Findings {
		if finding.Level.Blocks() && finding.Image != "" && about[finding.Image] == "" {
			about[finding.Image] = finding.Message
		}
	}
	asked := map[string]bool{}
	for _, finding := range m.filled.Changes {
		asked[finding.Image] = true
	}
	unknown := map[int]string{}
	for _, image := range m.filled.Images {
		if image.Config != nil || !asked[image.Written] {
			continue
		}
		reason := "the configuration of the image " + plugin.RedactReference(image.Written) + " is not known"
		if why := about[image.Written]; why != "" {
			reason += ": " + why
		}
		for _, use := range image.Uses {
			if m.looksAt(use) {
				unknown[use.Object] = reason
			}
		}
	}
	return unknown
}

// looksAt reports whether hardening said something about the container that
// uses an image.
func (m *maker) looksAt(use plugin.Use) bool {
	container := strings.TrimSuffix(use.Field, "image")
	return slices.ContainsFunc(m.filled.Changes, func(f plugin.Finding) bool {
		return f.Object == use.ID && strings.HasPrefix(f.Field, container)
	})
}

// leave notes that an object's settings are not written.
func (m *maker) leave(each task, reason, hint string) {
	left := Left{Object: each.object.ID(), Origin: each.object.Origin, Reason: reason, Hint: hint}
	for _, change := range each.changes {
		left.Settings = append(left.Settings, change.describe(each.object.Fields))
	}
	if each.index >= len(m.filled.Before) {
		left.Settings = append(left.Settings, "the object itself: "+plugin.Compact(each.object.Fields))
	}
	m.plan.Left = append(m.plan.Left, left)
}

// count notes how many of the hardener's changes the files hold.
func (m *maker) count(written []task) {
	about := map[plugin.ObjectID]bool{}
	for _, each := range written {
		about[each.object.ID()] = true
	}
	for _, finding := range m.filled.Changes {
		if finding.Now != "" && about[finding.Object] {
			m.plan.Settings++
		}
	}
}

func (m *maker) finish() {
	for _, finding := range m.filled.Changes {
		if finding.Now == "" {
			m.plan.HeldBack = append(m.plan.HeldBack, finding)
		}
	}
	m.plan.Files = slices.DeleteFunc(m.plan.Files, func(f File) bool { return f.Old != nil && f.New != nil && bytes.Equal(f.Old, f.New) })
	slices.SortFunc(m.plan.Files, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	slices.SortStableFunc(m.plan.Left, func(a, b Left) int {
		return cmp.Or(cmp.Compare(a.Origin.File, b.Origin.File), cmp.Compare(a.Origin.Line, b.Origin.Line), cmp.Compare(a.Object.String(), b.Object.String()))
	})
}

// with is the source with files in front of the tree's.
func (m *maker) with(files []File) plugin.Source {
	source := m.source
	source.Overlay = map[string][]byte{}
	for _, file := range files {
		if file.New != nil {
			source.Overlay[file.Path] = file.New
		}
	}
	return source
}

// read returns a file's content; a path that leads through a symlink is
// refused. A file that is not there is nil.
func (m *maker) read(name string) ([]byte, error) {
	data, err := readFile(m.source.Root, name, m.limits.FileBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	return data, nil
}
