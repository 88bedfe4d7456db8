package render

import (
	"cmp"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	chart "helm.sh/helm/v4/pkg/chart/v2"
	release "helm.sh/helm/v4/pkg/release/v1"
	releaseutil "helm.sh/helm/v4/pkg/release/v1/util"

	"github.com/assay-gitops/assay/plugin"
)

// manifest is one document of a rendered chart.
type manifest struct {
	// file is the template in the tree.
	file string
	text string
	// static text stands in the file as it is, so its lines are known.
	static bool
	// value is the document when decoded is set.
	value   any
	decoded bool

	kind string
}

// notesFile is the name of a template that is text for a reader.
const notesFile = "NOTES.txt"

// templateFiles maps the name of every template, as the engine writes it, to
// its file in the tree.
func templateFiles(loaded *chart.Chart, origins map[*common.File]string) map[string]string {
	files := map[string]string{}
	for _, template := range loaded.Templates {
		files[path.Join(loaded.ChartFullPath(), template.Name)] = origins[template]
	}
	for _, child := range loaded.Dependencies() {
		maps.Copy(files, templateFiles(child, origins))
	}
	return files
}

// sorter orders documents as helm's SortManifests and `helm template
// --skip-tests` do: manifests by kind, then hooks by kind, else in the order of
// their files. It decodes each document once, where helm leaves that to the
// reader.
type sorter struct {
	limits    plugin.Limits
	sources   map[string]string
	keepTests bool
	skipHooks bool
	manifests []manifest
	hooks     []manifest
	findings  []plugin.Finding
}

func (s *sorter) sort(files map[string]string) ([]manifest, error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		if strings.HasSuffix(name, notesFile) || strings.HasPrefix(path.Base(name), "_") {
			continue
		}
		documents := releaseutil.SplitManifests(files[name])
		keys := slices.Collect(maps.Keys(documents))
		slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), strings.Compare(a, b)) })
		for _, key := range keys {
			if err := s.add(documents[key], s.sources[name]); err != nil {
				return nil, err
			}
		}
	}
	rank := kindRank()
	slices.SortStableFunc(s.manifests, func(a, b manifest) int { return compareKinds(rank, a.kind, b.kind) })
	slices.SortStableFunc(s.hooks, func(a, b manifest) int { return compareKinds(rank, a.kind, b.kind) })
	if s.skipHooks {
		return s.manifests, nil
	}
	return append(s.manifests, s.hooks...), nil
}

func (s *sorter) add(text, file string) error {
	document, events, err := readManifest(text, file, s.limits)
	if err != nil {
		return err
	}
	switch classifyHook(events) {
	case hookNone:
		s.manifests = append(s.manifests, document)
	case hookKept:
		s.hooks = append(s.hooks, document)
	case hookTest:
		if s.keepTests {
			s.hooks = append(s.hooks, document)
		}
	case hookUnknown:
		s.findings = append(s.findings, plugin.Finding{
			Rule: ruleNotAnObject, Level: plugin.Warn, Origin: plugin.Origin{File: file},
			Message: fmt.Sprintf("helm knows no hook %q and leaves the document out", events),
			Hint:    "correct the annotation " + release.HookAnnotation,
		})
	}
	return nil
}

// hookKind says what a document's helm.sh/hook annotation means for the order.
type hookKind int

const (
	hookNone hookKind = iota
	hookKept
	hookTest    // left out, as with --skip-tests
	hookUnknown // left out by helm
)

// readManifest decodes one document and returns its hook annotation.
func readManifest(text, file string, limits plugin.Limits) (manifest, string, error) {
	origin := plugin.Origin{File: file}
	document := manifest{file: file, text: text}
	documents := splitDocuments([]byte(text))
	if len(documents) != 1 {
		return document, "", nil // comments alone, or more than helm sees: decoded later
	}
	decoded, err := decodeYAML(documents[0].text, limits, origin)
	if err != nil {
		return document, "", err
	}
	fields, isMap := decoded.value.(map[string]any)
	if !isMap {
		return document, "", invalid(origin, fmt.Sprintf("a template renders to a %s, not to an object", jsonType(decoded.value)), nil)
	}
	if len(decoded.twice) == 0 {
		document.value, document.decoded = fields, true
	}
	document.kind, _ = fields["kind"].(string)
	metadata, _ := fields["metadata"].(map[string]any)
	annotations, _ := metadata["annotations"].(map[string]any)
	events, _ := annotations[release.HookAnnotation].(string)
	return document, events, nil
}

func classifyHook(events string) hookKind {
	if events == "" {
		return hookNone
	}
	kind := hookKept
	for event := range strings.SplitSeq(events, ",") {
		switch release.HookEvent(strings.ToLower(strings.TrimSpace(event))) {
		case release.HookPreInstall, release.HookPostInstall, release.HookPreDelete, release.HookPostDelete,
			release.HookPreUpgrade, release.HookPostUpgrade, release.HookPreRollback, release.HookPostRollback:
		case release.HookTest, "test-success":
			kind = hookTest
		default:
			return hookUnknown
		}
	}
	return kind
}

func kindRank() map[string]int {
	rank := make(map[string]int, len(releaseutil.InstallOrder))
	for i, kind := range releaseutil.InstallOrder {
		rank[kind] = i
	}
	return rank
}

// compareKinds puts known kinds in helm's order and the others behind them by
// name.
func compareKinds(rank map[string]int, a, b string) int {
	first, aKnown := rank[a]
	second, bKnown := rank[b]
	switch {
	case aKnown && bKnown:
		return cmp.Compare(first, second)
	case aKnown:
		return -1
	case bKnown:
		return 1
	}
	return strings.Compare(a, b)
}
