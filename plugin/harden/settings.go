package harden

import (
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// linuxOnly holds a setting back where it does not apply. The API server
// refuses these fields on Pods that say they run on Windows
// (core/v1 PodSpec, os); a privileged container is the judge's business.
func linuxOnly(c *container) (decision, bool) {
	if c.config() != nil && c.config().OS == "windows" {
		return decision{heldBack: "it does not apply to Windows containers", hint: "set spec.os.name: windows on the Pod", level: plugin.Info}, true
	}
	if privileged, _ := c.security["privileged"].(bool); privileged {
		return decision{heldBack: "the container is privileged, which makes the setting void", hint: "remove privileged: true", level: plugin.Info}, true
	}
	return decision{}, false
}

func (p *pod) windows() bool {
	system, _ := p.spec["os"].(map[string]any)
	selector, _ := p.spec["nodeSelector"].(map[string]any)
	return system["name"] == "windows" || selector["kubernetes.io/os"] == "windows" || selector["beta.kubernetes.io/os"] == "windows" || p.onlyOnWindows()
}

// onlyOnWindows reports whether each of the terms of the required node affinity,
// any of which is enough, asks for Windows.
func (p *pod) onlyOnWindows() bool {
	terms, _ := at(p.spec, "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms").([]any)
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(item any) bool {
		term, _ := item.(map[string]any)
		expressions, _ := term["matchExpressions"].([]any)
		return !slices.ContainsFunc(expressions, func(item any) bool {
			asked, _ := item.(map[string]any)
			key, values := asked["key"], texts(asked["values"])
			return (key == "kubernetes.io/os" || key == "beta.kubernetes.io/os") && asked["operator"] == "In" && len(values) == 1 && values[0] == "windows"
		})
	})
}

/*
privilegeEscalation sets allowPrivilegeEscalation: false.

Held back: with CAP_SYS_ADMIN (the API server refuses the pair), for programs
that the image's layers say to be setuid, setgid or to have file capabilities,
which are void under no_new_privs, for programs that are known to change the
user, and for a user who listens below 1024 and is not known to be root, as the
file capability that allows it would be void, too.
*/
func privilegeEscalation(c *container) decision {
	if held, stop := linuxOnly(c); stop {
		return held
	}
	user := c.user
	if slices.ContainsFunc(c.added(), func(name string) bool { return strings.TrimPrefix(name, "CAP_") == "SYS_ADMIN" }) {
		return decision{heldBack: "the API server refuses it together with the capability SYS_ADMIN", hint: "remove SYS_ADMIN from capabilities.add", level: plugin.Warn}
	}
	if program, found := c.elevated(); found {
		return decision{
			heldBack: elevatedReason(program) + ", which would have no effect", level: plugin.Warn,
			hint: "start a program that needs no more rights than its user has, or write allowPrivilegeEscalation: false when it was tried",
		}
	}
	if held, stop := c.changesUser(user); stop {
		return held
	}
	if port := c.lowPort; port != 0 && (user.kind == userNonRoot || user.kind == userNamed) {
		return decision{
			heldBack: fmt.Sprintf("a user other than root listens on port %d, for which it may need a file capability", port), level: plugin.Warn,
			hint: "listen above 1023, or set the sysctl net.ipv4.ip_unprivileged_port_start: \"0\" on the Pod",
		}
	}
	return decision{value: false}
}

func texts(value any) []string {
	items, _ := value.([]any)
	var out []string
	for _, item := range items {
		if text, ok := item.(string); ok {
			out = append(out, text)
		}
	}
	return out
}

// seccompProfile sets the runtime's default profile.
func seccompProfile(c *container) decision {
	if held, stop := linuxOnly(c); stop {
		return held
	}
	return decision{value: map[string]any{"type": "RuntimeDefault"}}
}

/*
capabilities sets drop: [ALL] and keeps an addition of NET_BIND_SERVICE.

Held back: for root and for users that are not known (a start script that
changes owners or the user needs CHOWN, SETUID and others), for ports below
1024, on the node's network, and for programs that change the user, and for those
with more rights than their user: the kernel does not start a file whose
capabilities it may not give (capabilities(7), file capabilities).
*/
func capabilities(c *container) decision {
	if held, stop := linuxOnly(c); stop {
		return held
	}
	if hostNetwork, _ := c.pod.spec["hostNetwork"].(bool); hostNetwork {
		return decision{heldBack: "the Pod works on the node's network, for which it may need one", hint: "write capabilities.drop: [ALL] and add what is needed", level: plugin.Warn}
	}
	user := c.user
	if user.kind != userNonRoot {
		return decision{heldBack: user.reason + ", and a start script may need one to change owners or the user", hint: user.hint, level: plugin.Warn}
	}
	if program, found := c.elevated(); found {
		return decision{
			heldBack: elevatedReason(program) + ", and may not start without the capabilities that it asks for", level: plugin.Warn,
			hint: "write capabilities.drop: [ALL] and add what the program needs",
		}
	}
	if held, stop := c.changesUser(user); stop {
		return held
	}
	keeps := slices.Contains(normalised(c.added()), "NET_BIND_SERVICE")
	if port := c.lowPort; port != 0 && !keeps {
		return decision{
			heldBack: fmt.Sprintf("the container listens on port %d, which may need NET_BIND_SERVICE", port), level: plugin.Warn,
			hint: "listen above 1023, or set the sysctl net.ipv4.ip_unprivileged_port_start: \"0\" on the Pod",
		}
	}
	value := map[string]any{"drop": []any{"ALL"}}
	if written, ok := c.security["capabilities"].(map[string]any); ok {
		for name, member := range written {
			if name != "drop" {
				value[name] = member
			}
		}
	}
	return decision{value: value}
}

// mayDropAll reports whether the author left capabilities.drop open, and added
// nothing that shows a need for more.
func (c *container) mayDropAll() bool {
	written, isMap := c.security["capabilities"].(map[string]any)
	if c.security["capabilities"] == nil {
		return true
	}
	if !isMap || written["drop"] != nil {
		return false
	}
	for _, name := range normalised(c.added()) {
		if name != "NET_BIND_SERVICE" {
			return false
		}
	}
	return true
}

// added are the capabilities that the author added.
func (c *container) added() []string {
	written, _ := c.security["capabilities"].(map[string]any)
	return texts(written["add"])
}

func normalised(names []string) []string {
	out := make([]string, len(names))
	for i, name := range names {
		out[i] = strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	}
	return out
}

// appArmorProfile sets the runtime's default profile. Nodes without AppArmor
// refuse it, so the gate says that they have it.
func appArmorProfile(c *container) decision {
	if held, stop := linuxOnly(c); stop {
		return held
	}
	for name := range c.pod.annotations() {
		if strings.HasPrefix(name, "container.apparmor.security.beta.kubernetes.io/") {
			return decision{heldBack: "an annotation of the older form chooses profiles", hint: "write securityContext.appArmorProfile in its place", level: plugin.Info}
		}
	}
	return decision{value: map[string]any{"type": "RuntimeDefault"}}
}
