package gate

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Explanation says in words what a configuration means. It is data: a command
// prints it.
type Explanation struct {
	Gates    []GateWords
	Policies []PolicyWords
	// Roots are the trust roots, by name, with where their keys come from.
	Roots []string
	// Documents are the policies that other packages decode: kind and name.
	Documents []string
	Warnings  []plugin.Finding
}

// GateWords explains one gate.
type GateWords struct {
	Name string
	At   plugin.Origin
	Base bool
	// Applies says which applications the gate judges.
	Applies string
	// Mode sums the switches up: "enforcing", "audit", or which are off.
	Mode string
	// Lines are the rest, one thing a line.
	Lines []string
}

// PolicyWords explains one ClusterImagePolicy.
type PolicyWords struct {
	Name   string
	At     plugin.Origin
	Images []string
	// Authorities are alternatives, one a line.
	Authorities []string
	// Warns is set when the policy denies nothing.
	Warns bool
}

// Explain puts the configuration into words. It reads no clock; add
// [Config.Validate] for what depends on the day.
func Explain(c *Config) Explanation {
	out := Explanation{Warnings: c.Warnings}
	for _, gate := range c.Gates {
		out.Gates = append(out.Gates, c.gateWords(gate))
	}
	for _, policy := range c.ImagePolicies {
		out.Policies = append(out.Policies, policy.words())
	}
	for _, root := range c.TrustRoots {
		out.Roots = append(out.Roots, fmt.Sprintf("%s (%s)", root.Metadata.Name, root.Spec.From()))
	}
	for _, document := range c.Documents {
		out.Documents = append(out.Documents, document.Kind+" "+document.Name)
	}
	return out
}

func (c *Config) gateWords(gate Gate) GateWords {
	spec := gate.Spec
	words := GateWords{Name: gate.Metadata.Name, At: gate.At, Base: spec.Base, Applies: spec.Selector.words(), Mode: spec.Switches.words()}
	say := func(format string, values ...any) {
		words.Lines = append(words.Lines, fmt.Sprintf(format, values...))
	}
	var policies []string
	for _, policy := range c.PoliciesOf(gate) {
		policies = append(policies, policy.Metadata.Name)
	}
	say("trust: %s; an image that none covers: %s", listOr(policies, "no ClusterImagePolicy"), strings.ToLower(spec.Trust.NoMatch))
	if notation := spec.Trust.Notation; notation != nil {
		say("trust: Notation by %s; an image that ClusterImagePolicies cover, too, needs %s", notation.TrustPolicy, strings.ToLower(notation.BesideSigstore))
	}
	for _, entry := range spec.Evidence {
		say("evidence %s", entry.words())
	}
	if spec.Profile != "" {
		say("hardens with %s", spec.Profile)
	}
	if more := spec.Harden.words(); len(more) > 0 {
		say("fills in as well: %s", strings.Join(more, ", "))
	}
	words.Lines = append(words.Lines, c.mutations(gate)...)
	if level := spec.Judge.PodSecurity; level != nil {
		say("pod security: %s (%s), which no label lowers", level.Level, level.Version)
	}
	say("packs: self (always on)%s", also(spec.Judge.Packs))
	for _, rule := range spec.Judge.Rules {
		say("rule %s: %s", rule.Rule, strings.ToLower(rule.Level))
	}
	words.Lines = append(words.Lines, slices.Concat(spec.Judge.words(), spec.surroundings())...)
	if terms := spec.WaiverTerms; terms.MaxDays > 0 || len(terms.Never) > 0 {
		say("waivers hold for at most %d days ahead; never for %s", terms.Longest()/(24*time.Hour), listOr(terms.Never, "self"))
	}
	for _, waiver := range spec.Waivers {
		say("waiver for %s until %s: %s (owner %s, approved by %s)", waiver, waiver.Until, waiver.Reason, waiver.Owner, waiver.Approver)
	}
	for _, entry := range spec.BreakGlass {
		say("break glass for %s at %s, %s to %s: %s (approved by %s)", entry.Application, entry.Revision,
			entry.From.UTC().Format(time.RFC3339), entry.Until.UTC().Format(time.RFC3339), entry.Reason, entry.Approver)
	}
	return words
}

