package render

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"

	"github.com/assay-gitops/assay/plugin"
)

// checkPlugins looks at generators, transformers and validators: each is a file
// or inline, and only those built into kustomize may run.
func (p *kustomizePage) checkPlugins() error {
	for _, list := range []struct {
		field   string
		entries []string
	}{{"generators", p.k.Generators}, {"transformers", p.k.Transformers}, {"validators", p.k.Validators}} {
		for i, entry := range list.entries {
			at := p.lines.item(entry, list.field, i)
			if inlineConfig(entry) {
				if err := p.checkConfig([]byte(entry), at); err != nil {
					return err
				}
				continue
			}
			name, err := p.entry(entry, at)
			if err != nil {
				return err
			}
			if p.walk.files.isFolder(name) {
				return &plugin.Refusal{
					Rule: ruleNotSupported, Origin: at, Message: "a folder of plugin configurations is not rendered",
					Why: "what it would configure is known only after it was built", Hint: "name the files one by one",
				}
			}
			if name, err = p.file(entry, at); err != nil {
				return err
			}
			data, err := p.readYAML(name, at)
			if err != nil {
				return err
			}
			if err := p.checkConfig(data, plugin.Origin{File: name, Line: 1}); err != nil {
				return err
			}
		}
	}
	return nil
}

func inlineConfig(entry string) bool {
	var node yaml3.Node
	err := yaml3.Unmarshal([]byte(entry), &node)
	return err == nil && len(node.Content) == 1 && node.Content[0].Kind == yaml3.MappingNode || strings.Contains(entry, "\n")
}

// checkConfig refuses plugin configurations that would run something, or fetch
// something.
func (p *kustomizePage) checkConfig(data []byte, at plugin.Origin) error {
	for _, document := range splitDocuments(data) {
		decoded, err := decodeYAML(document.text, p.walk.files.tree.limits, at)
		if err != nil {
			return err
		}
		fields, isMap := decoded.value.(map[string]any)
		if !isMap {
			return invalid(at, "a plugin configuration is not a mapping", nil)
		}
		kind, _ := fields["kind"].(string)
		if version, _ := fields["apiVersion"].(string); version != "builtin" || kind == "HelmChartInflationGenerator" {
			return &plugin.Refusal{
				Rule: ruleExec, Origin: at, Message: fmt.Sprintf("the plugin %s would execute something", kind),
				Why: "an application's repository runs nothing at the gate", Hint: "use what is built into kustomize, or commit the result",
			}
		}
		if remote := remoteReference(fields, ""); remote != "" {
			return refuseRemote(remote, at)
		}
	}
	return nil
}

// remoteReference finds a file that a built-in plugin would fetch.
func remoteReference(value any, field string) string {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(value)) {
			if found := remoteReference(value[key], key); found != "" {
				return found
			}
		}
	case []any:
		for _, item := range value {
			if found := remoteReference(item, field); found != "" {
				return found
			}
		}
	case string:
		switch strings.ToLower(field) {
		case "path", "paths", "file", "files", "env", "envs", "valuesfile", "additionalvaluesfiles":
			_, source, keyed := strings.Cut(value, "=")
			if isFetched(value) || keyed && isFetched(source) {
				return value
			}
		}
	}
	return ""
}

// isFetched is kustomize's own rule for files that it gets over HTTP.
func isFetched(entry string) bool {
	parsed, err := url.Parse(entry)
	return err == nil && (parsed.Scheme == "http" || parsed.Scheme == "https")
}

// checkData looks at files that configure kustomize itself.
func (p *kustomizePage) checkData() error {
	for _, list := range []struct {
		field   string
		entries []string
	}{{"crds", p.k.Crds}, {"configurations", p.k.Configurations}} {
		for i, entry := range list.entries {
			if err := p.parsed(entry, p.lines.item(entry, list.field, i)); err != nil {
				return err
			}
		}
	}
	if entry, has := p.k.OpenAPI["path"]; has {
		if err := p.parsed(entry, p.lines.field("openapi")); err != nil {
			return err
		}
	}
	for i, replacement := range p.k.Replacements {
		at := p.lines.item(replacement.Path, "replacements", i)
		if replacement.Path == "" {
			continue
		}
		if err := p.parsed(replacement.Path, at); err != nil {
			return err
		}
	}
	return nil
}

