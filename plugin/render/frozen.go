package render

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/Masterminds/semver/v3"
	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// FrozenOptions say what a frozen chart is made of.
type FrozenOptions struct {
	// Chart is the chart that was rendered, as [DescribeChart] read it.
	Chart ChartFacts
	// Namespace is the release's namespace that was judged. Every namespaced
	// object of the API server's own kinds that has none gets it. Where the scope
	// of a kind is not known, the chart fails in another namespace instead. Empty
	// leaves both out.
	Namespace string
	// Sealed are the manifests that were judged, as Encoding wrote them.
	Sealed   []byte
	Encoding plugin.Encoding
	Limits   plugin.Limits
}

// FreezeChart makes a chart that gives the sealed objects and nothing else,
// whatever the values, the release and the cluster are. The files are those of
// a packaged chart, below one folder of the chart's name; the same seal always
// gives the same bytes. What was in the original's crds folder is there again,
// and hooks stay hooks, tests included: both follow from the objects. Notes,
// partials, values, schemas, dependencies and the demand for a version of
// Kubernetes are gone.
//
// No text of an object is ever a template. Each object is a file of JSON, and
// its template is one line that names the file. Before the chart is handed on
// it is rendered with Helm and compared with the seal. A *plugin.Refusal says
// that the seal cannot be a release: Helm keeps a release in one Secret.
func FreezeChart(options FrozenOptions) (map[string][]byte, error) {
	objects, err := options.Encoding.Decode(options.Sealed)
	if err != nil {
		return nil, fmt.Errorf("freezing chart %s: %w", options.Chart.Name, err)
	}
	if len(objects) == 0 {
		return nil, fmt.Errorf("freezing chart %s: the sealed manifests hold no objects", options.Chart.Name)
	}
	frozen := &frozenChart{options: options, objects: objects, files: map[string][]byte{}, at: map[string]int{}}
	for _, part := range []func() error{frozen.describe, frozen.write, frozen.prove} {
		if err := part(); err != nil {
			return nil, refuseToFreeze(err)
		}
	}
	files := make(map[string][]byte, len(frozen.files))
	for name, data := range frozen.files {
		files[path.Join(options.Chart.Name, name)] = data
	}
	return files, nil
}

// refuseToFreeze tells a chart that cannot be from one that should have been:
// neither heals by itself.
func refuseToFreeze(err error) error {
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		return refusal
	}
	return &plugin.Refusal{
		Rule: ruleNotSupported, Origin: plugin.Origin{File: "Chart.yaml"}, Message: "the sealed manifests cannot be a chart", Cause: err,
		Why: "a chart that gives anything but what was judged is not published", Hint: "publish plain manifests for a Kustomization, and report this with the chart",
	}
}

// frozenChart is one chart in the making.
type frozenChart struct {
	options FrozenOptions
	objects []plugin.Object
	// files by their name in the chart.
	files map[string][]byte
	// at says which object a template gives.
	at map[string]int
}