// surroundings are the lines on everything but rules and exceptions.
func (spec Spec) surroundings() []string {
	var lines []string
	say := func(format string, values ...any) { lines = append(lines, fmt.Sprintf(format, values...)) }
	if spec.Lock.Mode != "" {
		say("images.lock.yaml: %s", spec.Lock.Mode)
	}
	if spec.Platform {
		say("the applications are the platform's own: self does not bind them")
	}
	for _, registry := range spec.Registries {
		say("registry %s", registry.words())
	}
	for _, entry := range spec.TenantCredentials {
		say("pull secrets of tenants are used for %s", entry)
	}
	if len(spec.Charts.Hosts) > 0 {
		say("chart dependencies from %s", strings.Join(spec.Charts.Hosts, ", "))
	}
	for _, one := range []struct {
		what string
		list []string
	}{{"images come only from", spec.Images.Allowed}, {"images must have the platforms", spec.Images.Platforms}, {"protected namespaces:", spec.ProtectedNamespaces}} {
		if len(one.list) > 0 {
			say("%s %s", one.what, strings.Join(one.list, ", "))
		}
	}
	for _, field := range spec.Images.Fields {
		say("images are also in %s of %s", field.Path, strings.Trim(field.Group+"/"+field.Kind, "/"))
	}
	if word := spec.Images.Undeclared; word != "" && word != "Deny" {
		say("places that look like images and are declared nowhere: %s", strings.ToLower(word))
	}
	if spec.Judge.Indeterminate == "Warn" {
		say("rules that cannot be decided offline: warn")
	}
	for _, limit := range slices.Sorted(maps.Keys(spec.Limits)) {
		say("limit %s: %d", limit, spec.Limits[limit])
	}
	return lines
}

func (s Switches) words() string {
	var off []string
	for _, one := range []struct {
		name string
		is   Switch
	}{{"pin", s.Pin}, {"harden", s.Harden}, {"deny", s.Deny}} {
		if !one.is.IsOn() {
			off = append(off, one.name)
		}
	}
	switch len(off) {
	case 0:
		return "enforcing"
	case 3:
		return "audit"
	}
	return "off: " + strings.Join(off, ", ")
}

func (r Registry) words() string {
	text := r.Host + "/" + r.Prefix
	if r.Private {
		text += ", may be private"
	}
	if r.PlainHTTP {
		text += ", by http"
	}
	if r.Credentials != nil {
		text += ", with " + r.credential()
	}
	if len(r.Mirrors) > 0 {
		text += ", bytes from " + strings.Join(r.Mirrors, ", ")
		if r.MirrorsOnly {
			text += " only"
		}
	}
	return text
}

func (p ClusterImagePolicy) words() PolicyWords {
	words := PolicyWords{Name: p.Metadata.Name, At: p.At, Warns: p.Spec.Mode == "warn"}
	for _, image := range p.Spec.Images {
		words.Images = append(words.Images, image.Glob)
	}
	for _, authority := range p.Spec.Authorities {
		words.Authorities = append(words.Authorities, authority.Name+": "+authority.words()+authority.attestationWords())
	}
	return words
}

func (a Authority) words() string {
	switch {
	case a.Static != nil && a.Static.Action == "pass":
		return "accepts them as they are, signed or not"
	case a.Static != nil:
		return "refuses them"
	case a.Key != nil:
		return "signed with the key " + a.Key.words()
	case a.Keyless != nil:
		var who []string
		for _, identity := range a.Keyless.Identities {
			who = append(who, identity.words())
		}
		root := a.Keyless.TrustRootRef
		if root == "" {
			root = PublicGood
		}
		return fmt.Sprintf("signed by %s (trust root %s)", strings.Join(who, " or "), root)
	}
	return "nobody"
}

func (k KeyRef) words() string {
	switch {
	case k.File != "":
		return "in " + k.File
	case k.KMS != "":
		return k.KMS
	}
	return "in the policy"
}

func (i Identity) words() string {
	pick := func(exact, expression string) string {
		if exact != "" {
			return exact
		}
		return "/" + expression + "/"
	}
	return pick(i.Subject, i.SubjectRegExp) + ", as told by " + pick(i.Issuer, i.IssuerRegExp)
}

func listOr(list []string, none string) string {
	if len(list) == 0 {
		return none
	}
	return strings.Join(list, ", ")
}

func also(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return ", " + strings.Join(list, ", ")
}