// parsed is a file that kustomize parses as YAML.
func (p *kustomizePage) parsed(entry string, at plugin.Origin) error {
	name, err := p.file(entry, at)
	if err != nil {
		return err
	}
	_, err = p.readYAML(name, at)
	return err
}

// checkPatches looks at patches in files and inline.
func (p *kustomizePage) checkPatches() error {
	for _, list := range []struct {
		field   string
		patches []types.Patch
	}{{"patches", p.k.Patches}, {"patchesJson6902", p.k.PatchesJson6902}} {
		for i, patch := range list.patches {
			if err := p.inline(patch.Patch, list.field, i); err != nil {
				return err
			}
			if patch.Path == "" {
				continue
			}
			if err := p.parsed(patch.Path, p.lines.item(patch.Path, list.field, i)); err != nil {
				return err
			}
		}
	}
	for i, patch := range p.k.PatchesStrategicMerge {
		text := string(patch)
		if inlineConfig(text) {
			if err := p.inline(text, "patchesStrategicMerge", i); err != nil {
				return err
			}
			continue
		}
		if err := p.parsed(text, p.lines.item(text, "patchesStrategicMerge", i)); err != nil {
			return err
		}
	}
	return nil
}

// inline checks a patch that is text in the kustomization, and YAML itself.
func (p *kustomizePage) inline(text, field string, index int) error {
	return checkBounds([]byte(text), p.walk.files.tree.limits, p.lines.item(text, field, index))
}

// checkGenerators looks at the files of ConfigMaps and Secrets, and at charts.
func (p *kustomizePage) checkGenerators() error {
	for i, generator := range p.k.ConfigMapGenerator {
		if err := p.generator("configMapGenerator", i, generator.GeneratorArgs); err != nil {
			return err
		}
	}
	for i, generator := range p.k.SecretGenerator {
		if err := p.generator("secretGenerator", i, generator.GeneratorArgs); err != nil {
			return err
		}
	}
	for i, chart := range p.k.HelmCharts {
		files := chart.AdditionalValuesFiles
		if chart.ValuesFile != "" {
			files = append([]string{chart.ValuesFile}, files...)
		}
		if err := p.sources("helmCharts", i, files, nil); err != nil {
			return err
		}
	}
	return nil
}

// generator looks at the sources of one ConfigMap or Secret. What is wrong with
// a line is said without it: kustomize's own words show the whole of it, and it
// may be a password.
func (p *kustomizePage) generator(field string, index int, generator types.GeneratorArgs) error {
	for i, literal := range generator.LiteralSources {
		if strings.Index(literal, "=") < 1 {
			at := p.lines.item(literal, field, index)
			return invalid(at, fmt.Sprintf("literal %d of the %s %q is not of the form key=value", i+1, field, generator.Name), nil)
		}
	}
	if err := p.sources(field, index, generator.FileSources, generator.EnvSources); err != nil {
		return err
	}
	for _, entry := range generator.EnvSources {
		at := p.lines.item(entry, field, index)
		name, err := p.file(entry, at)
		if err != nil {
			return err
		}
		data, err := p.walk.files.read(name)
		if err != nil {
			return refuseRead(err, at)
		}
		if !utf8.Valid(data) {
			return invalid(at, fmt.Sprintf("%s, a source of the %s %q, is not UTF-8", entry, field, generator.Name), nil)
		}
	}
	return nil
}

func (p *kustomizePage) sources(field string, index int, files, envs []string) error {
	for _, entry := range append(append([]string(nil), files...), envs...) {
		at := p.lines.item(entry, field, index)
		source := entry
		if _, after, keyed := strings.Cut(entry, "="); keyed {
			source = after
		}
		if _, err := p.file(source, at); err != nil {
			return err
		}
	}
	return nil
}
