package migrate

import (
	"reflect"

	"go.yaml.in/yaml/v3"
)

func helmFields() map[string]field {
	return map[string]field{
		"valueFiles": valueFiles, "parameters": parameters, "fileParameters": fileParameters,
		"values": values, "valuesObject": valuesObject,
		"releaseName": text("helm-release-name"), "namespace": text("helm-namespace"),
		"kubeVersion": kubeVersion, "apiVersions": array("helm-api-versions"),
		"skipCrds": flag("helm-skip-crds"), "ignoreMissingValueFiles": flag("helm-ignore-missing-value-files"),
		"skipSchemaValidation": flag("helm-skip-schema-validation"),
		// Argo CD applies no test hooks, and the plugin renders none.
		"skipTests":       dropped,
		"version":         helmVersion,
		"passCredentials": passCredentials,
	}
}

func kustomizeFields() map[string]field {
	return map[string]field{
		"namePrefix": text("kustomize-name-prefix"), "nameSuffix": text("kustomize-name-suffix"), "namespace": text("kustomize-namespace"),
		"images": array("kustomize-images"), "replicas": replicas, "patches": patches,
		"commonLabels": labels("kustomize-common-labels"), "commonAnnotations": labels("kustomize-common-annotations"),
		"commonAnnotationsEnvsubst": flag("kustomize-common-annotations-envsubst"),
		"forceCommonLabels":         flag("kustomize-force-common-labels"), "forceCommonAnnotations": flag("kustomize-force-common-annotations"),
		"labelWithoutSelector": flag("kustomize-label-without-selector"), "labelIncludeTemplates": flag("kustomize-label-include-templates"),
		"components": array("kustomize-components"), "ignoreMissingComponents": flag("kustomize-ignore-missing-components"),
		"kubeVersion": kubeVersion, "apiVersions": array("helm-api-versions"),
		"version": never("builds are made by one version of kustomize", "leave it out"),
	}
}

func directoryFields() map[string]field {
	return map[string]field{
		"recurse": flag("directory-recurse"), "include": text("directory-include"), "exclude": text("directory-exclude"),
		"jsonnet": jsonnet,
	}
}

// passCredentials is refused where it matters: the plugin's block has no place
// for how Argo CD fetches a chart, and dependencies are fetched by assay.
func passCredentials(c *carrying, path string, key, value *yaml.Node) {
	reason, hint := "chart dependencies are fetched with credentials that the platform binds to hosts, and a redirect gets none", "leave it out; ask the platform for a credential for each host"
	if c.source.Chart != "" {
		reason, hint = "Argo CD fetches the chart by it, and a source with a plugin has no place for it", "leave it out; serve the chart's archive from the host of repoURL, or give Argo CD a repository for the archive's host"
	}
	never(reason, hint)(c, path, key, value)
}

func helmVersion(c *carrying, path string, key, value *yaml.Node) {
	if value.Value != "" && value.Value != "v3" && value.Value != "v4" {
		c.refuse(key.Line, path, "charts are rendered by Helm 4, as by Argo CD 3.5", "leave it out")
	}
}

func valueFiles(c *carrying, path string, key, value *yaml.Node) {
	var items []*yaml.Node
	behind := false
	for _, item := range value.Content {
		_, _, foreign := c.foreign(item)
		if behind = behind || foreign; behind {
			c.inline(path, item)
		} else if out, carried := c.file(path, item); carried {
			items = append(items, out)
		}
	}
	if len(items) > 0 {
		c.add("helm-value-files", key, "array", list(items))
	}
}

func parameters(c *carrying, path string, key, value *yaml.Node) {
	plain, forced := mapping(), mapping()
	for _, item := range value.Content {
		into := plain
		if member(item, "forceString").Value == "true" {
			into = forced
		}
		c.pairs(path, into, member(item, "name"), member(item, "value"))
	}
	if len(plain.Content) > 0 {
		c.add("helm-parameters", key, "map", plain)
	}
	if len(forced.Content) > 0 {
		c.add("helm-string-parameters", nil, "map", forced)
	}
}

func fileParameters(c *carrying, path string, key, value *yaml.Node) {
	files := mapping()
	for _, item := range value.Content {
		if file, carried := c.file(path, member(item, "path")); carried {
			c.pairs(path, files, member(item, "name"), file)
		}
	}
	if len(files.Content) > 0 {
		c.add("helm-file-parameters", key, "map", files)
	}
}

// values are passed over by Argo CD where there is a valuesObject.
func values(c *carrying, path string, key, value *yaml.Node) {
	if c.source.Helm != nil && c.source.Helm.ValuesObject != nil {
		c.refuse(key.Line, path, "there is helm.valuesObject too, and Argo CD passes over helm.values", "remove one of them")
		return
	}
	c.add("helm-values", key, "string", scalar(value))
}

// valuesObject becomes text: its author's own, with comments, where that says
// the same by itself.
func valuesObject(c *carrying, path string, key, value *yaml.Node) {
	var want, have any
	if err := value.Decode(&want); err != nil {
		c.refuse(key.Line, path, "it cannot be read", "write a mapping")
		return
	}
	if lines, spread := c.text.Lines(c.block, key.Value); spread && yaml.Unmarshal(lines, &have) == nil && reflect.DeepEqual(want, have) {
		c.add("helm-values", key, "string", literal(string(lines)))
		return
	}
	written, err := yaml.Marshal(want)
	if err != nil {
		c.refuse(key.Line, path, "it cannot be written as text", "write helm.values instead")
		return
	}
	c.add("helm-values", key, "string", literal(string(written)))
}

func replicas(c *carrying, path string, key, value *yaml.Node) {
	out := mapping()
	for _, item := range value.Content {
		count := scalar(member(item, "count"))
		count.Style = yaml.DoubleQuotedStyle
		c.pairs(path, out, member(item, "name"), count)
	}
	if len(out.Content) > 0 {
		c.add("kustomize-replicas", key, "map", out)
	}
}

func patches(c *carrying, path string, key, value *yaml.Node) {
	var items []*yaml.Node
	for _, item := range value.Content {
		if len(item.Content) == 2 && member(item, "patch").Value != "" {
			items = append(items, scalar(member(item, "patch")))
			continue
		}
		var entry map[string]any
		if err := item.Decode(&entry); err != nil {
			c.refuse(item.Line, path, "it cannot be read", "write patch or path, target and options")
			continue
		}
		written, err := yaml.Marshal(entry)
		if err != nil {
			c.refuse(item.Line, path, "it cannot be written as text", "write the patch into the kustomization")
			continue
		}
		items = append(items, literal(string(written)))
	}
	if len(items) > 0 {
		c.add("kustomize-patches", key, "array", list(items))
	}
}
