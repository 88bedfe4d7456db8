package render

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"

	yaml3 "go.yaml.in/yaml/v3"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/yaml"

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
				if err := p.checkConfig([]byte(entry), at, p.lines.textBelow(list.field, i)); err != nil {
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
			if err := p.checkConfig(data, plugin.Origin{File: name, Line: 1}, 0); err != nil {
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

// checkConfig refuses plugin configurations that would run something, fetch
// something or read what is not theirs. below is the line of the origin's file
// above the text's first one, or -1 when a line of the text is none of the file.
func (p *kustomizePage) checkConfig(data []byte, at plugin.Origin, below int) error {
	for _, document := range splitDocuments(data) {
		config := pluginConfig{page: p, lines: newLines(document.text, at.File), at: at, below: linesUnknown}
		if below >= 0 {
			config.below = below + document.line - contentLine(document.text)
		}
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
			return refuseRemote(remote, config.find(remote))
		}
		if err := config.check(kind, document.text); err != nil {
			return err
		}
	}
	return nil
}

// pluginConfig is the configuration of a plugin that is built into kustomize.
type pluginConfig struct {
	page  *kustomizePage
	lines *lines
	at    plugin.Origin
	// below is added to a line of the text, unless it is linesUnknown.
	below int
}

// find is where a text of the configuration stands.
func (c *pluginConfig) find(text string) plugin.Origin {
	at := c.at
	if line := findScalar(c.lines.root, text); line > 0 && c.below != linesUnknown {
		at.Line = c.below + line
	}
	return at
}

// check looks at the files that a configuration names, in the fields that
// kustomize's own plugins read.
func (c *pluginConfig) check(kind string, text []byte) error {
	var config struct {
		types.ObjectMeta    `json:"metadata"`
		types.GeneratorArgs `json:",inline"`
		Path                string   `json:"path"`
		Paths               []string `json:"paths"`
		TargetFilePath      string   `json:"targetFilePath"`
		Replacements        []struct {
			Path string `json:"path"`
		} `json:"replacements"`
	}
	if err := yaml.Unmarshal(text, &config); err != nil {
		return invalid(c.at, "reading the configuration of the plugin "+kind, nil) // the library's words quote values
	}
	var files []string
	switch kind {
	case "ConfigMapGenerator", "SecretGenerator":
		generator := config.GeneratorArgs
		generator.Name = config.ObjectMeta.Name
		return c.page.generator(c.find, kind, generator)
	case "PatchTransformer", "PatchJson6902Transformer":
		files = append(files, config.Path)
	case "PatchStrategicMergeTransformer":
		files = config.Paths
	case "ValueAddTransformer":
		files = append(files, config.TargetFilePath)
	case "ReplacementTransformer":
		for _, replacement := range config.Replacements {
			files = append(files, replacement.Path)
		}
	}
	for _, entry := range files {
		if entry == "" || inlineConfig(entry) {
			continue
		}
		if err := c.page.parsed(entry, c.find(entry)); err != nil {
			return err
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
