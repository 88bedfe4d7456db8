package preview

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
	"github.com/assay-gitops/assay/plugin/preview/revision"
	"github.com/assay-gitops/assay/plugin/render"
)

// ruleSource is a definition whose source cannot be put together.
const ruleSource = "diff/source"

// located is one part of an application with the tree that it is rendered from.
type located struct {
	source plugin.Source
	limits plugin.Limits
	// release is set for a HelmRelease; outer is then the source whose rendering
	// it stands in.
	release *render.FoundRelease
	outer   plugin.Source
	// key says what is rendered but for the files.
	key string
	// facts are what the rendering read; nil when that is not known.
	facts plugin.TreeFacts
	// problem is why the part cannot be put together: it is denied.
	problem error
}

// unseen is an error that says that a part cannot be looked at from here.
type unseen struct{ discover.Unseen }

func (u unseen) Error() string { return u.What + ": " + u.Reason }

// locate finds the tree of one part and what is laid over it.
func (r *runner) locate(ctx context.Context, side Side, application discover.Application, part discover.Part) (*located, error) {
	root, err := r.tree(ctx, side, part.Repository, part.Revision, part.Chart != nil)
	if err != nil {
		return nil, err
	}
	settled, problem := settle(side, root, part)
	part = settled
	found := &located{source: plugin.Source{
		Root: root, Path: path.Clean(path.Join(".", part.Path)), RepositoryPath: path.Clean(path.Join(".", part.Path)), Revision: side.Commit,
		Application: application.Identity, Parameters: part.Parameters, Hidden: part.Hidden,
	}}
	r.fill(&found.source.Parameters.Helm)
	if found.limits, err = r.Setup.LimitsOf(found.source); err != nil {
		found.limits = plugin.DefaultLimits() // the verdict says what is wrong with the gates
	}
	if found.problem, err = refusalOf(errors.Join(problem, r.chart(ctx, found, part), r.references(ctx, side, found, part))); err != nil {
		return nil, err
	}
	found.key, err = keyOf(found.source)
	return found, err
}

// refusalOf tells what denies from what cannot be looked at and from no answer.
func refusalOf(err error) (refusal, other error) {
	var hidden unseen
	var refused *plugin.Refusal
	if !errors.As(err, &hidden) && errors.As(err, &refused) {
		return err, nil
	}
	return nil, err
}

// fill sets what a definition leaves to the cluster.
func (r *runner) fill(helm *plugin.HelmParameters) {
	if helm.KubeVersion == "" {
		helm.KubeVersion = r.Parameters.KubeVersion
	}
	if len(helm.APIVersions) == 0 {
		helm.APIVersions = r.Parameters.APIVersions
	}
}

// tree is the tree of a repository at a revision. A chart from elsewhere is laid
// over the side's own.
func (r *runner) tree(ctx context.Context, side Side, repository, at string, chart bool) (*os.Root, error) {
	what := plugin.RedactURL(repository)
	switch {
	case chart:
		return side.Root, nil
	case !side.own(repository):
		folder, vendored := r.Sources[revision.NormalizeURL(repository)]
		if !vendored {
			return nil, unseen{discover.Unseen{
				What: what, Reason: "its source is in another repository", Hint: "name a copy with --source " + what + "=FOLDER",
			}}
		}
		return r.vendored(folder)
	case side.tracks(at):
		return side.Root, nil
	}
	if side.At != nil {
		root, err := side.At(ctx, at)
		if err != nil || root != nil {
			return root, err
		}
	}
	return nil, unseen{discover.Unseen{
		What: strings.TrimPrefix(what+" at "+at, " at "), Reason: "this clone has no tag or commit " + at + ", and it is not the branch that is compared",
		Hint: "fetch it, or name the branch with --branch " + at + " when it means what is compared",
	}}
}

// vendored opens a folder once.
func (r *runner) vendored(folder string) (*os.Root, error) {
	r.known.mu.Lock()
	defer r.known.mu.Unlock()
	if root, open := r.known.vendored[folder]; open {
		return root, nil
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("opening the copy of a source: %w", err)
	}
	r.known.vendored[folder] = root
	return root, nil
}

// chart lays a chart of a Helm repository or registry over the tree.
func (r *runner) chart(ctx context.Context, found *located, part discover.Part) error {
	if part.Chart == nil {
		return nil
	}
	published, err := r.Setup.FetchChart(ctx, found.source, *part.Chart)
	var refusal *plugin.Refusal
	switch {
	case errors.As(err, &refusal):
		return unseen{discover.Unseen{
			What: fmt.Sprintf("chart %s %s from %s", part.Chart.Name, part.Chart.Version, plugin.RedactURL(part.Chart.Repository)), Reason: refusal.Message, Hint: refusal.Hint,
		}}
	case err != nil:
		return unseen{discover.Unseen{
			What:   fmt.Sprintf("chart %s %s from %s", part.Chart.Name, part.Chart.Version, plugin.RedactURL(part.Chart.Repository)),
			Reason: err.Error(), Hint: "run it again where the registry answers",
		}}
	}
	sum := sha256.Sum256(published.Archive)
	digest := hex.EncodeToString(sum[:])
	if part.Digest != "" && part.Digest != published.Manifest && part.Digest != "sha256:"+digest {
		return &plugin.Refusal{
			Rule: ruleSource, Message: fmt.Sprintf("chart %s %s is sha256:%s, and %s is written", part.Chart.Name, part.Chart.Version, digest, part.Digest),
			Hint: "find out why a published version was replaced",
		}
	}
	found.source.Path = ".assay-chart-" + digest + ".tgz"
	found.source.Overlay = map[string][]byte{found.source.Path: published.Archive}
	return nil
}

// keyOf is everything about a source but its tree.
func keyOf(source plugin.Source) (string, error) {
	overlay := map[string]string{}
	for name, data := range maps.All(source.Overlay) {
		sum := sha256.Sum256(data)
		overlay[name] = hex.EncodeToString(sum[:])
	}
	data, err := json.Marshal(struct {
		Path, RepositoryPath string
		Application          plugin.Application
		Parameters           plugin.Parameters
		Hidden               []string
		Overlay              map[string]string
	}{source.Path, source.RepositoryPath, source.Application, source.Parameters, source.Hidden, overlay})
	if err != nil {
		return "", fmt.Errorf("describing a source: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:]), nil
}
