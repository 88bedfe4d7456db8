package migrate

import (
	"context"
	"errors"
	"fmt"
	"path"
	"reflect"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/render"
)

// prove renders the native and the plugin's source of each Application of a
// file, and says where they differ and what could not be compared. The error is
// no answer.
func (o Options) prove(ctx context.Context, file *File) error {
	before, err := o.applications(ctx, file.Path, nil)
	if err != nil {
		return err
	}
	after, err := o.applications(ctx, file.Path, map[string][]byte{file.Path: file.New})
	if err != nil {
		return err
	}
	for _, each := range before.Unseen {
		file.unproven(each)
	}
	if len(before.Applications) != len(after.Applications) {
		file.differs(plugin.Origin{File: file.Path}, "", fmt.Sprintf("%d Applications come of it instead of %d", len(after.Applications), len(before.Applications)))
		return nil
	}
	for i, native := range before.Applications {
		if err := o.compare(ctx, file, native, after.Applications[i]); err != nil {
			return err
		}
	}
	if len(before.Applications) == 0 && len(before.Unseen) == 0 {
		file.unproven(discover.Unseen{What: file.Path, Reason: "no Application comes of it", Origin: plugin.Origin{File: file.Path}})
	}
	return nil
}

func (f *File) unproven(u discover.Unseen) {
	f.Unproven = append(f.Unproven, Problem{u.Origin, u.What, u.Reason, u.Hint})
}

func (f *File) differs(at plugin.Origin, what, reason string) {
	f.Different = append(f.Different, Problem{at, what, reason, "keep this source as it is, and report it as a defect of assay"})
}

// applications are those of a file, as it is or with new content.
func (o Options) applications(ctx context.Context, name string, overlay map[string][]byte) (discover.Found, error) {
	rendering, err := o.renderer().Render(ctx, plugin.Source{Root: o.Root, Path: name, Parameters: plugin.Parameters{Kind: render.KindDirectory}, Overlay: overlay})
	if err != nil {
		return discover.Found{}, fmt.Errorf("reading the objects of %s: %w", name, err)
	}
	tree := discover.Tree{Root: o.Root, Own: o.Own, Limits: o.Limits}
	found, sets := discover.ArgoApplications(ctx, tree, rendering.Objects, nil), discover.ArgoApplicationSets(ctx, tree, rendering.Objects, nil)
	found.Applications = append(found.Applications, sets.Applications...)
	found.Unseen = append(found.Unseen, sets.Unseen...)
	return found, nil
}

func (o Options) renderer() *render.Renderer { return render.New(render.Options{Limits: o.Limits}) }

// compare compares the parts of one Application.
func (o Options) compare(ctx context.Context, file *File, native, carried discover.Application) error {
	switch {
	case len(native.Unseen) > 0:
		for _, each := range native.Unseen {
			file.unproven(each)
		}
		return nil
	case len(carried.Unseen) > 0:
		file.differs(native.Origin, native.Name, carried.Unseen[0].Reason)
		return nil
	case len(native.Parts) != len(carried.Parts):
		file.differs(native.Origin, native.Name, "it has another number of sources")
		return nil
	}
	for i := range native.Parts {
		if reason, hint := o.elsewhere(native.Parts[i]); reason != "" {
			file.unproven(discover.Unseen{What: native.Name, Reason: reason, Hint: hint, Origin: native.Origin})
			continue
		}
		want, err := o.objects(ctx, native, native.Parts[i])
		if reason, refused := refusal(err); refused {
			file.unproven(discover.Unseen{What: native.Name, Reason: "its source is not rendered: " + reason, Origin: native.Origin})
			continue
		} else if err != nil {
			return err
		}
		have, err := o.objects(ctx, carried, carried.Parts[i])
		if reason, refused := refusal(err); refused {
			file.differs(native.Origin, native.Name, "the plugin's source is not rendered: "+reason)
			continue
		} else if err != nil {
			return err
		}
		if difference := differenceOf(want, have); difference != "" {
			file.differs(native.Origin, native.Name, difference)
			continue
		}
		file.Proven++
	}
	return nil
}

// elsewhere says why a part cannot be rendered from this tree.
func (o Options) elsewhere(part discover.Part) (reason, hint string) {
	what := plugin.RedactURL(part.Repository)
	if part.Chart != nil {
		return fmt.Sprintf("its source is the chart %s of %s, which is not in this tree", part.Chart.Name, plugin.RedactURL(part.Chart.Repository)), "look at the difference, and write it with --unproven"
	}
	if !o.Own(part.Repository) {
		return "its source is in another repository, " + what, "name it with --repository if it is this one, or write it with --unproven"
	}
	if !o.Tracks(part.Revision) {
		return "its source is at the revision " + part.Revision + ", which is not what lies here", "name it with --branch if it is, or write it with --unproven"
	}
	if info, err := o.Root.Stat(path.Clean(part.Path)); err != nil || !info.IsDir() {
		return "there is no folder " + part.Path + " in this tree", "name the repository's folder with --root, or write it with --unproven"
	}
	for _, reference := range part.References {
		if !o.Own(reference.Repository) || !o.Tracks(reference.Revision) {
			return "it takes value files from " + plugin.RedactURL(reference.Repository), "write it with --unproven"
		}
	}
	return "", ""
}

// objects renders a part.
func (o Options) objects(ctx context.Context, application discover.Application, part discover.Part) ([]plugin.Object, error) {
	part, err := part.Settle(o.Root, "", o.Limits)
	if err != nil {
		return nil, err //nolint:wrapcheck // it names the part
	}
	for name := range part.References {
		if part.Parameters.Helm.References == nil {
			part.Parameters.Helm.References = map[string]string{}
		}
		part.Parameters.Helm.References[name] = "."
	}
	rendering, err := o.renderer().Render(ctx, plugin.Source{
		Root: o.Root, Path: path.Clean(part.Path), RepositoryPath: path.Clean(part.Path), Application: application.Identity, Parameters: part.Parameters,
	})
	return rendering.Objects, err //nolint:wrapcheck // it names the source
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

// differenceOf says what is not the same; empty for none.
func differenceOf(want, have []plugin.Object) string {
	if len(want) != len(have) {
		return fmt.Sprintf("the plugin renders %d objects instead of %d", len(have), len(want))
	}
	for i := range want {
		if !reflect.DeepEqual(want[i].Fields, have[i].Fields) {
			return "the plugin renders another " + want[i].ID().String()
		}
	}
	return ""
}
