package policy

import (
	"fmt"
	"slices"
	"strings"

	apivalidation "k8s.io/apimachinery/pkg/api/validation"
	metav1validation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"github.com/assay-gitops/assay/plugin"
)

// Rules about what every object has.
const (
	ruleMetadata = "schema/metadata"
	ruleTooLarge = "schema/too-large"
)

// requestBytes is the greatest request that the API server reads
// (k8s.io/apiserver pkg/server/config.go, MaxRequestBodyBytes); no flag changes
// it. etcd stores half of that unless it was told otherwise.
const requestBytes = 3 << 20

// addMetadataFindings says what the API server refuses of the object's name,
// namespace, labels and annotations, whatever its kind, and of its size.
func (v *view) addMetadataFindings(s *subject, object plugin.Object) {
	metadata := mapAt(object.Fields, "metadata")
	problems := nameProblems(s, metadata)
	problems = append(problems, labelProblems(metadata, field.NewPath("metadata"))...)
	if steps, builtin := builtinTemplate(s.id); builtin && len(steps) > 0 {
		template, at := object.Fields, field.NewPath(steps[0])
		for _, step := range steps {
			template = mapAt(template, step)
		}
		for _, step := range steps[1:] {
			at = at.Child(step)
		}
		problems = append(problems, labelProblems(mapAt(template, "metadata"), at.Child("metadata"))...)
	}
	for _, problem := range problems {
		message, _, _ := strings.Cut(problem.ErrorBody(), " (e.g. ") // what follows is the expression in words
		finding := s.finding(ruleMetadata, plugin.Deny, message)
		finding.Field = problem.Field
		finding.Why = "the API server refuses the object"
		finding.Hint = "write the name or the label in the form that the message asks for"
		v.findings = append(v.findings, finding)
	}
	if !smallerThan(object.Fields, requestBytes) {
		finding := s.finding(ruleTooLarge, plugin.Deny, fmt.Sprintf("the object is larger than %d MiB, the greatest request that an API server reads", requestBytes>>20))
		finding.Why = "the API server refuses the object; etcd stores no more than 1.5 MiB of one unless it was told otherwise"
		finding.Hint = "split the object, or keep the data elsewhere: in an image, a volume or an object store"
		v.findings = append(v.findings, finding)
	}
}

// nameProblems checks the name, or what one is made from, and the namespace. A
// custom resource's name is a DNS subdomain (apiextensions-apiserver
// pkg/registry/customresource), and so is that of most kinds; some ask for
// less, which only the API server tells in full.
func nameProblems(s *subject, metadata map[string]any) field.ErrorList {
	var problems field.ErrorList
	at := field.NewPath("metadata")
	add := func(child, value string, messages []string) {
		for _, message := range messages {
			problems = append(problems, field.Invalid(at.Child(child), value, message))
		}
	}
	check := apivalidation.NameIsDNSSubdomain
	if freelyNamed(s.kind.GroupKind()) {
		check = segment
	}
	if name := stringAt(metadata, "name"); name != "" {
		add("name", name, check(name, false))
	} else if prefix := stringAt(metadata, "generateName"); prefix != "" {
		add("generateName", prefix, check(prefix, true))
	}
	if namespace := stringAt(metadata, "namespace"); namespace != "" {
		add("namespace", namespace, apivalidation.ValidateNamespaceName(namespace, false))
	}
	return problems
}

// freelyNamed are the kinds whose names only have to fit into a path: RBAC's
// (system:node), addresses (2001:db8::1) and bundles (example.com:signer:name).
func freelyNamed(kind schema.GroupKind) bool {
	switch kind.Group {
	case "rbac.authorization.k8s.io":
		return true
	case "networking.k8s.io":
		return kind.Kind == "IPAddress"
	case "certificates.k8s.io":
		return kind.Kind == "ClusterTrustBundle"
	case "":
		return kind.Kind == "ComponentStatus"
	}
	return false
}

// segment is a name that fits into a path and holds nothing that hides in a
// text.
func segment(name string, prefix bool) []string {
	var messages []string
	if !prefix && (name == "." || name == "..") {
		messages = append(messages, "may not be '.' or '..'")
	}
	for _, forbidden := range []string{"/", "%"} {
		if strings.Contains(name, forbidden) {
			messages = append(messages, fmt.Sprintf("may not contain '%s'", forbidden))
		}
	}
	if strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		messages = append(messages, "may not contain control characters")
	}
	return messages
}

// labelProblems checks labels and annotations, sorted by what is wrong.
func labelProblems(metadata map[string]any, at *field.Path) field.ErrorList {
	problems := metav1validation.ValidateLabels(labelsOf(metadata), at.Child("labels"))
	annotations := map[string]string{}
	for key, value := range mapAt(metadata, "annotations") {
		annotations[key], _ = value.(string)
	}
	problems = append(problems, apivalidation.ValidateAnnotations(annotations, at.Child("annotations"))...)
	for _, name := range []string{"labels", "annotations"} {
		for key, value := range mapAt(metadata, name) {
			if _, isText := value.(string); !isText && value != nil {
				problems = append(problems, field.Invalid(at.Child(name), key, "its value has to be text; quote it"))
			}
		}
	}
	for _, finalizer := range listAt(metadata, "finalizers") {
		if text, isText := finalizer.(string); isText {
			for _, message := range validation.IsQualifiedName(strings.ToLower(text)) {
				problems = append(problems, field.Invalid(at.Child("finalizers"), text, message))
			}
		}
	}
	slices.SortFunc(problems, func(a, b *field.Error) int { return strings.Compare(a.Error(), b.Error()) })
	return problems
}

// smallerThan reports whether all texts of a value together are smaller than
// that many bytes, so that what is not is larger in any encoding.
func smallerThan(value any, bytes int) bool { return textLeft(value, bytes) > 0 }

// textLeft takes the texts of a value off what is left, and stops at nothing.
func textLeft(value any, left int) int {
	switch value := value.(type) {
	case string:
		left -= len(value)
	case map[string]any:
		for key, member := range value {
			if left -= len(key); left > 0 {
				left = textLeft(member, left)
			}
		}
	case []any:
		for _, item := range value {
			if left > 0 {
				left = textLeft(item, left)
			}
		}
	}
	return left
}
