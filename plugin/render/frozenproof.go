package render

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"reflect"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	commonutil "helm.sh/helm/v4/pkg/chart/common/util"
	"helm.sh/helm/v4/pkg/chart/loader/archive"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/engine"
	releasecommon "helm.sh/helm/v4/pkg/release/common"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/assay-gitops/assay/plugin"
)

const (
	// mostFrozenFile is the most that Helm reads of one file of a chart, in bytes
	// (pkg/chart/loader/archive, MaxDecompressedFileSize, which releases of Helm
	// before 4.3 enforce).
	mostFrozenFile = 5 << 20
	// mostRelease is the most that a release may have in the Secret in which Helm
	// keeps it, in bytes: a Secret's data is at most 1 MiB (k8s.io/api/core/v1
	// MaxSecretSize). The rest is left for values, labels and what hooks say.
	mostRelease = 1<<20 - 64<<10
)

// prove renders the chart with Helm, as a release that was never judged, and
// demands the sealed objects: none more, none less, each as it was judged.
func (f *frozenChart) prove() error {
	var files []*archive.BufferedFile
	for _, name := range slices.Sorted(maps.Keys(f.files)) {
		files = append(files, &archive.BufferedFile{Name: name, Data: f.files[name]})
	}
	loaded, err := loader.LoadFiles(files)
	if err != nil {
		return fmt.Errorf("loading it with helm: %w", err)
	}
	options := common.ReleaseOptions{Name: "another", Namespace: f.options.Namespace, Revision: 2, IsUpgrade: true}
	values, err := commonutil.ToRenderValues(loaded, map[string]any{"global": map[string]any{}}, options, common.DefaultCapabilities)
	if err != nil {
		return fmt.Errorf("merging values: %w", err)
	}
	rendered, err := engine.Render(loaded, values)
	if err != nil {
		return fmt.Errorf("rendering it with helm: %w", err)
	}
	hooks, manifests, err := releaseutil.SortManifests(rendered, nil, releaseutil.InstallOrder)
	if err != nil {
		return fmt.Errorf("sorting what helm renders: %w", err)
	}
	if err := f.compare(hooks, manifests); err != nil {
		return err
	}
	return f.fits(loaded, hooks, manifests)
}

// compare looks up every object that Helm gives by the template that gave it.
func (f *frozenChart) compare(hooks []*release.Hook, manifests []releaseutil.Manifest) error {
	texts := map[string]string{}
	for _, manifest := range manifests {
		texts[manifest.Name] = manifest.Content
	}
	for _, hook := range hooks {
		texts[hook.Path] = hook.Manifest
	}
	if got := len(hooks) + len(manifests); got != len(texts) || got != len(f.at) {
		return fmt.Errorf("helm renders %d objects of %d", got, len(f.at))
	}
	for name, i := range f.at {
		if err := f.same(name, texts[path.Join(f.options.Chart.Name, name)], f.objects[i]); err != nil {
			return err
		}
	}
	return nil
}

// same demands that Helm gave the text as it was written, and that a reader of
// YAML finds the sealed object in it.
func (f *frozenChart) same(template, text string, object plugin.Object) error {
	at := plugin.Origin{File: template}
	file := "objects/" + strings.TrimSuffix(path.Base(template), ".yaml") + ".json"
	decoded, err := decodeYAML([]byte(text), f.options.Limits, at)
	if err != nil {
		return err
	}
	want, err := newNormaliser(f.options.Limits, at).value(object.DeepCopy().Fields, 1)
	if err != nil {
		return err
	}
	if strings.TrimSpace(text) != string(bytes.TrimSpace(f.files[file])) || !reflect.DeepEqual(decoded.value, want) {
		return fmt.Errorf("helm renders %s to something else than what was judged", object.ID())
	}
	return nil
}

// fits refuses a chart whose release Helm could not keep.
func (f *frozenChart) fits(loaded *chart.Chart, hooks []*release.Hook, manifests []releaseutil.Manifest) error {
	var text strings.Builder
	for _, manifest := range manifests {
		fmt.Fprintf(&text, "---\n# Source: %s\n%s\n", manifest.Name, manifest.Content)
	}
	kept, err := json.Marshal(&release.Release{
		Name: f.options.Chart.Name, Namespace: f.options.Namespace, Chart: loaded, Manifest: text.String(), Hooks: hooks, Version: 1,
		Info: &release.Info{Status: releasecommon.StatusDeployed},
	})
	if err != nil {
		return fmt.Errorf("writing its release: %w", err)
	}
	size, err := releaseSize(kept)
	if err != nil || size <= mostRelease {
		return err
	}
	return tooLargeToFreeze(fmt.Sprintf("the release needs %d bytes", size), "the Secret in which Helm keeps it", mostRelease)
}

// releaseSize is what Helm makes of a release in a Secret
// (pkg/storage/driver/util.go, encodeRelease).
func releaseSize(kept []byte) (int, error) {
	if base64.StdEncoding.EncodedLen(len(kept)) < mostRelease {
		return 0, nil // it gets no larger by compression
	}
	var out bytes.Buffer
	zipped, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	if err == nil {
		_, err = zipped.Write(kept)
	}
	if err == nil {
		err = zipped.Close()
	}
	if err != nil {
		return 0, fmt.Errorf("compressing its release: %w", err)
	}
	return base64.StdEncoding.EncodedLen(out.Len()), nil
}

func tooLargeToFreeze(what, where string, most int) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleLimit, Origin: plugin.Origin{File: "Chart.yaml"}, Message: fmt.Sprintf("the frozen chart is too large: %s, and %s holds %d", what, where, most),
		Why:  "helm would render it and then fail to keep it, half installed",
		Hint: "split the chart, leave large CRDs to a release of their own, or publish plain manifests for a Kustomization",
	}
}
