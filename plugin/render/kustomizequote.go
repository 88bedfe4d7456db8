package render

import (
	"fmt"
	"regexp"
	"strings"

	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// quotation is a form in which kustomize writes what it was given into its
// errors. It may be a password, so it does not pass.
type quotation struct {
	form *regexp.Regexp
	// instead keeps what says something about it.
	instead string
}

// quotations are cut to the last sign that can end one: what was quoted can
// hold any of them.
func quotations() []quotation {
	return []quotation{
		{regexp.MustCompile("(?s) with config: `.*`"), ""},
		{regexp.MustCompile(`(?s)(must specify one of patch and path|patch and path can't be set at the same time) in\b.*`), "$1"},
		{regexp.MustCompile(`(?s)(patch and path can't be set at the same time)\n.*`), "$1"},
		{regexp.MustCompile(`(?s): node contents:.*`), ""},
		{regexp.MustCompile(`(?s): value: \{.*\}`), ""},
		{regexp.MustCompile(`(?s) in object \{.*\}`), " in an object"},
		{regexp.MustCompile(`(?s)unknown patch strategy '.*'`), "unknown patch strategy"},
		{regexp.MustCompile(`(?s)conflict between .*`), "two patches are in conflict"},
	}
}

// quotedPatch is how an error of kustomize names a patch that is written into
// the kustomization: by all of its text.
var quotedPatch = regexp.MustCompile(`\[patch: "(?:[^"\\]|\\.)*"\]`)

// withoutQuotes names patches by their places and leaves out every other
// content that kustomize quotes.
func (b *kustomizeBuild) withoutQuotes(text string, walk *kustomizeWalk) string {
	text = quotedPatch.ReplaceAllStringFunc(text, func(quoted string) string { return b.patchNamed(quoted, walk) })
	for _, quotation := range quotations() {
		text = quotation.form.ReplaceAllString(text, quotation.instead)
	}
	return text
}

// patchNamed says which patch has the text, and what is wrong with it as YAML.
func (b *kustomizeBuild) patchNamed(quoted string, walk *kustomizeWalk) string {
	is := func(text string) bool { // kustomize got it as YAML, which is UTF-8
		return fmt.Sprintf("[patch: %q]", strings.TrimSpace(strings.ToValidUTF8(text, "\ufffd"))) == quoted
	}
	for i, patch := range b.patches {
		if is(patch.Patch) {
			return describePatch(fmt.Sprintf("patch %d of the parameters", i+1), patch)
		}
	}
	for _, folder := range walk.folders {
		for i, patch := range walk.visited[folder].Patches {
			if is(patch.Patch) {
				name, _ := b.files.kustomization(folder)
				return describePatch(fmt.Sprintf("patch %d of %s", i+1, name), plugin.KustomizePatch{Patch: patch.Patch})
			}
		}
	}
	return "[a patch]"
}

func describePatch(name string, patch plugin.KustomizePatch) string {
	if patch.Target != "" {
		name += " (target " + oneLine(patch.Target) + ")"
	}
	if complaint := yamlComplaint(patch.Patch); complaint != "" {
		name += ": " + complaint
	}
	return "[" + name + "]"
}

var unknownAnchor = regexp.MustCompile(`unknown anchor '.*' referenced`)

// yamlComplaint is what the reader of YAML finds wrong with the form of a text,
// without any of the text; empty when it is YAML.
func yamlComplaint(text string) string {
	var node kyaml.Node
	err := kyaml.Unmarshal([]byte(text), &node)
	if err == nil {
		return ""
	}
	fault := newYAMLFault(withoutQuotes(err.Error()))
	fault.line = min(fault.line, strings.Count(strings.TrimSpace(text), "\n")+1)
	return fault.Error()
}
