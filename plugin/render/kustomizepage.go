package render

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"sigs.k8s.io/kustomize/api/types"

	"github.com/assay-gitops/assay/plugin"
)

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
		if err := p.generator(p.inItem("configMapGenerator", i), "configMapGenerator", generator.GeneratorArgs); err != nil {
			return err
		}
	}
	for i, generator := range p.k.SecretGenerator {
		if err := p.generator(p.inItem("secretGenerator", i), "secretGenerator", generator.GeneratorArgs); err != nil {
			return err
		}
	}
	for i, chart := range p.k.HelmCharts {
		files := chart.AdditionalValuesFiles
		if chart.ValuesFile != "" {
			files = append([]string{chart.ValuesFile}, files...)
		}
		if err := p.sources(p.inItem("helmCharts", i), files); err != nil {
			return err
		}
	}
	return nil
}

// locator says where a text stands.
type locator func(text string) plugin.Origin

func (p *kustomizePage) inItem(field string, index int) locator {
	return func(text string) plugin.Origin { return p.lines.item(text, field, index) }
}

// generator looks at the sources of one ConfigMap or Secret. What is wrong with
// a line is said without it: kustomize's own words show the whole of it, and it
// may be a password.
func (p *kustomizePage) generator(at locator, what string, generator types.GeneratorArgs) error {
	for i, literal := range generator.LiteralSources {
		if strings.Index(literal, "=") < 1 {
			return invalid(at(literal), fmt.Sprintf("literal %d of the %s %q is not of the form key=value", i+1, what, generator.Name), nil)
		}
	}
	envs := generator.EnvSources
	if generator.EnvSource != "" {
		envs = append([]string{generator.EnvSource}, envs...)
	}
	if err := p.sources(at, append(append([]string(nil), generator.FileSources...), envs...)); err != nil {
		return err
	}
	for _, entry := range envs {
		name, err := p.file(entry, at(entry))
		if err != nil {
			return err
		}
		data, err := p.walk.files.read(name)
		if err != nil {
			return refuseRead(err, at(entry))
		}
		if !utf8.Valid(data) {
			return invalid(at(entry), fmt.Sprintf("%s, a source of the %s %q, is not UTF-8", entry, what, generator.Name), nil)
		}
	}
	return nil
}

func (p *kustomizePage) sources(at locator, files []string) error {
	for _, entry := range files {
		source := entry
		if _, after, keyed := strings.Cut(entry, "="); keyed {
			source = after
		}
		if _, err := p.file(source, at(entry)); err != nil {
			return err
		}
	}
	return nil
}
