package gate

// FieldRule says how one field of a gate's spec adds up when several gates
// apply. The table is in docs/gate.md, and a test holds Combine to it.
type FieldRule struct {
	// Field is the path below spec.
	Field string
	// Rule is how two values become one.
	Rule string
	// Base is what a base gate means that leaves the field out; other gates have
	// no opinion unless Other says what they mean.
	Base, Other string
}

const (
	perGate   = "per gate"
	selects   = "chooses the gate"
	requires  = "requirements add: all of them"
	permits   = "permissions intersect: what every gate with an opinion allows"
	stricter  = "the stricter"
	same      = "must be equal where both speak, else a conflict"
	anyOn     = "on if any gate's is"
	noneAsked = "none"
)

// FieldRules is the whole table, in the order of Spec.
func FieldRules() []FieldRule {
	return []FieldRule{
		{"base", selects, "-", "false: the gate adds to base gates"},
		{"selector.projects", selects, "every project", "every project"},
		{"selector.namespaces", selects, "every source namespace", "every source namespace"},
		{"selector.applications", selects, "not allowed", "every application"},
		{"selector.repositories", selects, "not allowed", "every repository"},
		{"selector.paths", selects, "not allowed", "every path"},
		{"switches.pin", anyOn, "On", "On: what a gate verifies must be what ships"},
		{"switches.harden", anyOn, "On", "On"},
		{"switches.deny", perGate + ": it blocks by its own findings only", "On", "On"},
		{"lock.mode", "Locked beats the door's default, which beats Resolve", "the door's default", ""},
		{"lock.drift", stricter + ": Deny, Warn, Ignore", "Deny", ""},
		{"lock.maxBuildAge", stricter + ": the shorter", noneAsked, ""},
		{"lock.followTags", anyOn, "false", ""},
		{"images.fields", requires, noneAsked, ""},
		{"images.undeclared", stricter + ": Deny, Warn, Ignore", "Deny", ""},
		{"images.platforms", requires, noneAsked, ""},
		{"images.allowed", perGate + ": an image must be allowed by each that has a list", "all", ""},
		{"trust.policies", perGate + ": coverage of images is decided by each gate alone", "all that are loaded", "all that are loaded"},
		{"trust.noMatch", perGate, "Deny", "Deny"},
		{"trust.platforms", perGate, "Index", "Index"},
		{"trust.notation", perGate, "none", "none"},
		{"vex", perGate + ": whose word counts for one gate counts for no other", "nobody's word", "nobody's word"},
		{"evidence", requires + ", each gate's by its own trust rules", noneAsked, ""},
		{"profile", same, defaultProfile + " while harden is on", ""},
		{"harden.readOnlyRootFilesystem", anyOn, "false", ""},
		{"harden.emptyDirSize", same, defaultEmptyDirSize, ""},
		{"harden.serviceAccountTokens", anyOn, "false", ""},
		{"harden.resources.requests.cpu", same, noneAsked, ""},
		{"harden.resources.requests.memory", same, noneAsked, ""},
		{"harden.resources.limits.cpu", same, noneAsked, ""},
		{"harden.resources.limits.memory", same, noneAsked, ""},
		{"harden.podSecurityLabels", stricter + ": restricted, baseline", noneAsked, ""},
		{"harden.networkPolicies", stricter + ": IngressAndEgress, Ingress", noneAsked, ""},
		{"harden.appArmor", anyOn, "false", ""},
		{"harden.userNamespaces", anyOn, "false", ""},
		{"mutate.policies", "choices add: a policy that one gate chooses runs, once", "all that are loaded", "none"},
		{"judge.podSecurity", perGate + ": each level must be met", "restricted, latest", ""},
		{"judge.packs", perGate + ": each pack must be passed", "pack/supply-chain@1, pack/workload@1; [] for none", ""},
		{"judge.policies", perGate, "all that are loaded", "all that are loaded"},
		{"judge.rego", perGate, "none", "none"},
		{"judge.inventoryComplete", perGate, "false", "false"},
		{"judge.rules", perGate, "each rule's shipped level", "each rule's shipped level"},
		{"judge.indeterminate", perGate, "Deny", "Deny"},
		{"judge.trustObjectLabels", perGate, "false", "false"},
		{"judge.podSecurityAdmission", perGate + ": what one gate exempts, another still judges", noneAsked, "none"},
		{"judge.deployer", perGate, "not known", "not known"},
		{"registries", permits + "; entries of one host meet at the longer prefix; ca and credentials " + same, noneAsked, ""},
		{"tenantCredentials", permits + "; entries of one host meet at the longer prefix", noneAsked, ""},
		{"charts.hosts", permits, noneAsked, ""},
		{"platform", permits + ": every base gate must say so", "false", "not allowed"},
		{"protectedNamespaces", requires, noneAsked, ""},
		{"namespaces", "descriptions join; labels of one namespace " + same + "; owned is a permission", noneAsked, ""},
		{"waivers", perGate + ": a waiver acts on its own gate's findings only", noneAsked, ""},
		{"waiverTerms.maxDays", stricter + ": the fewer", "180", ""},
		{"waiverTerms.never", requires, noneAsked, ""},
		{"breakGlass", perGate + ": findings of no gate need an entry in every gate that denies", noneAsked, ""},
		{"freshness.freshFor", stricter + ": the shorter", "5m", ""},
		{"freshness.staleFor", stricter + ": the shorter", "24h", ""},
		{"limits", stricter + ": the lower of each", "the table's default", ""},
	}
}
