package policy

import (
	"fmt"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// lifecycle is when a version of the API's own kinds ends, as minor versions
// of Kubernetes 1; zero is not known.
type lifecycle struct {
	deprecated, removed int
	replacement         schema.GroupVersionKind
}

// served says that the API serves the object's version no longer, or not for
// long.
func served(said *saying, kind schema.GroupVersionKind) {
	if !apiserver.BuiltinGroup(kind.Group) {
		return
	}
	of, current := lifecycleOf(kind), kubernetesMinor()
	hint := ""
	if !of.replacement.Empty() {
		hint = fmt.Sprintf("write %s %s", of.replacement.GroupVersion(), of.replacement.Kind)
	}
	switch {
	case of.removed > 0 && of.removed <= current:
		said.removed = true
		said.say(plugin.Finding{
			Rule: ruleRemovedAPI, Field: "apiVersion", Hint: hint,
			Message: fmt.Sprintf("%s %s is not served since Kubernetes 1.%d", kind.GroupVersion(), kind.Kind, of.removed),
		})
	case of.deprecated > 0 && of.deprecated <= current:
		message := fmt.Sprintf("%s %s is deprecated since Kubernetes 1.%d", kind.GroupVersion(), kind.Kind, of.deprecated)
		if of.removed > 0 {
			message += fmt.Sprintf(" and not served from 1.%d on", of.removed)
		}
		said.say(plugin.Finding{Rule: ruleDeprecatedAPI, Level: plugin.Warn, Field: "apiVersion", Hint: hint, Message: message})
	}
}

// kubernetesMinor is the minor version of the Kubernetes that is known.
func kubernetesMinor() int {
	parts := strings.Split(apiserver.KubernetesVersion(), ".")
	if len(parts) < 2 {
		return 0
	}
	minor, _ := strconv.Atoi(parts[1]) // a test reads it
	return minor
}

// lifecycleOf asks the API's own type, whose methods are generated from the
// annotations of k8s.io/api (prerelease-lifecycle-gen).
func lifecycleOf(kind schema.GroupVersionKind) lifecycle {
	var of lifecycle
	typed, err := scheme.Scheme.New(kind)
	if err != nil {
		return goneKinds()[kind]
	}
	if each, has := typed.(interface{ APILifecycleDeprecated() (int, int) }); has {
		_, of.deprecated = each.APILifecycleDeprecated()
	}
	if each, has := typed.(interface{ APILifecycleRemoved() (int, int) }); has {
		_, of.removed = each.APILifecycleRemoved()
	}
	if each, has := typed.(interface {
		APILifecycleReplacement() schema.GroupVersionKind
	}); has {
		of.replacement = each.APILifecycleReplacement()
	}
	return of
}

// goneKinds are those that k8s.io/api holds no types of any more, or never did
// (https://kubernetes.io/docs/reference/using-api/deprecation-guide/).
func goneKinds() map[schema.GroupVersionKind]lifecycle {
	kind := func(group, version, kind string) schema.GroupVersionKind {
		return schema.GroupVersionKind{Group: group, Version: version, Kind: kind}
	}
	return map[schema.GroupVersionKind]lifecycle{
		kind("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"): {16, 22, kind("apiextensions.k8s.io", "v1", "CustomResourceDefinition")},
		kind("apiregistration.k8s.io", "v1beta1", "APIService"):             {19, 22, kind("apiregistration.k8s.io", "v1", "APIService")},
		kind("policy", "v1beta1", "PodSecurityPolicy"):                      {21, 25, schema.GroupVersionKind{}},
		kind("extensions", "v1beta1", "PodSecurityPolicy"):                  {11, 16, schema.GroupVersionKind{}},
		kind("batch", "v2alpha1", "CronJob"):                                {8, 21, kind("batch", "v1", "CronJob")},
	}
}
