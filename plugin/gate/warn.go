package gate

import (
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
)

// warnAll notes what is allowed and wider than its author may think.
func (l *loading) warnAll() {
	if !slices.ContainsFunc(l.config.Gates, func(gate Gate) bool { return gate.Spec.Base }) {
		l.warn(plugin.Finding{
			Rule: "gate/no-base", Message: "the configuration has no base gate, so every application is denied",
			Hint: "add a Gate with base: true",
		})
	}
	for i, gate := range l.config.Gates {
		l.warnGate(l.gates[i], gate)
	}
	for i, policy := range l.config.ImagePolicies {
		l.warnPolicy(l.policies[i], policy)
	}
	l.warnUnused()
}

func (l *loading) warn(finding plugin.Finding) {
	finding.Level = plugin.Warn
	l.config.Warnings = append(l.config.Warnings, finding)
}

func (l *loading) warnGate(doc *document, gate Gate) {
	switches := gate.Spec.Switches
	if switches.Deny.IsOn() && !switches.Pin.IsOn() {
		l.warn(plugin.Finding{
			Rule: "gate/deny-without-pin", Gate: gate.Metadata.Name, Origin: doc.at("spec.switches"),
			Message: "the gate denies and does not pin", Why: "a digest is verified and a tag is deployed, which may have moved since", Hint: "set pin: On",
		})
	}
	for i, registry := range gate.Spec.Registries {
		shown := registry.Credentials != nil || slices.ContainsFunc(gate.Spec.TenantCredentials, func(t TenantCredential) bool { return t.Host == registry.Host })
		if registry.PlainHTTP && shown && !loopback(registry.Host) {
			l.warn(plugin.Finding{
				Rule: "gate/credentials-in-clear", Gate: gate.Metadata.Name, Origin: doc.at(fmt.Sprintf("spec.registries[%d].plainHTTP", i)),
				Message: fmt.Sprintf("the credentials for %s travel in clear text", registry.Host), Hint: "use https with the registry's ca",
			})
		}
	}
	if gate.Spec.Judge.TrustObjectLabels {
		l.warn(plugin.Finding{
			Rule: "gate/object-labels", Gate: gate.Metadata.Name, Origin: doc.at("spec.judge.trustObjectLabels"),
			Message: "policies may choose objects by labels", Why: "the application writes its own labels, and can step out of a policy with them", Hint: "choose by kind and namespace instead",
		})
	}
}

func (l *loading) warnPolicy(doc *document, policy ClusterImagePolicy) {
	warn := func(rule, field, message, hint string) {
		l.warn(plugin.Finding{Rule: rule, Origin: doc.at(field), Message: fmt.Sprintf("ClusterImagePolicy %q: %s", policy.Metadata.Name, message), Hint: hint})
	}
	if policy.Spec.Mode == "warn" {
		warn("gate/policy-warns", "spec.mode", "mode warn denies nothing", "write mode: enforce when it is ready")
	}
	for i, image := range policy.Spec.Images {
		field := fmt.Sprintf("spec.images[%d].glob", i)
		if image.matchesNothing() {
			warn("gate/glob-matches-nothing", field, fmt.Sprintf("the glob %q has neither a tag nor a wildcard and matches no reference, as these end in a tag or digest", image.Glob),
				fmt.Sprintf("write %s** or %s@**", image.Glob, image.Glob))
		}
	}
	for i, authority := range policy.Spec.Authorities {
		field := fmt.Sprintf("spec.authorities[%d]", i)
		if authority.Static != nil && authority.Static.Action == "pass" {
			warn("gate/static-pass", field+".static", "static: pass accepts every image that its globs cover, signed or not", "write who signs them, or narrow the globs to digests")
		}
		if authority.Keyless == nil {
			continue
		}
		if authority.Keyless.InsecureIgnoreSCT {
			warn("gate/no-sct", field+".keyless.insecureIgnoreSCT", "certificates need not be in a transparency log", "leave insecureIgnoreSCT out")
		}
		for k, identity := range authority.Keyless.Identities {
			l.warnIdentity(doc, fmt.Sprintf("%s.keyless.identities[%d]", field, k), identity)
		}
	}
}

func (l *loading) warnIdentity(doc *document, field string, identity Identity) {
	for _, half := range []struct{ name, expression string }{{"issuerRegExp", identity.IssuerRegExp}, {"subjectRegExp", identity.SubjectRegExp}} {
		if who := accepts(half.expression); half.expression != "" && who != "" {
			l.warn(plugin.Finding{
				Rule: "gate/accepts-everybody", Origin: doc.at(field + "." + half.name),
				Message: fmt.Sprintf("%s %q accepts %s", half.name, half.expression, who), Hint: "name the owner, the repository and the workflow",
			})
		}
	}
}

// warnUnused notes policies and trust roots that no gate reaches.
func (l *loading) warnUnused() {
	used, roots := map[string]bool{}, map[string]bool{}
	for _, gate := range l.config.Gates {
		for _, policy := range slices.Concat(l.config.PoliciesOf(gate), l.config.WitnessesOf(gate)) {
			used[policy.Metadata.Name] = true
		}
	}
	for i, policy := range l.config.ImagePolicies {
		for _, name := range policy.rootNames() {
			roots[name] = true
		}
		if !used[policy.Metadata.Name] {
			l.warn(plugin.Finding{
				Rule: "gate/unused", Origin: l.policies[i].at("metadata.name"), Message: fmt.Sprintf("no gate uses ClusterImagePolicy %q", policy.Metadata.Name),
				Hint: "name it under spec.trust.policies of a gate, or take it out",
			})
		}
	}
	for i, root := range l.config.TrustRoots {
		if !roots[root.Metadata.Name] {
			l.warn(plugin.Finding{
				Rule: "gate/unused", Origin: l.roots[i].at("metadata.name"), Message: fmt.Sprintf("no policy uses TrustRoot %q", root.Metadata.Name),
				Hint: "name it in a trustRootRef, or take it out",
			})
		}
	}
}

// rootNames are the trust roots that a policy names.
func (p ClusterImagePolicy) rootNames() []string {
	var names []string
	for _, authority := range p.Spec.Authorities {
		if authority.Keyless != nil {
			names = append(names, authority.Keyless.TrustRootRef)
		}
		if authority.CTLog != nil {
			names = append(names, authority.CTLog.TrustRootRef)
		}
		if authority.RFC3161Timestamp != nil {
			names = append(names, authority.RFC3161Timestamp.TrustRootRef)
		}
	}
	return names
}
