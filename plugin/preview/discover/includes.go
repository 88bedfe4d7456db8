package discover

import (
	"cmp"
	"maps"
	"path"
	"slices"
	"strings"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin/render"
)

// includedNames are the fields of a kustomization that name files and
// folders of the tree.
type includedNames struct {
	Resources    []string       `json:"resources"`
	Bases        []string       `json:"bases"`
	Components   []string       `json:"components"`
	Patches      []patchFile    `json:"patches"`
	JSONPatches  []patchFile    `json:"patchesJson6902"`
	Strategic    []string       `json:"patchesStrategicMerge"`
	Generators   []string       `json:"generators"`
	Transformers []string       `json:"transformers"`
	Validators   []string       `json:"validators"`
	ConfigMaps   []generatorOf  `json:"configMapGenerator"`
	Secrets      []generatorOf  `json:"secretGenerator"`
	Replacements []patchFile    `json:"replacements"`
	Charts       []chartOfFiles `json:"helmCharts"`
}

type patchFile struct {
	Path string `json:"path"`
}

type generatorOf struct {
	Files []string `json:"files"`
}

type chartOfFiles struct {
	ValuesFile string `json:"valuesFile"`
}

// readIncludedNames reads what it can: kustomize itself says what is wrong with
// the rest when it is rendered.
func readIncludedNames(data []byte) includedNames {
	var file includedNames
	if err := yaml.Unmarshal(data, &file); err != nil {
		return includedNames{}
	}
	return file
}

// names lists the entries, as they are written.
func (k includedNames) names() []string {
	all := slices.Concat(k.Resources, k.Bases, k.Components, k.Strategic, k.Generators, k.Transformers, k.Validators)
	for _, patch := range slices.Concat(k.Patches, k.JSONPatches, k.Replacements) {
		all = append(all, patch.Path)
	}
	for _, generator := range slices.Concat(k.ConfigMaps, k.Secrets) {
		for _, file := range generator.Files {
			if _, source, keyed := strings.Cut(file, "="); keyed {
				file = source
			}
			all = append(all, file)
		}
	}
	for _, chart := range k.Charts {
		all = append(all, chart.ValuesFile)
	}
	return all
}

// inclusion is who includes what in a tree.
type inclusion struct {
	// by are the kustomizations' folders that name a file or folder.
	by map[string][]string
	// folders are all kustomizations.
	folders map[string]includedNames
}

func newInclusion(kustomizations map[string]includedNames) inclusion {
	found := inclusion{by: map[string][]string{}, folders: kustomizations}
	for _, folder := range slices.Sorted(maps.Keys(kustomizations)) {
		for _, entry := range kustomizations[folder].names() {
			if entry == "" || path.IsAbs(entry) || strings.Contains(entry, "\n") {
				continue
			}
			name := path.Join(folder, entry)
			if name != folder {
				found.by[name] = append(found.by[name], folder)
			}
		}
	}
	return found
}

// outermost are the kustomizations that a file comes to be rendered by, and that
// none other includes; none when no kustomization names it. Of a circle each
// counts.
func (i inclusion) outermost(name string) []string {
	seen := map[string]bool{}
	var outer []string
	pending := slices.Clone(i.by[name])
	for len(pending) > 0 {
		folder := pending[0]
		pending = pending[1:]
		if seen[folder] {
			continue
		}
		seen[folder] = true
		above := i.by[folder]
		if len(above) == 0 {
			outer = append(outer, folder)
		}
		pending = append(pending, above...)
	}
	if len(outer) == 0 {
		outer = slices.Collect(maps.Keys(seen))
	}
	slices.Sort(outer)
	return outer
}

// chartAbove is the outermost chart that renders a file as a template or a
// definition; false when none does.
func chartAbove(charts []string, name string) (string, bool) {
	for _, chart := range charts {
		below := name
		if chart != "." {
			rest, inside := strings.CutPrefix(name, chart+"/")
			if !inside {
				continue
			}
			below = rest
		}
		part, _, nested := strings.Cut(below, "/")
		if nested && slices.Contains([]string{"templates", "crds", "charts"}, part) {
			return chart, true
		}
	}
	return "", false
}

// including marks the candidates that kustomizations and charts render, and
// returns those in the order of their paths.
func (s *fileScan) including() []Including {
	included := newInclusion(s.kustomizations)
	slices.SortFunc(s.charts, func(a, b string) int {
		return cmp.Or(cmp.Compare(strings.Count(a, "/"), strings.Count(b, "/")), cmp.Compare(a, b))
	})
	files := map[[2]string][]string{}
	for i := range s.candidates {
		name := s.candidates[i].name
		if chart, inside := chartAbove(s.charts, name); inside {
			s.candidates[i].included = true
			if s.candidates[i].veiled {
				continue // a template can say anything; what deploys the chart shows it
			}
			files[[2]string{chart, render.KindHelm}] = append(files[[2]string{chart, render.KindHelm}], name)
			continue
		}
		for _, folder := range included.outermost(name) {
			s.candidates[i].included = true
			key := [2]string{folder, render.KindKustomize}
			files[key] = append(files[key], name)
		}
	}
	var all []Including
	for key, names := range files {
		all = append(all, Including{Path: key[0], Kind: key[1], Files: names})
	}
	slices.SortFunc(all, func(a, b Including) int { return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Kind, b.Kind)) })
	return all
}
