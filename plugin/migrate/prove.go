package migrate

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/render"
)

// comparison is one source to be rendered both ways.
type comparison struct {
	file            *File
	native, carried discover.Application
	part            int
}

// answer is what a comparison came to; the zero one says nothing.
type answer struct {
	proven                               bool
	refused, different, unproven, varies []Problem
	hardened                             *Hardened
}

func (f *File) take(a answer) {
	if a.proven {
		f.Proven++
	}
	f.Refused = append(f.Refused, a.refused...)
	f.Different = append(f.Different, a.different...)
	f.Unproven = append(f.Unproven, a.unproven...)
	f.Varies = append(f.Varies, a.varies...)
}

// comparisons finds the Applications that come of a file before and after, and
// says which of their sources are to be compared. What differs already, and what
// cannot be compared, is told in the file. The error is no answer.
func (m *mover) comparisons(ctx context.Context, file *File) ([]comparison, error) {
	before, err := m.applications(ctx, file, file.Old)
	if err != nil {
		return nil, err
	}
	after, err := m.applications(ctx, file, file.New)
	if err != nil {
		return nil, err
	}
	for _, each := range before.Unseen {
		file.unproven(each)
	}
	if len(before.Applications) != len(after.Applications) {
		file.differs(plugin.Origin{File: file.Path}, "", fmt.Sprintf("%d Applications come of it instead of %d", len(after.Applications), len(before.Applications)))
		return nil, nil
	}
	var all []comparison
	for i, native := range before.Applications {
		all = append(all, file.pair(native, after.Applications[i])...)
	}
	if len(before.Applications) == 0 && len(before.Unseen) == 0 {
		file.unproven(discover.Unseen{What: file.Path, Reason: "no Application comes of it", Origin: plugin.Origin{File: file.Path}})
	}
	return all, nil
}

// pair are the sources of one Application, before and after.
func (f *File) pair(native, carried discover.Application) []comparison {
	switch {
	case len(native.Unseen) > 0:
		for _, each := range native.Unseen {
			each.What = native.Name + ": " + each.What
			f.unproven(each)
		}
		return nil
	case len(carried.Unseen) > 0:
		f.differs(native.Origin, native.Name, carried.Unseen[0].Reason)
		return nil
	case len(native.Parts) != len(carried.Parts):
		f.differs(native.Origin, native.Name, "it has another number of sources")
		return nil
	}
	var all []comparison
	for i := range native.Parts {
		all = append(all, comparison{file: f, native: native, carried: carried, part: i})
	}
	return all
}

func (f *File) unproven(u discover.Unseen) {
	f.Unproven = append(f.Unproven, Problem{u.Origin, u.What, u.Reason, u.Hint})
}

func (f *File) differs(at plugin.Origin, what, reason string) {
	f.Different = append(f.Different, Problem{at, what, reason, differenceHint})
}

const differenceHint = "keep this source as it is, and report it as a defect of assay"

// applications are those that a file defines with some content.
func (m *mover) applications(ctx context.Context, file *File, content []byte) (discover.Found, error) {
	source := plugin.Source{Root: m.Root, Path: file.Path, Parameters: plugin.Parameters{Kind: render.KindDirectory}, Overlay: map[string][]byte{file.Path: content}}
	if file.document {
		source = plugin.Source{Rendered: content}
	}
	rendering, err := m.renderer.Render(ctx, source)
	if err != nil {
		return discover.Found{}, fmt.Errorf("reading the objects of %s: %w", file.Path, err)
	}
	for i := range rendering.Objects {
		if file.document {
			rendering.Objects[i].Origin = plugin.Origin{File: file.Path}
		}
	}
	tree := discover.Tree{Root: m.Root, Own: m.Own, Open: m.open, Clusters: m.Clusters, Limits: m.Limits}
	found, sets := discover.ArgoApplications(ctx, tree, rendering.Objects, nil), discover.ArgoApplicationSets(ctx, tree, rendering.Objects, nil)
	found.Applications = append(found.Applications, sets.Applications...)
	found.Unseen = append(found.Unseen, sets.Unseen...)
	return found, nil
}

