package harden

import (
	"bytes"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/e2e/corpus"
	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// applications are those of the examples and of the modules that this one
// requires: charts, kustomizations and manifests that nobody wrote for this test.
func applications(t *testing.T) []corpus.Application {
	t.Helper()
	folders := map[string]string{"examples": "../../examples"}
	for name, each := range map[string]struct{ module, folder string }{
		"helm": {"helm.sh/helm/v4", "."}, "kustomize": {"sigs.k8s.io/kustomize/api", "."}, "kyaml": {"sigs.k8s.io/kustomize/kyaml", "."},
		"addons": {"k8s.io/kubernetes", "cluster"}, "e2e": {"k8s.io/kubernetes", "test/e2e/testing-manifests"}, "fixtures": {"k8s.io/kubernetes", "test/fixtures"},
		"hack": {"k8s.io/kubernetes", "hack/testdata"}, "restricted": {"k8s.io/pod-security-admission", "test/testdata/restricted/v1.37"},
		"baseline": {"k8s.io/pod-security-admission", "test/testdata/baseline/v1.37"},
	} {
		dir, err := corpus.Required(t.Context(), each.module)
		if err != nil {
			t.Fatal(err)
		}
		folders[name] = filepath.Join(dir, each.folder)
	}
	all := []corpus.Application{corpus.Traps()}
	for set, folder := range folders {
		found, err := corpus.Applications(t.Context(), set, folder)
		if err != nil || len(found) == 0 {
			t.Fatalf("%s: %d applications, %v", set, len(found), err)
		}
		all = append(all, found...)
	}
	slices.SortFunc(all, func(a, b corpus.Application) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// world is what every image of a test is.
type world func(written string) *plugin.ImageConfig

// worlds are an image that every setting fits, and one trap or another for each
// image.
func worlds() map[string]world {
	return map[string]world{
		"good":  func(string) *plugin.ImageConfig { return corpus.Images()[0] },
		"mixed": corpus.ImageOf,
	}
}

func (w world) images(found []plugin.Image) plugin.ImageIndex {
	images := slices.Clone(found)
	for i := range images {
		images[i].Config = w(images[i].Written)
	}
	return plugin.NewImageIndex(images)
}

// hardeners are every profile, and one that is asked for everything.
func hardeners(t *testing.T) map[string]*Hardener {
	t.Helper()
	all := map[string]*Hardener{}
	for name := range profiles() {
		all[name] = newHardener(t, Config{Profile: name})
	}
	all["everything"] = newHardener(t, Config{Profile: restricted, More: everything(), Namespaces: []gate.Namespace{{Name: "team-a", Owned: true}}})
	return all
}

func newHardener(t *testing.T, config Config) *Hardener {
	t.Helper()
	hardener, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return hardener
}

// TestCorpus_HardeningKeepsWhatAuthorsWrote: every source, profile and world.
func TestCorpus_HardeningKeepsWhatAuthorsWrote(t *testing.T) {
	all := applications(t)
	counts := map[string]int{}
	each := hardeners(t)
	for _, app := range all {
		set, _, _ := strings.Cut(app.Name, ":")
		counts[set]++
		counts["applications"]++
		counts["objects"] += len(app.Objects)
		images := imagesAt(app.Objects)
		for profile, hardener := range each {
			for name, world := range worlds() {
				trial := trial{app, images, hardener, world}
				edits, err := trial.run(t)
				if err != nil {
					t.Errorf("%s, %s, %s images: %v", app.Name, profile, name, err)
				}
				counts["changes"] += edits
			}
		}
	}
	t.Logf("%v", counts)
	for what, least := range map[string]int{"applications": 600, "objects": 900, "changes": 12_000, "examples": 30, "helm": 50, "kustomize": 8, "restricted": 90, "addons": 80, "traps": 1} {
		if counts[what] < least {
			t.Errorf("only %d of %s, want %d: the corpus has shrunk", counts[what], what, least)
		}
	}
}

// trial is one application under one hardener.
type trial struct {
	app corpus.Application
	// images are those of the application. Hardening moves no object, so they are
	// those of what comes out, too, which authored makes sure of.
	images   []plugin.Image
	hardener *Hardener
	world    world
}

// hardened hardens a copy of the objects.
func (tr trial) hardened(t *testing.T, from []plugin.Object) ([]plugin.Object, []plugin.Finding, error) {
	objects, err := corpus.Clone(from)
	if err != nil {
		return nil, nil, err
	}
	rendering := plugin.Unhardened{Objects: objects, Images: tr.world.images(tr.images)}
	rendering.Source.Application.Namespace = "team-a"
	hardened, findings := tr.hardener.Harden(t.Context(), rendering)
	return hardened, findings, nil
}

// run hardens, and says which property does not hold.
func (tr trial) run(t *testing.T) (edits int, err error) {
	once, findings, err := tr.hardened(t, tr.app.Objects)
	if err != nil {
		return 0, err
	}
	sealed, err := plugin.JSONEncoding{}.Encode(once)
	if err != nil {
		return 0, err
	}
	decoded, err := plugin.JSONEncoding{}.Decode(sealed)
	if err != nil || len(decoded) != len(once) {
		return 0, fmt.Errorf("the seal decodes to %d of %d objects: %w", len(decoded), len(once), err)
	}
	for what, from := range map[string][]plugin.Object{"hardening what is sealed": decoded, "hardening anew": tr.app.Objects} {
		again, said, err := tr.hardened(t, from)
		if err != nil {
			return 0, err
		}
		bytesAgain, err := plugin.JSONEncoding{}.Encode(again)
		if err != nil || !bytes.Equal(sealed, bytesAgain) {
			return 0, fmt.Errorf("%s gives other bytes: %w\n%s\n%s", what, err, sealed, bytesAgain)
		}
		if what == "hardening anew" && !reflect.DeepEqual(said, findings) {
			return 0, fmt.Errorf("%s says something else:\n%+v\n%+v", what, findings, said)
		}
	}
	if err := authored(tr.app.Objects, once, tr.images); err != nil {
		return 0, err
	}
	return told(once, findings)
}

// authored says where an object lost its place, its image or a value of the
// author's.
func authored(before, after []plugin.Object, images []plugin.Image) error {
	if len(after) < len(before) {
		return fmt.Errorf("%d objects became %d", len(before), len(after))
	}
	for i := range before {
		if problem := kept(before[i].Fields, after[i].Fields, "."); problem != "" {
			return fmt.Errorf("%s, object %d: %s", before[i].ID(), i, problem)
		}
	}
	if was, is := placesOf(images), placesOf(imagesAt(after)); !reflect.DeepEqual(was, is) {
		return fmt.Errorf("images %v became %v", was, is)
	}
	return nil
}

func imagesAt(objects []plugin.Object) []plugin.Image {
	images, _ := plugin.ImageFinder{}.Find(objects)
	return images
}

// placesOf are all places of images, and what stands there.
func placesOf(images []plugin.Image) map[string]string {
	places := map[string]string{}
	for _, image := range images {
		for _, use := range image.Uses {
			places[fmt.Sprintf("%d %s", use.Object, use.Field)] = image.Written
		}
	}
	return places
}

// kept says which value of the author's is not there as it was. Maps may gain
// members, and only lists of volumes and mounts may become longer.
func kept(before, after any, at string) string {
	switch before := before.(type) {
	case nil:
		return ""
	case map[string]any:
		members, _ := after.(map[string]any)
		for name, value := range before {
			if problem := kept(value, members[name], at+name+"."); problem != "" {
				return problem
			}
		}
		return ""
	case []any:
		items, _ := after.([]any)
		mayGrow := strings.HasSuffix(at, ".volumes.") || strings.HasSuffix(at, ".volumeMounts.")
		if len(items) < len(before) || len(items) > len(before) && !mayGrow {
			return fmt.Sprintf("%s has %d entries, the author wrote %d", at, len(items), len(before))
		}
		for i := range before {
			if problem := kept(before[i], items[i], fmt.Sprintf("%s%d.", at, i)); problem != "" {
				return problem
			}
		}
		return ""
	}
	if !reflect.DeepEqual(before, after) {
		return fmt.Sprintf("%s is %v, the author wrote %v", at, after, before)
	}
	return ""
}

// told says which finding is not what stands in the objects, and counts the
// changes. A finding of a change has the value that was there before: none, but
// for capabilities, to whose additions of the author's a drop is added.
func told(objects []plugin.Object, findings []plugin.Finding) (changes int, err error) {
	byID := map[string]plugin.Object{}
	for _, object := range objects {
		byID[object.ID().String()+object.Origin.String()] = object
	}
	for _, finding := range findings {
		if finding.Rule == ruleHeldBack {
			if finding.Hint == "" || finding.Message == "" || finding.Was+finding.Now != "" || finding.Level.Blocks() {
				return 0, fmt.Errorf("held back: %+v", finding)
			}
			continue
		}
		changes++
		if finding.Was != "null" && !strings.HasSuffix(finding.Field, ".capabilities") || finding.Now == "" || finding.Why == "" || finding.Level != plugin.Info {
			return 0, fmt.Errorf("a change: %+v", finding)
		}
		if _, found := byID[finding.Object.String()+finding.Origin.String()]; !found {
			return 0, fmt.Errorf("a change of no object: %+v", finding)
		}
	}
	return changes, nil
}

// TestCorpus_TheComparisonNotices what it is there to notice.
func TestCorpus_TheComparisonNotices(t *testing.T) {
	write := func(container string) []plugin.Object {
		return []plugin.Object{workload{pod: "volumes: [{name: a}]", container: container}.object(t)}
	}
	before := write("args: [a], securityContext: {runAsUser: 5}")
	for name, test := range map[string]struct {
		after []plugin.Object
		fails bool
	}{
		"the same":           {write("args: [a], securityContext: {runAsUser: 5}"), false},
		"more beside it":     {write("args: [a], securityContext: {runAsUser: 5, runAsNonRoot: true}"), false},
		"another value":      {write("args: [a], securityContext: {runAsUser: 6}"), true},
		"a value is gone":    {write("args: [a]"), true},
		"a list is longer":   {write("args: [a, b], securityContext: {runAsUser: 5}"), true},
		"an object is gone":  {nil, true},
		"an image was added": {[]plugin.Object{write("args: [a], securityContext: {runAsUser: 5}")[0], write("")[0]}, true},
	} {
		if err := authored(before, test.after, imagesAt(before)); (err != nil) != test.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
}
