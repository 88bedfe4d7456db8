package gate

import "cmp"

// Harden asks for defaults beyond the profile. Each can break workloads that
// it cannot see into, so each is asked for by name.
type Harden struct {
	// ReadOnlyRootFilesystem makes root file systems read-only, with an emptyDir
	// at /tmp and at the volumes that the image declares.
	ReadOnlyRootFilesystem bool `yaml:"readOnlyRootFilesystem,omitempty"`
	// EmptyDirSize is the most that such an emptyDir holds, a Kubernetes
	// quantity. A Pod that writes more is evicted.
	EmptyDirSize string `yaml:"emptyDirSize,omitempty"`
	// ServiceAccountTokens takes the token from Pods whose service account gets
	// no right in the rendering.
	ServiceAccountTokens bool `yaml:"serviceAccountTokens,omitempty"`
	// Resources are requests and limits of containers that have none.
	Resources Resources `yaml:"resources,omitempty"`
	// PodSecurityLabels is the level for rendered Namespaces without labels.
	PodSecurityLabels string `yaml:"podSecurityLabels,omitempty" enum:"baseline,restricted"`
	// NetworkPolicies denies what no Service serves in namespaces that the
	// application owns: "Ingress", or "IngressAndEgress".
	NetworkPolicies string `yaml:"networkPolicies,omitempty" enum:"Ingress,IngressAndEgress"`
	// AppArmor says that the nodes have it, and fills in its default profile.
	AppArmor bool `yaml:"appArmor,omitempty"`
	// UserNamespaces says that the nodes have them, and fills in
	// hostUsers: false (KEP-127).
	UserNamespaces bool `yaml:"userNamespaces,omitempty"`
}

// NetworkBoth is the value of Harden.NetworkPolicies that also denies what
// goes out.
const NetworkBoth = "IngressAndEgress"

// Resources are amounts for each container; empty fills in nothing.
type Resources struct {
	Requests Amounts `yaml:"requests,omitempty"`
	Limits   Amounts `yaml:"limits,omitempty"`
}

// Amounts are Kubernetes quantities.
type Amounts struct {
	CPU    string `yaml:"cpu,omitempty"`
	Memory string `yaml:"memory,omitempty"`
}

const defaultEmptyDirSize = "1Gi"

// and adds another gate's wishes. Amounts are equal where both have one: the
// others are a conflict.
func (h Harden) and(other Harden) Harden {
	h.ReadOnlyRootFilesystem = h.ReadOnlyRootFilesystem || other.ReadOnlyRootFilesystem
	h.EmptyDirSize = cmp.Or(h.EmptyDirSize, other.EmptyDirSize)
	h.ServiceAccountTokens = h.ServiceAccountTokens || other.ServiceAccountTokens
	h.Resources.Requests = h.Resources.Requests.or(other.Resources.Requests)
	h.Resources.Limits = h.Resources.Limits.or(other.Resources.Limits)
	h.PodSecurityLabels = max(h.PodSecurityLabels, other.PodSecurityLabels) // restricted is the greater word
	h.NetworkPolicies = max(h.NetworkPolicies, other.NetworkPolicies)       // so is IngressAndEgress
	h.AppArmor = h.AppArmor || other.AppArmor
	h.UserNamespaces = h.UserNamespaces || other.UserNamespaces
	return h
}

func (a Amounts) or(other Amounts) Amounts {
	return Amounts{CPU: cmp.Or(a.CPU, other.CPU), Memory: cmp.Or(a.Memory, other.Memory)}
}

// between compares what cannot be added up.
func (h Harden) between(other Harden, differ func(field, one, two string)) {
	differ("spec.harden.emptyDirSize", h.EmptyDirSize, other.EmptyDirSize)
	differ("spec.harden.resources.requests.cpu", h.Resources.Requests.CPU, other.Resources.Requests.CPU)
	differ("spec.harden.resources.requests.memory", h.Resources.Requests.Memory, other.Resources.Requests.Memory)
	differ("spec.harden.resources.limits.cpu", h.Resources.Limits.CPU, other.Resources.Limits.CPU)
	differ("spec.harden.resources.limits.memory", h.Resources.Limits.Memory, other.Resources.Limits.Memory)
}

// words are what is filled in, for people.
func (h Harden) words() []string {
	var words []string
	for _, each := range []struct {
		on   bool
		word string
	}{
		{h.ReadOnlyRootFilesystem, "read-only root file systems with emptyDirs of at most " + cmp.Or(h.EmptyDirSize, defaultEmptyDirSize)},
		{h.ServiceAccountTokens, "no service account token where nothing needs it"},
		{h.Resources != Resources{}, "requests and limits"},
		{h.PodSecurityLabels != "", "Pod Security labels at " + h.PodSecurityLabels},
		{h.NetworkPolicies != "", "NetworkPolicies (" + h.NetworkPolicies + ")"},
		{h.AppArmor, "AppArmor's default profile"},
		{h.UserNamespaces, "user namespaces"},
	} {
		if each.on {
			words = append(words, each.word)
		}
	}
	return words
}