// open is the tree that a Git generator looks into.
func (m *mover) open(_ context.Context, repository, revision string) (*os.Root, error) {
	return m.tree(repository, revision)
}

// tree is that of a repository at a revision. Its error is absent.
func (m *mover) tree(repository, revision string) (*os.Root, error) {
	if m.Elsewhere != nil { // who names a checkout knows better than a guess
		if root := m.Elsewhere(repository); root != nil {
			return root, nil
		}
	}
	if what := plugin.RedactURL(repository); !m.Own(repository) {
		return nil, absent{"its source is in another repository, " + what, "name a checkout with --source " + what + "=FOLDER, or --repository if it is this one, or write it with --unproven"}
	}
	if !m.Tracks(revision) {
		return nil, absent{"its source is at the revision " + revision + ", which is not what lies here", "name it with --branch if it is, or write it with --unproven"}
	}
	return m.Root, nil
}

// rendered is a source and what it rendered to.
type rendered struct {
	plugin.Rendering

	source plugin.Source
}

// compare renders a source both ways.
func (m *mover) compare(ctx context.Context, c comparison) (answer, error) {
	before, err := m.part(ctx, c.native, c.part)
	if gone, is := absence(err); is {
		return answer{unproven: []Problem{{c.native.Origin, c.native.Name, gone.reason, gone.hint}}}, nil
	} else if err != nil {
		return answer{}, err
	}
	after, err := m.part(ctx, c.carried, c.part)
	if gone, is := absence(err); is {
		return c.overridden(before.source, gone), nil
	} else if err != nil {
		return answer{}, err
	}
	out := answer{proven: true}
	if difference := differenceOf(before.Objects, after.Objects); difference != "" {
		if out, err = m.again(ctx, c, before, after.Objects); err != nil || !out.proven {
			return out, err
		}
	}
	return m.harden(ctx, c, after, out)
}

// overridden is what becomes of a source that the plugin does not render: Argo CD
// merges files in its folder over the source, where their block stands beside the
// plugin's.
func (c comparison) overridden(native plugin.Source, gone absent) answer {
	for _, base := range []string{".argocd-source.yaml", ".argocd-source-" + c.native.Name + ".yaml"} {
		name := path.Join(native.Path, base)
		if native.Root == nil {
			break
		}
		if _, err := native.Root.Stat(name); err == nil {
			return answer{refused: []Problem{{
				c.native.Origin, c.native.Name, name + " changes this source, and Argo CD refuses its block beside a plugin",
				"write what it says into the Application and remove it, or write it as plugin.parameters",
			}}}
		}
	}
	return c.differs("of the plugin's source: " + gone.reason)
}

// part renders one source of an Application.
func (m *mover) part(ctx context.Context, application discover.Application, number int) (rendered, error) {
	source, err := m.locate(ctx, application, number)
	if err != nil {
		return rendered{source: source}, err
	}
	return m.render(ctx, source)
}

// absence tells a source that is not rendered from no answer.
func absence(err error) (absent, bool) {
	var gone absent
	if errors.As(err, &gone) {
		return gone, true
	}
	reason, refused := refusal(err)
	return absent{reason: "its source is not rendered: " + reason}, refused
}

// render renders a source.
func (m *mover) render(ctx context.Context, source plugin.Source) (rendered, error) {
	m.renderings.Add(1)
	rendering, err := m.renderer.Render(ctx, source)
	return rendered{rendering, source}, err //nolint:wrapcheck // it names the source
}

func refusal(err error) (string, bool) {
	var refused *plugin.Refusal
	if !errors.As(err, &refused) {
		return "", false
	}
	var reasons []string
	for _, finding := range plugin.FindingsFromError("migrate", err) {
		reasons = append(reasons, finding.Message)
	}
	return strings.Join(reasons, "; "), true
}
