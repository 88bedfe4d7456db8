package render

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"strings"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assay-gitops/assay/plugin"
)

// kustomizeWalk looks at every kustomization that a build can reach, before
// kustomize does: what is not a file or folder of the tree, kustomize would
// take for a URL, and fetch.
type kustomizeWalk struct {
	files   *kustomizeFiles
	visited map[string]types.Kustomization
	// namespaces are what charts in a folder inherit from the kustomizations
	// above it.
	namespaces map[string]string
	// folders are in the order of the visits.
	folders   []string
	pages     map[string]*kustomizePage
	ownSchema bool
	// anywhere lets a kustomization name files of the whole tree, as Flux does;
	// kustomize's own command wants them in or below its folder.
	anywhere bool
}

func newKustomizeWalk(files *kustomizeFiles) *kustomizeWalk {
	return &kustomizeWalk{files: files, visited: map[string]types.Kustomization{}, namespaces: map[string]string{}, pages: map[string]*kustomizePage{}}
}

// visit checks one folder and all that it names.
func (w *kustomizeWalk) visit(folder string, asked plugin.Origin, namespace string) error {
	if _, again := w.visited[folder]; again {
		return w.sameNamespace(folder, asked, namespace)
	}
	name, found := w.files.kustomization(folder)
	if !found {
		return missingKustomization(folder, asked)
	}
	data, err := w.files.read(name)
	if err != nil {
		return refuseRead(err, asked)
	}
	k, err := parseKustomization(data, w.files.tree.limits, plugin.Origin{File: name})
	if err != nil {
		return err
	}
	w.visited[folder] = k
	w.namespaces[folder] = namespace
	w.folders = append(w.folders, folder)
	w.ownSchema = w.ownSchema || len(k.OpenAPI) > 0
	written, edited := w.files.written[name]
	if !edited {
		written = data
	}
	page := &kustomizePage{walk: w, folder: folder, lines: newLines(written, name), k: k}
	w.pages[folder] = page
	return page.check()
}

// hasCharts reports whether a kustomization of the build has a chart.
func (w *kustomizeWalk) hasCharts() bool {
	for _, folder := range w.folders {
		if len(w.visited[folder].HelmCharts) > 0 {
			return true
		}
	}
	return false
}

// sameNamespace refuses charts that one build inflates for two namespaces.
func (w *kustomizeWalk) sameNamespace(folder string, asked plugin.Origin, namespace string) error {
	k := w.visited[folder]
	if len(k.HelmCharts) == 0 || k.Namespace != "" || w.namespaces[folder] == namespace {
		return nil
	}
	return &plugin.Refusal{
		Rule: ruleNotSupported, Origin: asked,
		Message: fmt.Sprintf("the charts of %s are used for the namespaces %q and %q at once", folder, w.namespaces[folder], namespace),
		Hint:    "give each chart its namespace",
	}
}

// kustomizePage is one kustomization file under check.
type kustomizePage struct {
	walk   *kustomizeWalk
	folder string
	lines  *lines
	k      types.Kustomization
}

func (p *kustomizePage) check() error {
	for _, step := range []func() error{p.checkBases, p.checkPlugins, p.checkData, p.checkPatches, p.checkGenerators} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// checkBases looks at resources (bases included) and components.
func (p *kustomizePage) checkBases() error {
	namespace := p.k.Namespace
	if namespace == "" {
		namespace = p.walk.namespaces[p.folder]
	}
	for _, list := range []struct {
		field   string
		entries []string
	}{{"resources", p.k.Resources}, {"components", p.k.Components}} {
		for i, entry := range list.entries {
			at := p.lines.item(entry, list.field, i)
			name, err := p.entry(entry, at)
			if err != nil {
				return err
			}
			if p.walk.files.isFolder(name) {
				err = p.walk.visit(name, at, namespace)
			} else {
				err = p.manifest(name, at)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

var userPattern = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9-]*@`)

// isRemote reports whether kustomize would fetch an entry: a superset of its
// own rules for URLs, Git repositories and forced Git.
func isRemote(entry string) bool {
	lower := strings.ToLower(entry)
	parsed, err := url.Parse(entry)
	return strings.Contains(entry, "://") || strings.HasPrefix(lower, "git::") || strings.HasPrefix(lower, "github.com/") ||
		strings.HasPrefix(lower, "github.com:") || userPattern.MatchString(entry) ||
		err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

func refuseRemote(entry string, at plugin.Origin) *plugin.Refusal {
	return &plugin.Refusal{
		Rule: ruleRemote, Origin: at, Message: fmt.Sprintf("%q is not in the source tree", redactURL(entry)), Why: whyConfined,
		Hint: "copy it into the tree (kustomize localize does that), and name it by a relative path",
	}
}

// entry resolves what one line names to a path of the tree that exists.
func (p *kustomizePage) entry(entry string, at plugin.Origin) (string, error) {
	if isRemote(entry) {
		return "", refuseRemote(entry, at)
	}
	name, err := within(p.folder, entry)
	if err != nil {
		return "", refuseRead(err, at)
	}
	if p.walk.files.isFile(name) || p.walk.files.isFolder(name) {
		return name, nil
	}
	if _, err = p.walk.files.tree.stat(name); err == nil {
		err = fmt.Errorf("%s %w", name, errIrregular)
	}
	return "", refuseRead(err, at)
}

// file is an entry that must be a regular file in or below the kustomization's
// own folder, as kustomize demands.
func (p *kustomizePage) file(entry string, at plugin.Origin) (string, error) {
	name, err := p.entry(entry, at)
	if err != nil {
		return "", err
	}
	if p.walk.files.isFolder(name) {
		return "", invalid(at, fmt.Sprintf("%q is a folder where a file is needed", entry), nil)
	}
	if p.walk.anywhere {
		return name, nil
	}
	folder, _, errFolder := p.walk.files.CleanedAbs(virtualPath(p.folder))
	parent, _, errFile := p.walk.files.CleanedAbs(virtualPath(name))
	if errFolder != nil || errFile != nil || !parent.HasPrefix(folder) {
		return "", &plugin.Refusal{
			Rule: ruleEscape, Origin: at, Message: fmt.Sprintf("%q is not in or below the folder of its kustomization", entry),
			Why: "kustomize itself refuses it", Hint: "move the file below the kustomization, or make its folder a base",
		}
	}
	return name, nil
}

// manifest checks a file that kustomize will parse as YAML.
func (p *kustomizePage) manifest(name string, at plugin.Origin) error {
	if _, err := p.file(relative(p.folder, name), at); err != nil {
		return err
	}
	_, err := p.readYAML(name, at)
	return err
}

// relative undoes within.
func relative(folder, name string) string {
	up := ""
	for folder != "." && name != folder && !strings.HasPrefix(name, folder+"/") {
		folder, up = path.Dir(folder), up+"../"
	}
	if folder == "." {
		return up + name
	}
	return up + strings.TrimPrefix(strings.TrimPrefix(name, folder), "/")
}

func (p *kustomizePage) readYAML(name string, at plugin.Origin) ([]byte, error) {
	data, err := p.walk.files.read(name)
	if err != nil {
		return nil, refuseRead(err, at)
	}
	return data, checkBounds(data, p.walk.files.tree.limits, plugin.Origin{File: name})
}
