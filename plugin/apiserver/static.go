package apiserver

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// staticSuffix ends the names of policies and bindings that the API server
// reads from a folder of its own instead of its storage
// (ManifestBasedAdmissionControlConfig, KEP-5793).
const staticSuffix = ".static.k8s.io"

func isStatic(name string) bool { return strings.HasSuffix(name, staticSuffix) }

// CheckStatic refuses what the API server refuses of its folder: it does not
// start with such a file (policy/manifest/loader).
func CheckStatic(policies []Policy, bindings []Binding) []error {
	var problems []error
	for _, file := range policies {
		if isStatic(file.Name) && file.ParamKind != nil {
			problems = append(problems, Refuse(file.At, "policy %q: spec.paramKind is not supported for static manifests (names ending in %s); write the values into the expressions", file.Name, staticSuffix))
		}
	}
	for _, file := range bindings {
		named := file.PolicyName
		there := slices.ContainsFunc(policies, func(policy Policy) bool { return policy.Name == named })
		switch {
		case isStatic(file.Name) && file.ParamRef != nil:
			problems = append(problems, Refuse(file.At, "binding %q: spec.paramRef is not supported for static manifests (names ending in %s)", file.Name, staticSuffix))
		case isStatic(file.Name) && !isStatic(named):
			problems = append(problems, Refuse(file.At, "binding %q: spec.policyName %q must end with %s, as the binding's name does", file.Name, named, staticSuffix))
		case !isStatic(file.Name) && isStatic(named):
			problems = append(problems, Refuse(file.At, "binding %q: policy %q is a static manifest, which only bindings with names ending in %s put in force", file.Name, named, staticSuffix))
		case isStatic(file.Name) && !there:
			problems = append(problems, Refuse(file.At, "binding %q names policy %q, which the configuration does not hold", file.Name, named))
		}
	}
	return problems
}

// Exempt reports whether admission never asks the policy about the resource
// (policy/generic, Plugin.Dispatch): policies could lock their own repair out,
// so only static ones are asked about policies, and none about requests that
// are not stored. The rule self/admission covers them.
func Exempt(resource schema.GroupResource, policy string) bool {
	switch resource.Group {
	case "admissionregistration.k8s.io":
		return strings.Contains(resource.Resource, "admissionpolic") && !isStatic(policy)
	case "authentication.k8s.io":
		return slices.Contains([]string{"selfsubjectreviews", "tokenreviews"}, resource.Resource)
	case "authorization.k8s.io":
		return strings.HasSuffix(resource.Resource, "subjectaccessreviews") || resource.Resource == "selfsubjectrulesreviews"
	}
	return false
}
