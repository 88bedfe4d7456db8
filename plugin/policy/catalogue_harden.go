package policy

// hardenRules are about what hardening did, and the platform's own mutations.
func hardenRules() []Rule {
	const decide = "nothing; write the field to decide it yourself"
	rules := []Rule{{
		ID: "harden/held-back", Severity: "low", Level: "Warn", Title: "A setting was not filled in because it would break the workload",
		Why: "the image's own configuration, or the rest of the rendering, does not allow it",
		Fix: "follow the hint: change the image, or write the setting",
	}}
	for _, each := range []struct{ field, title, why string }{
		{"allowPrivilegeEscalation", "allowPrivilegeEscalation was set to false", "a setuid program in the image turns any user into root"},
		{"appArmorProfile", "AppArmor's default profile was set", "AppArmor's default profile keeps a container from the kernel's own files"},
		{"automountServiceAccountToken", "The service account's token was taken from the Pods", "nothing in the rendering gives the service account a right, and a token in a container is one to steal"},
		{"capabilities", "All capabilities were dropped", "the runtime's default capabilities are more than nearly all programs need"},
		{"hostUsers", "The Pods got a user namespace of their own", "in a user namespace of its own, root in the container is nobody on the node"},
		{"networkPolicies", "A NetworkPolicy was added", "without one, every Pod of the cluster reaches every port of this one"},
		{"podSecurityLabels", "The Namespace got Pod Security labels", "without them the namespace takes any Pod, whoever makes it"},
		{"readOnlyRootFilesystem", "The root file system was made read-only", "whoever breaks into the program cannot change it, nor leave another beside it"},
		{"resources", "A request or a limit was filled in", "a container without it takes from its neighbours, or is the first to be ended"},
		{"runAsNonRoot", "runAsNonRoot was set", "the image's own user is not root, and the kubelet now makes sure of it"},
		{"runAsUser", "runAsUser was set to the number of the image's user", "the kubelet cannot tell of a user by name that it is not root, and would not start the container"},
		{"seccompProfile", "The runtime's seccomp profile was set", "without seccomp every system call of the kernel is reachable"},
	} {
		rules = append(rules, Rule{ID: "harden/" + each.field, Severity: "info", Level: "Info", Title: each.title, Why: each.why, Fix: decide})
	}
	return append(rules, Rule{
		ID: "mutate/*", Severity: "info", Level: "Info", Title: "A MutatingAdmissionPolicy of the gate's own changed the object, or could not",
		Why: "admission would make the same change in the cluster, where nothing verifies what it adds and the object then differs from Git; " +
			"what a policy refuses, or what cannot be decided before the sync, is told at the level that stands with it",
		Fix:        "nothing; write the value into the source to have it in Git, or change the policy",
		References: []string{"https://kubernetes.io/docs/reference/access-authn-authz/mutating-admission-policy/"},
	})
}
