package migrate

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview"
	"github.com/assay-gitops/assay/plugin/render"
)

// foreign reports whether a value file is one of another source's tree, and
// which.
func (c *carrying) foreign(item *yaml.Node) (reference render.ArgoSource, file string, is bool) {
	name, rest, _ := strings.Cut(item.Value, "/")
	reference, known := c.references[strings.TrimPrefix(name, "$")]
	if !known || !strings.HasPrefix(name, "$") {
		return reference, "", false
	}
	same := c.source.Chart == "" && reference.RepoURL == c.source.RepoURL && reference.TargetRevision == c.source.TargetRevision
	return reference, rest, !same
}

// inline reads value files of another source where there is a checkout of it:
// what they say is written into the Application, as a plugin gets its own source
// alone. It goes behind all value files, so that every file behind one that is
// written in has to be, too.
func (c *carrying) inline(path string, item *yaml.Node) {
	reference, file, is := c.foreign(item)
	what := plugin.RedactURL(reference.RepoURL)
	switch {
	case !is:
		c.refuse(item.Line, path, fmt.Sprintf("%q stands behind a file of another source, which is written into the Application, and would go before it then", item.Value),
			"put it in front, where it says nothing that the other one says, or write what it says in helm.valuesObject")
		return
	case c.checkout == nil || c.checkout(reference.RepoURL) == nil:
		c.refuse(item.Line, path, fmt.Sprintf("%q is a file of another source, and Argo CD gives a plugin its own source alone", item.Value), c.ways(reference.RepoURL))
		return
	case strings.ContainsAny(file, "${"):
		c.refuse(item.Line, path, fmt.Sprintf("the path %q of another source's file is only known when it is rendered", item.Value), "write an Application for each, or put the files into the repository of this source")
		return
	}
	found, err := preview.ValueFiles(c.checkout(reference.RepoURL), file, c.limits)
	if err != nil {
		c.refuse(item.Line, path, err.Error(), "correct the path")
		return
	}
	if len(found) == 0 && (c.source.Helm == nil || !c.source.Helm.IgnoreMissingValueFiles) {
		c.refuse(item.Line, path, fmt.Sprintf("there is no file %s in the checkout of %s", file, what), "check out the revision that the source names, or correct the path")
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		c.inlined = append(c.inlined, inlined{item.Line, item.Value, string(found[name])})
	}
}

// ways are how a value file of another source can be written instead.
func (c *carrying) ways(url string) string {
	folder, hint := "FOLDER", "put the file into the repository of this source, write what it says in helm.valuesObject, or "
	if c.source.Chart != "" { // nobody puts files into a published chart
		hint = "write what it says in helm.valuesObject, or "
	}
	if c.own != nil && c.own(url) {
		folder = "."
	}
	return hint + "name a checkout with --source " + plugin.RedactURL(url) + "=" + folder + ": what it says is written into the Application then"
}

// inlined is a value file that is written into the Application.
type inlined struct {
	line       int
	name, text string
}

// writeIn puts what the value files say below the values that the Application has.
func (c *carrying) writeIn(path string) {
	if len(c.inlined) == 0 {
		return
	}
	at := slices.IndexFunc(c.out, func(parameter *yaml.Node) bool { return member(parameter, "name").Value == "helm-values" })
	all := c.inlined
	if at >= 0 {
		own := member(c.out[at], "string")
		all = append(slices.Clone(all), inlined{own.Line, "helm.values", own.Value})
	}
	text, err := mergedValues(all)
	if err != nil {
		c.refuse(c.inlined[0].line, path, err.Error(), "write what it says in helm.valuesObject")
		return
	}
	if at >= 0 {
		c.out = slices.Delete(c.out, at, at+1)
	}
	c.add("helm-values", nil, "string", literal(text))
}

// mergedValues are values of which the later win, as Helm merges files. One alone
// stays as it was written.
func mergedValues(all []inlined) (string, error) {
	var merged *yaml.Node
	for _, each := range all {
		var document yaml.Node
		if err := yaml.Unmarshal([]byte(each.text), &document); err != nil {
			return "", fmt.Errorf("%s cannot be read: %w", each.name, err)
		}
		switch {
		case document.Kind == 0: // nothing but comments
			continue
		case document.Content[0].Kind != yaml.MappingNode:
			return "", fmt.Errorf("%s is not a mapping", each.name)
		case len(all) > 1 && aliased(&document):
			return "", fmt.Errorf("%s has anchors that are used, which cannot be merged with other values as text", each.name)
		case merged == nil:
			merged = document.Content[0]
		default:
			mergeInto(merged, document.Content[0])
		}
	}
	if len(all) == 1 {
		return all[0].text, nil
	}
	if merged == nil {
		return "{}\n", nil
	}
	var out bytes.Buffer
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(merged); err != nil {
		return "", fmt.Errorf("writing the merged values: %w", err)
	}
	return out.String(), nil
}

func aliased(node *yaml.Node) bool {
	return node.Kind == yaml.AliasNode || slices.ContainsFunc(node.Content, aliased)
}

// mergeInto lays a mapping over another: mappings are merged, all else is
// replaced.
func mergeInto(under, over *yaml.Node) {
	for i := 0; i+1 < len(over.Content); i += 2 {
		key, value := over.Content[i], over.Content[i+1]
		at := -1
		for j := 0; j+1 < len(under.Content); j += 2 {
			if under.Content[j].Value == key.Value {
				at = j + 1
			}
		}
		switch {
		case at < 0:
			under.Content = append(under.Content, key, value)
		case under.Content[at].Kind == yaml.MappingNode && value.Kind == yaml.MappingNode:
			mergeInto(under.Content[at], value)
		default:
			under.Content[at-1], under.Content[at] = key, value
		}
	}
}
