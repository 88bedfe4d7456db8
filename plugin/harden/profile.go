package harden

import (
	"cmp"
	"fmt"
	"slices"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// Config is what is filled in.
type Config struct {
	// Profile is profile/baseline@1, profile/restricted@1, profile/openshift@1,
	// or "none".
	Profile string
	// More is what the gate asks for beyond the profile.
	More gate.Harden
	// Namespaces are described by the gate; only Owned counts here.
	Namespaces []gate.Namespace
	// Volumes is the most of one image's that get an emptyDir
	// ([plugin.Limits.ImageVolumes]); 0 is that limit's default.
	Volumes int64
}

// profiles are the shipped profiles, by version: what one fills in never
// grows without a new version, as every change restarts workloads.
//
// OpenShift gives each namespace its own user ids and refuses all others (SCC
// restricted-v2), so openshift never sets one; restricted sets the image's own
// where the image gives it by name.
func profiles() map[string][]setting {
	baseline := []setting{
		contextSetting("allowPrivilegeEscalation", "a setuid program in the image turns any user into root", privilegeEscalation),
		contextSetting("seccompProfile", "without seccomp every system call of the kernel is reachable", seccompProfile),
	}
	dropped := setting{
		name: "capabilities", path: []string{"securityContext", "capabilities"}, decide: capabilities, readsUser: true,
		why: "the runtime's default capabilities are more than nearly all programs need", isSet: func(c *container) bool { return !c.mayDropAll() },
	}
	nonRoot := func(writesUser bool) setting {
		made := contextSetting("runAsNonRoot", "the image's user is not root, and the kubelet now makes sure that it stays so", runAsNonRoot(writesUser))
		made.readsUser = true
		return made
	}
	asUser := contextSetting("runAsUser", "the kubelet cannot tell of a user by name that it is not root, and would not start the container", runAsUser)
	asUser.readsUser = true
	return map[string][]setting{
		"none":                 nil,
		"profile/baseline@1":   baseline,
		"profile/restricted@1": slices.Concat(baseline, []setting{dropped, nonRoot(true), asUser}),
		"profile/openshift@1":  slices.Concat(baseline, []setting{dropped, nonRoot(false)}),
	}
}

// ReadsUsers reports whether the number of an image's user decides what is
// filled in. Where the image gives a name, its layers are read to learn it.
func (h *Hardener) ReadsUsers() bool {
	return slices.ContainsFunc(h.containers, func(s setting) bool { return s.readsUser })
}

// contextSetting is a field that stands in the securityContext of a container
// or, for all of them, of the Pod.
func contextSetting(name, why string, decide func(*container) decision) setting {
	return setting{name: name, path: []string{"securityContext", name}, why: why, isSet: secured(name), decide: decide}
}

// New returns the hardener of a profile and what the gate asks for beyond it.
// Another profile, and a size or an amount that is no quantity, is an error.
func New(config Config) (*Hardener, error) {
	settings, found := profiles()[config.Profile]
	if !found {
		return nil, fmt.Errorf("choosing the hardening profile: there is no %q; write profile/baseline@1, profile/restricted@1, profile/openshift@1 or none", config.Profile)
	}
	h := &Hardener{containers: slices.Clone(settings)}
	more := config.More
	if more.ReadOnlyRootFilesystem {
		size, err := resource.ParseQuantity(more.EmptyDirSize)
		if err != nil {
			return nil, fmt.Errorf("reading spec.harden.emptyDirSize %q: %w", more.EmptyDirSize, err)
		}
		h.containers = append(h.containers, readOnlyRoot(size.String(), cmp.Or(config.Volumes, plugin.DefaultLimits().ImageVolumes)))
	}
	if more.AppArmor {
		h.containers = append(h.containers, contextSetting("appArmorProfile", "AppArmor's default profile keeps a container from the kernel's own files", appArmorProfile))
	}
	amounts, err := resourceSettings(more.Resources)
	if err != nil {
		return nil, err
	}
	h.containers = append(h.containers, amounts...)
	for i := range h.containers {
		h.containers[i].spell()
	}
	if more.ServiceAccountTokens {
		h.pods = append(h.pods, podSetting{"automountServiceAccountToken", "nothing in the rendering gives its service account a right, and the token in the container is one to steal", serviceAccountToken})
	}
	if more.UserNamespaces {
		h.pods = append(h.pods, podSetting{"hostUsers", "in a user namespace of its own, root in the container is nobody on the node", userNamespace})
	}
	if more.PodSecurityLabels != "" {
		h.sets = append(h.sets, podSecurityLabels(more.PodSecurityLabels, config.Namespaces))
	}
	if more.NetworkPolicies != "" {
		h.sets = append(h.sets, networkPolicies(more.NetworkPolicies, dnsPorts(config.Profile), config.Namespaces))
	}
	return h, nil
}
