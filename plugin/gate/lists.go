package gate

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/assay-gitops/assay/plugin"
)

// isList reports whether the document holds others: a List, or a list of one of
// the kinds of admission policies. The API server reads both from its
// folder of static manifests (KEP-5793, policy/manifest/loader).
func isList(doc *document) bool {
	return doc.apiVersion == "v1" && doc.kind == "List" ||
		isAdmission(strings.TrimSuffix(doc.kind, "List"), doc.apiVersion) && strings.HasSuffix(doc.kind, "List")
}

func isAdmission(kind, apiVersion string) bool {
	return apiVersion == "admissionregistration.k8s.io/v1" && (kind == "ValidatingAdmissionPolicy" || kind == "ValidatingAdmissionPolicyBinding") ||
		isMutating(kind, apiVersion)
}

// list reads each item as if it were a document of its own. Items of a list of
// one kind need not repeat it.
func (l *loading) list(doc *document) {
	bad := func(node *yaml.Node, what, hint string) {
		l.problems.add(plugin.Origin{File: doc.file, Line: node.Line}, "reading "+doc.kind+": "+what, hint)
	}
	for i := 0; i+1 < len(doc.root.Content); i += 2 {
		switch key := doc.root.Content[i]; key.Value {
		case "apiVersion", "kind", "metadata", "items":
		default:
			bad(key, key.Value+" is no field of a list", "take it out")
		}
	}
	items := child(doc.root, "items")
	if items == nil || items.Kind != yaml.SequenceNode || len(items.Content) == 0 {
		bad(doc.root, "items is no list with something in it", "write the items or take the list out")
		return
	}
	for _, node := range items.Content {
		if node.Kind == yaml.AliasNode && node.Alias != nil {
			node = node.Alias
		}
		item := &document{file: doc.file, root: node, lines: map[string]int{}}
		if kind, apiVersion := textOf(node, "kind"), textOf(node, "apiVersion"); kind == "" && apiVersion == "" && doc.kind != "List" {
			item.apiVersion, item.kind = doc.apiVersion, strings.TrimSuffix(doc.kind, "List")
		} else if strings.HasSuffix(kind, "List") {
			bad(node, "an item is itself a list", "write its items here")
			continue
		}
		l.document(item)
	}
}
