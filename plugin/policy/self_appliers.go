package policy

import "strings"

// applier is a kind whose controller applies manifests that it fetches, renders
// or is handed, with rights of its own.
type applier struct {
	group string
	// kinds are those of the group that apply something; none stands for all.
	kinds []string
	// who applies it.
	who string
}

func appliers() []applier {
	return []applier{
		{group: "argoproj.io", kinds: []string{"ArgoCD"}, who: "the Argo CD operator"},
		{group: "infra.contrib.fluxcd.io", who: "the Tofu controller"},
		{group: "flux.weave.works", who: "Flux"},
		{group: "helm.fluxcd.io", who: "Flux"},
		{group: "helm.cattle.io", who: "the Helm controller of K3s and RKE2"},
		{group: "catalog.cattle.io", who: "Rancher"},
		{group: "fleet.cattle.io", who: "Fleet"},
		{group: "helm.k0sproject.io", who: "k0s"},
		{group: "kappctrl.k14s.io", who: "kapp-controller"},
		{group: "packaging.carvel.dev", who: "kapp-controller"},
		{group: "addons.cluster.x-k8s.io", who: "Cluster API"},
		{group: "apps.open-cluster-management.io", kinds: []string{"Subscription", "Channel", "Deployable", "HelmRelease"}, who: "Open Cluster Management"},
		{group: "helm.crossplane.io", kinds: []string{"Release"}, who: "Crossplane's Helm provider"},
		{group: "helm.m.crossplane.io", kinds: []string{"Release"}, who: "Crossplane's Helm provider"},
		{group: "kubernetes.crossplane.io", kinds: []string{"Object"}, who: "Crossplane's Kubernetes provider"},
		{group: "kubernetes.m.crossplane.io", kinds: []string{"Object"}, who: "Crossplane's Kubernetes provider"},
		{group: "core.oam.dev", who: "KubeVela"},
		{group: "template.openshift.io", kinds: []string{"TemplateInstance"}, who: "OpenShift"},
		{group: "pulumi.com", who: "the Pulumi operator"},
		{group: "auto.pulumi.com", who: "the Pulumi operator"},
	}
}

// applierOf is who applies what objects of the kind say, or empty. The group is
// in lower case.
func applierOf(group, kind string) string {
	for _, each := range appliers() {
		if each.group == group && (each.kinds == nil || foldContains(each.kinds, kind)) {
			return each.who
		}
	}
	return ""
}

// applierGroup reports whether kinds of the group, which is in lower case, are
// applied by their controllers.
func applierGroup(group string) bool {
	for _, each := range appliers() {
		if each.group == group && group != "argoproj.io" {
			return true
		}
	}
	return false
}

// applierPlurals are their resources, for rules that name all groups and some
// resources.
func applierPlurals() []string {
	return strings.Fields(`argocds terraforms helmchartconfigs apps clusterrepos gitrepos bundles bundledeployments helmops charts
		packageinstalls packagerepositories clusterresourcesets helmchartproxies subscriptions channels releases objects
		templateinstances stacks`)
}
