package render

import (
	"encoding/json"
	"fmt"
	"os"
	"path"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// argoOverrides are the files beside an application's manifests that change its
// source: the one for all Applications, then the one for the Application of that
// name, as Argo CD knows it.
func argoOverrides(application string) []string {
	names := []string{".argocd-source.yaml"}
	if application != "" {
		names = append(names, ".argocd-source-"+application+".yaml")
	}
	return names
}

// Overridden is the source with what the files .argocd-source.yaml in its folder
// say, as Argo CD reads them: merged over it, but for where it comes from.
func (s ArgoSource) Overridden(root *os.Root, application string, limits plugin.Limits) (ArgoSource, error) {
	tree := newTree(root, limits)
	merged, err := s.copied()
	if err != nil {
		return s, err
	}
	for _, base := range argoOverrides(application) {
		name := path.Join(path.Clean(s.Path), base)
		if !tree.isFile(name) {
			continue
		}
		data, err := tree.readFile(name)
		if err != nil {
			return s, refuseRead(err, plugin.Origin{File: name})
		}
		if err := checkBounds(data, limits, plugin.Origin{File: name}); err != nil {
			return s, err
		}
		if merged, err = merged.merge(data); err != nil {
			return s, invalid(plugin.Origin{File: name}, "merging it over the source of the Application", err)
		}
	}
	merged.Chart, merged.Path, merged.RepoURL, merged.TargetRevision = s.Chart, s.Path, s.RepoURL, s.TargetRevision
	return merged, nil
}

// copied shares nothing with the source.
func (s ArgoSource) copied() (ArgoSource, error) {
	var out ArgoSource
	data, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(data, &out)
	}
	if err != nil {
		return s, fmt.Errorf("copying the source of an Application: %w", err)
	}
	return out, nil
}

// merge applies a JSON merge patch. The result is read over the source, as Argo
// CD does it: a block that the patch takes away stays.
func (s ArgoSource) merge(patch []byte) (ArgoSource, error) {
	data, err := json.Marshal(s)
	if err != nil {
		return s, fmt.Errorf("writing the source: %w", err)
	}
	var below, above any
	if err := json.Unmarshal(data, &below); err != nil {
		return s, fmt.Errorf("reading the source: %w", err)
	}
	if err := yaml.Unmarshal(patch, &above); err != nil {
		return s, fmt.Errorf("reading YAML: %w", err)
	}
	if data, err = json.Marshal(mergePatch(below, above)); err != nil {
		return s, fmt.Errorf("writing the merged source: %w", err)
	}
	if err := json.Unmarshal(data, &s); err != nil {
		return s, fmt.Errorf("reading the merged source: %w", err)
	}
	return s, nil
}

// mergePatch is RFC 7396, section 2.
func mergePatch(target, patch any) any {
	members, isObject := patch.(map[string]any)
	if !isObject {
		return patch
	}
	out, isObject := target.(map[string]any)
	if !isObject {
		out = map[string]any{}
	}
	for name, value := range members {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = mergePatch(out[name], value)
	}
	return out
}
