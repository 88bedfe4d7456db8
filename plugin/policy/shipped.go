package policy

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
		{"pack/supply-chain@1", []string{"image/latest-tag", ruleNotPinned, rulePlaintextSecret}},
		{"pack/workload@1", []string{
			"workload/default-namespace", "workload/env-credential", "workload/external-ips", "workload/ingress-snippet", "workload/memory-limit",
			"workload/rbac-wildcard", "workload/read-only-root", "workload/readiness-probe", "workload/requests", "workload/service-account-token",
		}},
		{name: SelfPack},
	}
}

// codeRules are the shipped rules in Go: those that need an image's evidence,
// several objects, or more than the API server's cost limits allow.
func codeRules() []codeRule {
	return []codeRule{
		notPinnedRule(), plaintextSecretRule(),
	}
}
