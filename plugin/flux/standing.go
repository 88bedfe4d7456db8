package flux

import (
	"bytes"
	"context"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/report"
)

// standing judges what is published again while something newer is denied, as
// Flux goes on applying it: a key may have been revoked, a waiver may have
// ended. It returns what there is to say, and nothing where it still passes.
func (r *Reconciler) standing(ctx context.Context, object *v1alpha1.GatedSource, made outcome) string {
	seen, read := made.seen, made.read
	artifact := object.Status.Artifact
	if artifact == nil || object.Spec.OnDenied == v1alpha1.Withdraw {
		return ""
	}
	if object.Status.PublishedRevision == seen.origin() {
		return "; it is of the revision that is denied now"
	}
	files, err := r.Store.Read(*artifact)
	if err != nil {
		return "; it could not be judged again: " + report.Neutral(err.Error())
	}
	source := plugin.Source{
		Path: pathsOf(object)[0], Revision: object.Status.PublishedRevision, Application: applicationOf(object, seen), Rendered: manifestsIn(files), Hidden: made.hidden(),
	}
	verdict := r.Judge.JudgeWith(ctx, source, read.tenant)
	if verdict != nil && verdict.Outcome() == plugin.Allowed {
		return ""
	}
	if verdict == nil {
		verdict = &plugin.Verdict{Application: source.Application}
	}
	headline, _, _ := strings.Cut(Door().Condition(verdict, report.ID(verdict)), "\n")
	return "; judged again, it does not pass any more: " + headline
}

// manifestsIn are the objects of a publication, as one stream: those of a
// kustomization, or of a frozen chart.
func manifestsIn(files map[string][]byte) []byte {
	var stream bytes.Buffer
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if path.Base(name) == manifestsFile || path.Ext(name) == ".json" || path.Base(path.Dir(name)) == "crds" {
			stream.WriteString("---\n")
			stream.Write(files[name])
			stream.WriteString("\n")
		}
	}
	return stream.Bytes()
}
