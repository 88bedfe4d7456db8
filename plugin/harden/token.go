package harden

import (
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

/*
serviceAccountToken sets automountServiceAccountToken: false.

Held back: when a rendered binding gives the service account rights, or names a
group or a user that it may be; when the account is not in the rendering, as its
rights are not seen then; and for agents that are injected later and read the
token. A volume that asks for a token by itself has it either way.
*/
func serviceAccountToken(p *pod) decision {
	name, _ := p.spec["serviceAccountName"].(string)
	if older, _ := p.spec["serviceAccount"].(string); name == "" {
		name = older
	}
	if name == "" {
		name = "default"
	}
	around := p.target.around
	key := around.place(p.id) + "/" + name
	account, rendered := around.accounts[key]
	switch {
	case account["automountServiceAccountToken"] != nil:
		return decision{} // said where all Pods of the account read it
	case around.gives(around.place(p.id), name):
		return decision{heldBack: fmt.Sprintf("a binding in the rendering gives the service account %s rights, for which it needs the token", name), level: plugin.Info,
			hint: "write automountServiceAccountToken: true where the program talks to the API server, false where it does not"}
	case around.groups:
		return decision{heldBack: "a binding in the rendering gives rights to a group or a user, which the service account may be", level: plugin.Info,
			hint: "write automountServiceAccountToken to decide it yourself"}
	case name != "default" && !rendered:
		return decision{heldBack: fmt.Sprintf("the service account %s is not in the rendering, so what it may do is not seen", name), level: plugin.Info,
			hint: "write automountServiceAccountToken to decide it yourself"}
	}
	if agent := p.tokenReader(); agent != "" {
		return decision{heldBack: fmt.Sprintf("the annotation %s asks for an agent that reads the token", agent), level: plugin.Info,
			hint: "write automountServiceAccountToken: true"}
	}
	return decision{value: false}
}

// tokenReader is an annotation of the template by which something is injected
// later that reads the service account's token from its usual place.
func (p *pod) tokenReader() string {
	for _, annotation := range []string{"vault.hashicorp.com/agent-inject", "vault.security.banzaicloud.io/vault-addr", "conjur.org/inject", "dapr.io/enabled"} {
		if value, _ := p.annotations()[annotation].(string); value != "" && !strings.EqualFold(value, "false") {
			return annotation
		}
	}
	return ""
}

// annotations are those of the Pod or of the template that makes it.
func (p *pod) annotations() map[string]any { return p.target.place.metadata(p.object, "annotations") }

// labels are those of the Pod or of the template that makes it.
func (p *pod) labels() map[string]any { return p.target.place.metadata(p.object, "labels") }
