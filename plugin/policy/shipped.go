package policy

import (
	"maps"
	"slices"
	"strings"
)

// pack is a shipped set of rules, by version: what a version denies never
// grows. A new or tightened rule goes into a new version, so that an upgrade
// changes no verdict until a gate names it.
type pack struct {
	name string
	// rules are ids, which are also the folders in policies/.
	rules []string
}

// packs are all of them, with their rules in the order of the folders.
func packs() []pack {
	return []pack{
		{"pack/supply-chain@1", []string{
			"image/latest-tag", "image/not-pinned", "secret/plaintext",
		}},
		{"pack/supply-chain@2", []string{
			"chart/version-argocd", "chart/version-flux", "image/latest-tag", "image/no-provenance", "image/no-sbom", "image/no-scan", "image/not-pinned",
			"image/pull-policy", "image/registry", "image/retired",
		}},
		{"pack/workload@1", []string{
			"workload/default-namespace", "workload/env-credential", "workload/external-ips", "workload/ingress-snippet", "workload/memory-limit",
			"workload/rbac-wildcard", "workload/read-only-root", "workload/readiness-probe", "workload/requests", "workload/service-account-token",
		}},
		{"pack/workload@2", []string{
			"namespace/limit-range", "namespace/pod-security-label", "namespace/quota", "namespace/system", "pod/empty-dir-limit", "pod/host-aliases",
			"pod/low-port", "pod/memory-limit", "pod/node-name", "pod/read-only-root", "pod/remote-shell", "pod/requests", "pod/root-group",
			"pod/shared-processes", "pod/sudo", "pod/system-priority", "pod/tolerations", "workload/default-namespace", "workload/ingress-snippet",
		}},
		{"pack/hardening@1", []string{
			"pod/cpu-limit", "pod/ephemeral-storage", "pod/low-user", "pod/runtime-class", "pod/service-links", "pod/user-namespace",
		}},
		{"pack/rbac@1", []string{
			"rbac/admission-write", "rbac/aggregate-to-builtin", "rbac/aggregation-rule", "rbac/api-extension", "rbac/broad-role", "rbac/certificate-approval",
			"rbac/cluster-admin", "rbac/escalate", "rbac/events-delete", "rbac/everybody", "rbac/foreign-account", "rbac/impersonate", "rbac/masters",
			"rbac/namespaces-write", "rbac/network-write", "rbac/nodes-proxy", "rbac/nodes-write", "rbac/persistent-volumes", "rbac/pods-exec",
			"rbac/roles-write", "rbac/secrets-read", "rbac/token-create", "rbac/wildcard", "rbac/workloads-create",
		}},
		{"pack/service-accounts@1", []string{
			"service-account/default-rights", "service-account/legacy-token", "service-account/namespace-rights", "service-account/token-audience",
			"service-account/token-without-rights",
		}},
		{"pack/secrets@1", []string{
			"secrets/args", "secrets/bare-secret", "secrets/chart-values", "secrets/config-map", "secrets/env-from-secret", "secrets/env-literal",
			"secrets/known-format", "secrets/probe-header", "secrets/sealed-scope",
		}},
		{"pack/network@1", []string{
			"network/allow-all-egress", "network/allow-all-ingress", "network/default-deny", "network/default-deny-egress", "network/duplicate-host",
			"network/endpoints", "network/external-name", "network/gateway-routes", "network/gateway-tls", "network/ingress-host", "network/ingress-tls",
			"network/load-balancer", "network/metadata-egress", "network/node-port", "network/uncovered-pod", "workload/external-ips",
		}},
		{"pack/mesh@1", []string{
			"mesh/allow-all", "mesh/anonymous", "mesh/client-tls", "mesh/default-deny", "mesh/envoy-filter", "mesh/excluded-ports", "mesh/gateway-tls",
			"mesh/injection-off", "mesh/linkerd-open", "mesh/mtls-strict", "mesh/verify-peer",
		}},
		{"pack/gitops@1", []string{
			"gitops/default-project", "gitops/floating-artifact", "gitops/floating-revision", "gitops/flux-cross-namespace", "gitops/flux-service-account",
			"gitops/plain-source", "gitops/project-cluster-resources", "gitops/project-destinations", "gitops/project-roles", "gitops/project-signatures",
			"gitops/project-sources", "gitops/source-not-verified", "gitops/templated-project", "gitops/validation-off",
		}},
		{"pack/reliability@1", []string{
			"reliability/autoscaler-minimum", "reliability/budget-blocks", "reliability/cron-concurrency", "reliability/cron-deadline",
			"reliability/disruption-budget", "reliability/duplicate-env", "reliability/grace-period", "reliability/job-deadline", "reliability/job-ttl",
			"reliability/liveness-probe", "reliability/naked-pod", "reliability/name-label", "reliability/probe-port", "reliability/replicas-of-autoscaler",
			"reliability/same-probe", "reliability/single-replica", "reliability/spread", "reliability/strategy", "workload/readiness-probe",
		}},
		{"pack/references@1", []string{
			"references/backend", "references/budget-pods", "references/config-map", "references/policy-pods", "references/role", "references/scale-target",
			"references/secret", "references/service-account", "references/service-pods", "references/stateful-service", "references/volume-claim",
		}},
		{name: SelfPack},
	}
}

// NewestPacks are the shipped packs, each in its newest version, without self,
// which is always on.
func NewestPacks() []string {
	newest := map[string]string{}
	for _, each := range packs() { // versions stand in their order
		base, _, _ := strings.Cut(each.name, "@")
		newest[base] = each.name
	}
	return slices.DeleteFunc(slices.Sorted(maps.Values(newest)), func(name string) bool { return name == SelfPack })
}

// codeRules are the shipped rules in Go: those that need an image's evidence,
// several objects, or more than the API server's cost limits allow.
func codeRules() []codeRule {
	return slices.Concat(podReferenceRules(), selectionRules(), replicaRules(), namespaceRules(), []codeRule{
		notPinnedRule(), plaintextSecretRule(),
		registryRule(), provenanceRule(), billRule(), scanRule(), tokenWithoutRightsRule(),
		bareSecretRule(), knownFormatRule(), configMapRule(),
		defaultDenyRule(), defaultDenyEgressRule(), uncoveredPodRule(), duplicateHostRule(), valuesRule(),
	})
}