// chartNames are those that helm's linter accepts; a name is a folder here.
var chartNames = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]*$`)

// frozenMetadata is Chart.yaml, without anything that Helm acts upon.
type frozenMetadata struct {
	APIVersion  string `json:"apiVersion"`
	Name        string `json:"name"`
	Description string `json:"description"`
	Type        string `json:"type"`
	Version     string `json:"version"`
	AppVersion  string `json:"appVersion,omitempty"`
}

func (f *frozenChart) describe() error {
	chart := f.options.Chart
	if !chartNames.MatchString(chart.Name) {
		return invalid(plugin.Origin{File: "Chart.yaml"}, fmt.Sprintf("the chart's name %q is none for a folder", chart.Name), nil)
	}
	version, err := frozenVersion(chart.Version, f.options.Sealed)
	if err != nil {
		return invalid(plugin.Origin{File: "Chart.yaml"}, fmt.Sprintf("the version %q is not a semantic one", chart.Version), err)
	}
	data, err := yaml.Marshal(frozenMetadata{
		APIVersion: "v2", Name: chart.Name, Type: "application", Version: version, AppVersion: chart.AppVersion,
		Description: "Rendered and judged by assay; values change nothing in it",
	})
	f.files["Chart.yaml"], f.files["values.yaml"] = data, []byte{}
	return err
}

// frozenVersion is the original's version with twelve characters of the
// content's digest as build metadata. helm-controller v1.6.3 sets such metadata
// itself when the artifact's revision has a digest (helmrelease_controller.go,
// mutateChartWithSourceRevision); where it does not, the chart's own tells one
// content from another.
func frozenVersion(written string, content []byte) (string, error) {
	version, err := semver.NewVersion(written)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(content)
	changed, err := version.SetMetadata(hex.EncodeToString(sum[:])[:12])
	return changed.String(), err
}

// write makes a file of every object.
func (f *frozenChart) write() error {
	crds, err := f.countCRDs()
	if err != nil {
		return err
	}
	guarded := false
	for i, object := range f.objects {
		if i >= crds {
			guarded = f.pin(i) || guarded
		}
		data, err := frozenText(f.objects[i])
		if err != nil {
			return err
		}
		if int64(len(data)) > mostFrozenFile {
			return tooLargeToFreeze(fmt.Sprintf("%s alone has %d bytes", object.ID(), len(data)), "a file of a chart", mostFrozenFile)
		}
		name := fmt.Sprintf("%05d-%s", i, fileWord(object.ID().Kind))
		if i < crds {
			f.files["crds/"+name+".yaml"] = data
			continue
		}
		f.files["objects/"+name+".json"] = data
		f.files["templates/"+name+".yaml"] = fmt.Appendf(nil, "{{ .Files.Get \"objects/%s.json\" }}\n", name)
		f.at["templates/"+name+".yaml"] = i
	}
	if guarded {
		f.files["templates/namespace.yaml"] = f.guard()
	}
	return nil
}

// countCRDs is how many of the objects came out of crds folders. They are the
// first ones; no stage changes an object's identity or place.
func (f *frozenChart) countCRDs() (int, error) {
	wanted := f.options.Chart.CRDs
	same := len(wanted) <= len(f.objects) && slices.EqualFunc(wanted, f.objects[:len(wanted)], func(id plugin.ObjectID, object plugin.Object) bool { return id == object.ID() })
	if !same {
		return 0, errors.New("the sealed manifests do not begin with what the chart's crds folders hold; it was rendered from another chart")
	}
	for _, id := range wanted {
		if id.Kind != "CustomResourceDefinition" || id.Group() != "apiextensions.k8s.io" {
			return 0, fmt.Errorf("the chart's crds folder holds a %s (%s): Helm would create it in whatever namespace the release has, before any template; move it to templates", id.Kind, id.Name)
		}
	}
	return len(wanted), nil
}

// pin writes the judged namespace into an object of the API server's own kinds,
// which is where it would have landed. It reports whether that could not be
// done, as the kind's scope is not known.
func (f *frozenChart) pin(i int) bool {
	lacks, known := lacksNamespace(f.objects[i].ID())
	if f.options.Namespace == "" || !lacks {
		return false
	}
	if !known {
		return true
	}
	object := f.objects[i].DeepCopy()
	setNamespace(object, f.options.Namespace)
	f.objects[i] = object
	return false
}

// guard fails in another namespace than the judged one and gives no object.
func (f *frozenChart) guard() []byte {
	message := fmt.Sprintf("this chart was judged for the namespace %s: install it there, or judge it for another one", f.options.Namespace)
	return fmt.Appendf(nil, "{{ if ne .Release.Namespace %s }}{{ fail %s }}{{ end }}\n", strconv.Quote(f.options.Namespace), strconv.Quote(message))
}

// frozenText is an object as one line of JSON, which is YAML, too. Helm removes
// "<no value>" from whatever a template gives (pkg/engine/engine.go), so no
// "<" stands in it as it is.
func frozenText(object plugin.Object) ([]byte, error) {
	data, err := plugin.JSONEncoding{}.Encode([]plugin.Object{object})
	if err != nil {
		return nil, err
	}
	return bytes.ReplaceAll(data, []byte("<"), []byte(`\u003c`)), nil
}

var notInFileNames = regexp.MustCompile(`[^a-z0-9]+`)

// fileWord is the part of a kind that may stand in a file's name.
func fileWord(kind string) string {
	const longest = 60
	word := notInFileNames.ReplaceAllString(strings.ToLower(kind), "")
	return word[:min(len(word), longest)]
}
