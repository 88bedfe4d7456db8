package render

import (
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// requestAnnotation is the one annotation of assay's that an application may
// write: it asks for a waiver, and is stripped like all others.
const requestAnnotation = "assay.dev/waiver-request"

const (
	// mostRequests bounds the requests of one object.
	mostRequests = 20
	// longestRequest is the greatest length of one in bytes that is read.
	longestRequest = 4000
)

// requests are what the annotations of an object, and of the templates in it,
// ask for; each text once, sorted.
func requests(object plugin.Object) []plugin.Finding {
	var texts []string
	findRequests(object.Fields, func(text string) { texts = append(texts, text) })
	slices.Sort(texts)
	texts = slices.Compact(texts)
	var findings []plugin.Finding
	for _, text := range texts[:min(len(texts), mostRequests)] {
		findings = append(findings, plugin.Finding{
			Rule: plugin.RuleWaiverRequested, Level: plugin.Info, Object: object.ID(), Origin: object.Origin, Message: text,
		})
	}
	return findings
}

func findRequests(value any, found func(text string)) {
	switch value := value.(type) {
	case map[string]any:
		if metadata, ok := value["metadata"].(map[string]any); ok {
			annotations, _ := metadata["annotations"].(map[string]any) // others have none
			if text, asked := annotations[requestAnnotation].(string); asked {
				found(strings.ToValidUTF8(text[:min(len(text), longestRequest)], ""))
			}
		}
		for _, member := range value {
			findRequests(member, found)
		}
	case []any:
		for _, item := range value {
			findRequests(item, found)
		}
	}
}
