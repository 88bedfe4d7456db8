package gate

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// pair says of one field what two gates write and what they mean together.
type pair struct {
	field string
	// set writes the first and the second gate's value.
	set [2]func(*Spec)
	// want looks at the combination; one or two says which gate is which.
	want func(e Effective) error
}

func equal(what string, got, want any) error {
	if !reflect.DeepEqual(got, want) {
		return fmt.Errorf("%s is %v, want %v", what, got, want)
	}
	return nil
}

// kept says that each gate keeps its own value.
func kept(what string, value func(Spec) any, one, two any) func(Effective) error {
	return func(e Effective) error {
		return errors.Join(equal(what+" of the first", value(e.Gates[0].Spec), one), equal(what+" of the second", value(e.Gates[1].Spec), two))
	}
}

// pairs has one entry for each field that adds up without conflict.
func pairs() []pair {
	day := Duration(24 * time.Hour)
	return slices.Concat(choosingPairs(), perGatePairs(), numberPairs(), []pair{
		{"switches.pin", [2]func(*Spec){func(s *Spec) { s.Switches.Pin = Off }, func(s *Spec) { s.Switches.Pin = On }},
			func(e Effective) error { return equal("pin", e.Pin, true) }},
		{"switches.harden", [2]func(*Spec){func(s *Spec) { s.Switches.Harden = Off }, func(s *Spec) { s.Switches.Harden = On }},
			func(e Effective) error { return equal("harden", e.Harden, true) }},
		{"lock.mode", [2]func(*Spec){func(s *Spec) { s.Lock.Mode = "Resolve" }, func(s *Spec) { s.Lock.Mode = "Locked" }},
			func(e Effective) error { return equal("lock", e.LockPolicy(false).Required, true) }},
		{"lock.drift", [2]func(*Spec){func(s *Spec) { s.Lock.Drift = "Ignore" }, func(s *Spec) { s.Lock.Drift = "Warn" }},
			func(e Effective) error { return equal("drift", e.Drift, plugin.DriftWarn) }},
		{"lock.maxBuildAge", [2]func(*Spec){func(s *Spec) { s.Lock.MaxBuildAge = 9 * day }, func(s *Spec) { s.Lock.MaxBuildAge = day }},
			func(e Effective) error { return equal("age", e.MaxBuildAge, 24*time.Hour) }},
		{"lock.followTags", [2]func(*Spec){func(s *Spec) { s.Lock.FollowTags = true }, func(*Spec) {}},
			func(e Effective) error { return equal("follows", e.FollowTags, true) }},
		{"images.fields", [2]func(*Spec){
			func(s *Spec) { s.Images.Fields = []ImageField{{Kind: "A", Path: "a"}, {Kind: "B", Path: "b"}} },
			func(s *Spec) { s.Images.Fields = []ImageField{{Kind: "B", Path: "b"}, {Kind: "C", Path: "c"}} }},
			func(e Effective) error { return equal("number of fields", len(e.ImageFields), 3) }},
		{"images.undeclared", [2]func(*Spec){func(s *Spec) { s.Images.Undeclared = "Ignore" }, func(s *Spec) { s.Images.Undeclared = "Warn" }},
			func(e Effective) error { return equal("undeclared", e.Undeclared, "Warn") }},
		{"images.platforms", [2]func(*Spec){
			func(s *Spec) { s.Images.Platforms = []string{"linux/amd64"} }, func(s *Spec) { s.Images.Platforms = []string{"linux/arm64", "linux/amd64"} }},
			func(e Effective) error { return equal("number of platforms", len(e.Platforms), 2) }},
		{"profile", [2]func(*Spec){func(s *Spec) { s.Profile = "profile/baseline@1" }, func(s *Spec) { s.Profile = "profile/baseline@1" }},
			func(e Effective) error { return equal("profile", e.Profile, "profile/baseline@1") }},
		hardenPair("readOnlyRootFilesystem", func(h *Harden) { h.ReadOnlyRootFilesystem = true }, func(*Harden) {}, func(h Harden) any { return h.ReadOnlyRootFilesystem }, true),
		hardenPair("emptyDirSize", func(h *Harden) { h.ReadOnlyRootFilesystem = true }, func(h *Harden) { h.EmptyDirSize = "1Mi" }, func(h Harden) any { return h.EmptyDirSize }, "1Mi"),
		hardenPair("serviceAccountTokens", func(h *Harden) { h.ServiceAccountTokens = true }, func(*Harden) {}, func(h Harden) any { return h.ServiceAccountTokens }, true),
		hardenPair("resources.requests.cpu", func(h *Harden) { h.Resources.Requests.CPU = "1" }, func(*Harden) {}, func(h Harden) any { return h.Resources.Requests.CPU }, "1"),
		hardenPair("resources.requests.memory", func(*Harden) {}, func(h *Harden) { h.Resources.Requests.Memory = "1Gi" }, func(h Harden) any { return h.Resources.Requests.Memory }, "1Gi"),
		hardenPair("resources.limits.cpu", func(h *Harden) { h.Resources.Limits.CPU = "1" }, func(h *Harden) { h.Resources.Limits.CPU = "1" }, func(h Harden) any { return h.Resources.Limits.CPU }, "1"),
		hardenPair("resources.limits.memory", func(h *Harden) { h.Resources.Limits.Memory = "1Gi" }, func(*Harden) {}, func(h Harden) any { return h.Resources.Limits.Memory }, "1Gi"),
		hardenPair("podSecurityLabels", func(h *Harden) { h.PodSecurityLabels = "restricted" }, func(h *Harden) { h.PodSecurityLabels = "baseline" }, func(h Harden) any { return h.PodSecurityLabels }, "restricted"),
		hardenPair("networkPolicies", func(h *Harden) { h.NetworkPolicies = "Ingress" }, func(h *Harden) { h.NetworkPolicies = NetworkBoth }, func(h Harden) any { return h.NetworkPolicies }, NetworkBoth),
		hardenPair("appArmor", func(h *Harden) { h.AppArmor = true }, func(*Harden) {}, func(h Harden) any { return h.AppArmor }, true),
		hardenPair("userNamespaces", func(*Harden) {}, func(h *Harden) { h.UserNamespaces = true }, func(h Harden) any { return h.UserNamespaces }, true),
		{"mutate.policies", [2]func(*Spec){func(s *Spec) { s.Mutate.Policies = []string{"a"} }, func(s *Spec) { s.Mutate.Policies = []string{"b", "a"} }},
			func(e Effective) error {
				return errors.Join(equal("gates of a", e.Mutation("a").Gates, []string{"a", "b"}), equal("gates of b", e.Mutation("b").Gates, []string{"b"}), equal("gates of c", len(e.Mutation("c").Gates), 0))
			}},
		{"registries", [2]func(*Spec){
			func(s *Spec) {
				s.Registries = []Registry{{Host: "a.example.com", Private: true, PlainHTTP: true, Mirrors: []string{"m", "n"}}, {Host: "b.example.com", Private: true}}
			},
			func(s *Spec) {
				s.Registries = []Registry{{Host: "a.example.com", Prefix: "x/", Private: true, Mirrors: []string{"n", "o"}}, {Host: "c.example.com"}}
			}},
			func(e Effective) error {
				return equal("registries", e.Registries, []Registry{{Host: "a.example.com", Prefix: "x/", Private: true, Mirrors: []string{"n"}}})
			}},
		{"tenantCredentials", [2]func(*Spec){
			func(s *Spec) {
				s.TenantCredentials = []TenantCredential{{"a.example.com", ""}, {"b.example.com", "y/"}}
			},
			func(s *Spec) {
				s.TenantCredentials = []TenantCredential{{"a.example.com", "x/"}, {"b.example.com", "z/"}}
			}},
			func(e Effective) error {
				return equal("tenants' credentials", e.TenantCredentials, []TenantCredential{{"a.example.com", "x/"}})
			}},
		{"charts.hosts", [2]func(*Spec){
			func(s *Spec) { s.Charts.Hosts = []string{"a.example.com", "b.example.com"} }, func(s *Spec) { s.Charts.Hosts = []string{"b.example.com", "c.example.com"} }},
			func(e Effective) error { return equal("chart hosts", e.ChartHosts, []string{"b.example.com"}) }},
		{"platform", [2]func(*Spec){func(s *Spec) { s.Platform = true }, func(s *Spec) { s.Platform = false }},
			func(e Effective) error { return equal("platform", e.Platform, false) }},
		{"protectedNamespaces", [2]func(*Spec){
			func(s *Spec) { s.ProtectedNamespaces = []string{"b", "a"} }, func(s *Spec) { s.ProtectedNamespaces = []string{"c", "a"} }},
			func(e Effective) error { return equal("protected", e.ProtectedNamespaces, []string{"a", "b", "c"}) }},
		{"namespaces", [2]func(*Spec){
			func(s *Spec) { s.Namespaces = []Namespace{{Name: "a", Owned: true}, {Name: "b", Owned: true}} },
			func(s *Spec) {
				s.Namespaces = []Namespace{{Name: "a", Owned: true, Labels: map[string]string{"x": "1"}}, {Name: "b"}}
			}},
			func(e Effective) error {
				return equal("namespaces", e.Namespaces, []Namespace{{Name: "a", Owned: true, Labels: map[string]string{"x": "1"}}, {Name: "b"}})
			}},
	})
}

func hardenPair(field string, one, two func(*Harden), value func(Harden) any, want any) pair {
	return pair{"harden." + field, [2]func(*Spec){func(s *Spec) { one(&s.Harden) }, func(s *Spec) { two(&s.Harden) }},
		func(e Effective) error { return equal(field, value(e.More), want) }}
}

// numberPairs are the fields of which the lower value is the stricter.
func numberPairs() []pair {
	day := Duration(24 * time.Hour)
	return []pair{
		{"freshness.freshFor", [2]func(*Spec){func(s *Spec) { s.Freshness.FreshFor = 9 * day }, func(s *Spec) { s.Freshness.FreshFor = day }},
			func(e Effective) error { return equal("fresh", e.FreshFor, 24*time.Hour) }},
		{"freshness.staleFor", [2]func(*Spec){func(s *Spec) { s.Freshness.StaleFor = 9 * day }, func(s *Spec) { s.Freshness.StaleFor = 8 * day }},
			func(e Effective) error { return equal("stale", e.StaleFor, 8*24*time.Hour) }},
		{"limits", [2]func(*Spec){
			func(s *Spec) { s.Limits = map[string]int64{"retries": 9, "referrers": 5000} }, func(s *Spec) { s.Limits = map[string]int64{"retries": 7, "referrers": 9000} }},
			func(e Effective) error {
				return errors.Join(equal("retries", e.Limits.Retries, int64(7)), equal("referrers", e.Limits.Referrers, int64(5000)), equal("untouched", e.Limits.Certificates, plugin.DefaultLimits().Certificates))
			}},
	}
}

// choosingPairs are the fields that Select reads; Combine keeps them.
func choosingPairs() []pair {
	var out []pair
	for _, field := range []struct {
		name string
		of   func(*Spec) *[]string
	}{
		{"projects", func(s *Spec) *[]string { return &s.Selector.Projects }},
		{"namespaces", func(s *Spec) *[]string { return &s.Selector.Namespaces }},
		{"applications", func(s *Spec) *[]string { return &s.Selector.Applications }},
		{"repositories", func(s *Spec) *[]string { return &s.Selector.Repositories }},
		{"paths", func(s *Spec) *[]string { return &s.Selector.Paths }},
	} {
		out = append(out, pair{"selector." + field.name,
			[2]func(*Spec){func(s *Spec) { *field.of(s) = []string{"a"} }, func(s *Spec) { *field.of(s) = []string{"b"} }},
			kept(field.name, func(s Spec) any { return *field.of(&s) }, []string{"a"}, []string{"b"})})
	}
	return append(out, pair{"base", [2]func(*Spec){func(s *Spec) { s.Base = true }, func(s *Spec) { s.Base = true }},
		kept("base", func(s Spec) any { return s.Base }, true, true)})
}

// perGatePairs are the fields that each gate decides by itself.
func perGatePairs() []pair {
	restricted, baseline := &PodSecurity{Level: "restricted", Version: "latest"}, &PodSecurity{Level: "baseline", Version: "v1.31"}
	return []pair{
		{"switches.deny", [2]func(*Spec){func(s *Spec) { s.Switches.Deny = Off }, func(s *Spec) { s.Switches.Deny = On }},
			kept("deny", func(s Spec) any { return s.Switches.Deny }, Off, On)},
		{"images.allowed", [2]func(*Spec){func(s *Spec) { s.Images.Allowed = []string{"a.example.com"} }, func(s *Spec) { s.Images.Allowed = []string{"b.example.com"} }},
			kept("allowed", func(s Spec) any { return s.Images.Allowed }, []string{"a.example.com"}, []string{"b.example.com"})},
		{"trust.policies", [2]func(*Spec){func(s *Spec) { s.Trust.Policies = []string{"a"} }, func(s *Spec) { s.Trust.Policies = []string{"b"} }},
			kept("policies", func(s Spec) any { return s.Trust.Policies }, []string{"a"}, []string{"b"})},
		{"trust.noMatch", [2]func(*Spec){func(s *Spec) { s.Trust.NoMatch = "Warn" }, func(s *Spec) { s.Trust.NoMatch = "" }},
			kept("noMatch", func(s Spec) any { return s.Trust.NoMatch }, "Warn", "Deny")},
		{"trust.platforms", [2]func(*Spec){func(s *Spec) { s.Trust.Platforms = "Either" }, func(s *Spec) { s.Trust.Platforms = "AllLeaves" }},
			kept("platforms", func(s Spec) any { return s.Trust.Platforms }, "Either", "AllLeaves")},
		{"trust.notation", [2]func(*Spec){func(s *Spec) { s.Trust.Notation = &Notation{BesideSigstore: "Either"} }, func(s *Spec) { s.Trust.Notation = &Notation{} }},
			kept("notation", func(s Spec) any { return s.Trust.Notation.BesideSigstore }, "Either", "Both")},
		{"vex", [2]func(*Spec){func(s *Spec) { s.VEX = &VEX{Signers: []string{"a"}} }, func(*Spec) {}},
			kept("vex", func(s Spec) any { return s.VEX != nil }, true, false)},
		{"evidence", [2]func(*Spec){func(s *Spec) { s.Evidence = []Evidence{{Name: "a"}} }, func(s *Spec) { s.Evidence = []Evidence{{Name: "b"}} }},
			kept("evidence", func(s Spec) any { return s.Evidence[0].Name }, "a", "b")},
		{"judge.podSecurity", [2]func(*Spec){func(s *Spec) { s.Judge.PodSecurity = restricted }, func(s *Spec) { s.Judge.PodSecurity = baseline }},
			kept("podSecurity", func(s Spec) any { return *s.Judge.PodSecurity }, *restricted, *baseline)},
		{"judge.packs", [2]func(*Spec){func(s *Spec) { s.Judge.Packs = []string{"pack/a@1"} }, func(s *Spec) { s.Judge.Packs = []string{} }},
			kept("packs", func(s Spec) any { return s.Judge.Packs }, []string{"pack/a@1"}, []string{})},
		{"judge.policies", [2]func(*Spec){func(s *Spec) { s.Judge.Policies = []string{"a"} }, func(s *Spec) { s.Judge.Policies = []string{"b"} }},
			kept("policies", func(s Spec) any { return s.Judge.Policies }, []string{"a"}, []string{"b"})},
		{"judge.rego", [2]func(*Spec){func(s *Spec) { s.Judge.Rego = &Rego{Files: []string{"a.rego"}} }, func(s *Spec) {}},
			kept("has Rego", func(s Spec) any { return s.Judge.Rego != nil }, true, false)},
		{"judge.inventoryComplete", [2]func(*Spec){func(s *Spec) { s.Judge.InventoryComplete = true }, func(s *Spec) {}},
			kept("inventory", func(s Spec) any { return s.Judge.InventoryComplete }, true, false)},
		{"judge.rules", [2]func(*Spec){func(s *Spec) { s.Judge.Rules = []RuleLevel{{"a/b", "Off"}} }, func(s *Spec) { s.Judge.Rules = []RuleLevel{{"a/b", "Deny"}} }},
			kept("rules", func(s Spec) any { return s.Judge.Rules }, []RuleLevel{{"a/b", "Off"}}, []RuleLevel{{"a/b", "Deny"}})},
		{"judge.indeterminate", [2]func(*Spec){func(s *Spec) { s.Judge.Indeterminate = "Warn" }, func(s *Spec) { s.Judge.Indeterminate = "Deny" }},
			kept("indeterminate", func(s Spec) any { return s.Judge.Indeterminate }, "Warn", "Deny")},
		{"judge.trustObjectLabels", [2]func(*Spec){func(s *Spec) { s.Judge.TrustObjectLabels = true }, func(s *Spec) {}},
			kept("labels", func(s Spec) any { return s.Judge.TrustObjectLabels }, true, false)},
		{"judge.podSecurityAdmission", [2]func(*Spec){func(s *Spec) { s.Judge.PodSecurityAdmission = exempting("a") }, func(s *Spec) { s.Judge.PodSecurityAdmission = exempting("b") }},
			kept("exemptions", func(s Spec) any { return s.Judge.PodSecurityAdmission.Exemptions.Namespaces }, []string{"a"}, []string{"b"})},
		{"judge.deployer", [2]func(*Spec){func(s *Spec) { s.Judge.Deployer = &Deployer{Username: "a"} }, func(s *Spec) { s.Judge.Deployer = &Deployer{Username: "b"} }},
			kept("deployer", func(s Spec) any { return s.Judge.Deployer.Username }, "a", "b")},
		{"waivers", [2]func(*Spec){func(s *Spec) { s.Waivers = []Waiver{{Rule: "a/b"}} }, func(s *Spec) {}},
			kept("number of waivers", func(s Spec) any { return len(s.Waivers) }, 1, 0)},
		{"waiverTerms.maxDays", [2]func(*Spec){func(s *Spec) { s.WaiverTerms.MaxDays = 90 }, func(s *Spec) { s.WaiverTerms.MaxDays = 30 }},
			func(e Effective) error { return equal("days", e.WaiverTerms.MaxDays, int64(30)) }},
		{"waiverTerms.never", [2]func(*Spec){func(s *Spec) { s.WaiverTerms.Never = []string{"b/c"} }, func(s *Spec) { s.WaiverTerms.Never = []string{"a/*", "b/c"} }},
			func(e Effective) error { return equal("never", e.WaiverTerms.Never, []string{"a/*", "b/c"}) }},
		{"breakGlass", [2]func(*Spec){func(s *Spec) { s.BreakGlass = []BreakGlass{{Application: "a"}} }, func(s *Spec) {}},
			kept("number of entries", func(s Spec) any { return len(s.BreakGlass) }, 1, 0)},
	}
}

// twoGates are base gates named a and b, after the changes.
func twoGates(first, second func(*Spec)) (Gate, Gate) {
	a := Gate{Metadata: Metadata{Name: "a"}, Spec: Spec{Base: true}}
	b := Gate{Metadata: Metadata{Name: "b"}, Spec: Spec{Base: true}}
	first(&a.Spec)
	second(&b.Spec)
	return a, b
}

func TestCombine_EveryPairOfFields(t *testing.T) {
	for _, one := range pairs() {
		for _, other := range pairs() {
			a, b := twoGates(func(s *Spec) { one.set[0](s); other.set[0](s) }, func(s *Spec) { one.set[1](s); other.set[1](s) })
			for _, order := range [][]Gate{{a, b}, {b, a}} {
				effective, err := Combine(order)
				if err != nil {
					t.Fatalf("%s and %s: %v", one.field, other.field, err)
				}
				if err := errors.Join(one.want(effective), other.want(effective)); err != nil {
					t.Errorf("%s beside %s, %s first: %v", one.field, other.field, order[0].Metadata.Name, err)
				}
			}
		}
	}
}

func TestCombine_EveryFieldOfSpecHasARuleAndATest(t *testing.T) {
	var fields, rules, tested []string
	leaves(reflect.TypeFor[Spec](), "", &fields)
	for _, rule := range FieldRules() {
		rules = append(rules, rule.Field)
		if rule.Rule == "" || rule.Base == "" {
			t.Errorf("%s has no rule", rule.Field)
		}
	}
	for _, pair := range pairs() {
		tested = append(tested, pair.field)
	}
	if !slices.Equal(fields, rules) {
		t.Errorf("the fields of Spec are\n%v\nand the rules are for\n%v", fields, rules)
	}
	slices.Sort(fields)
	slices.Sort(tested)
	if !slices.Equal(fields, tested) {
		t.Errorf("the fields of Spec are\n%v\nand the tests are of\n%v", fields, tested)
	}
}

// leaves lists the fields by path, down to what is no plain struct.
func leaves(structure reflect.Type, prefix string, out *[]string) {
	for _, field := range fieldsOf(structure) {
		inner := structure.Field(field.index).Type
		if inner.Kind() == reflect.Struct {
			leaves(inner, prefix+field.name+".", out)
			continue
		}
		*out = append(*out, prefix+field.name)
	}
}

func TestCombine_GatesOnlyEverAddStrictness(t *testing.T) {
	audit := Switches{Pin: Off, Harden: Off, Deny: Off}
	strict := Gate{Metadata: Metadata{Name: "strict"}, Spec: Spec{Base: true}}
	lax := Gate{Metadata: Metadata{Name: "lax"}, Spec: Spec{
		Base: true, Platform: true, Switches: audit, Lock: Lock{Mode: "Resolve", Drift: "Ignore"}, Images: Images{Undeclared: "Ignore"},
		Registries: []Registry{{Host: "a.example.com", Private: true}}, TenantCredentials: []TenantCredential{{Host: "a.example.com"}}, Charts: Charts{Hosts: []string{"c.example.com"}},
		Namespaces: []Namespace{{Name: "a", Owned: true}}, Freshness: Freshness{FreshFor: maxDurationOf(), StaleFor: maxDurationOf()},
		Limits: map[string]int64{"retries": 1000},
	}}
	effective, err := Combine([]Gate{lax, strict})
	if err != nil {
		t.Fatal(err)
	}
	want, err := Combine([]Gate{strict})
	if err != nil {
		t.Fatal(err)
	}
	want.Gates, want.Namespaces = effective.Gates, []Namespace{{Name: "a"}}
	if !reflect.DeepEqual(effective, want) {
		t.Errorf("a lax gate beside a strict one changed something:\n%+v\nwant\n%+v", effective, want)
	}
}

func maxDurationOf() Duration { return Duration(maxDuration) }

func TestCombine_AddedGateThatSaysNothingChangesNothing(t *testing.T) {
	base := mustParse(t, fullText(t)).Gates[0]
	base.Spec.Lock = Lock{Mode: "Resolve", Drift: "Ignore"}
	alone, err := Combine([]Gate{base})
	if err != nil {
		t.Fatal(err)
	}
	both, err := Combine([]Gate{base, {Metadata: Metadata{Name: "z"}}})
	if err != nil {
		t.Fatal(err)
	}
	if both.Gates = both.Gates[:1]; !reflect.DeepEqual(alone, both) {
		t.Errorf("%+v\nwant\n%+v", both, alone)
	}
	if len(alone.Registries) != 1 || !alone.Namespaces[0].Owned || alone.LockPolicy(true).Required || alone.Drift != plugin.DriftIgnore {
		t.Errorf("a gate alone lost its permissions: %+v", alone)
	}
}

func TestCombine_LockModes(t *testing.T) {
	for _, test := range []struct {
		base, second, added string
		locked, resolve     bool // what is required where the door asks, and where it does not
	}{
		{"", "", "", true, false},
		{"Locked", "", "", true, true},
		{"Resolve", "", "", true, false},
		{"Resolve", "Resolve", "", false, false},
		{"Resolve", "Locked", "", true, true},
		{"Resolve", "Resolve", "Locked", true, true},
		{"Resolve", "Resolve", "Resolve", false, false},
		{"", "", "Resolve", true, false},
		{"Frozen", "Resolve", "", true, true},
	} {
		gates := []Gate{
			{Metadata: Metadata{Name: "a"}, Spec: Spec{Base: true, Lock: Lock{Mode: test.base}}},
			{Metadata: Metadata{Name: "b"}, Spec: Spec{Base: true, Lock: Lock{Mode: test.second}}},
			{Metadata: Metadata{Name: "c"}, Spec: Spec{Lock: Lock{Mode: test.added}}},
		}
		effective, err := Combine(gates)
		if err != nil || effective.LockPolicy(true).Required != test.locked || effective.LockPolicy(false).Required != test.resolve {
			t.Errorf("%+v: %+v %v", test, effective.LockMode, err)
		}
	}
}

func TestCombine_WhatCannotBeAddedUpIsAnError(t *testing.T) {
	gate := func(name string, change func(*Spec)) Gate {
		g := Gate{Metadata: Metadata{Name: name}, Spec: Spec{Base: true}}
		change(&g.Spec)
		return g
	}
	credentials := func(file string) func(*Spec) {
		return func(s *Spec) {
			s.Registries = []Registry{{Host: "a.example.com", Credentials: &Credentials{DockerConfig: file}}}
		}
	}
	for name, gates := range map[string][]Gate{
		"no gates":    nil,
		"profiles":    {gate("a", func(s *Spec) { s.Profile = "none" }), gate("b", func(*Spec) {})},
		"credentials": {gate("a", credentials("one")), gate("b", credentials("two"))},
		"limit":       {gate("a", func(s *Spec) { s.Limits = map[string]int64{"nothing": 1} })},
		"low limit":   {gate("a", func(s *Spec) { s.Limits = map[string]int64{"retries": 0} })},
	} {
		if _, err := Combine(gates); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := Combine([]Gate{gate("a", credentials("one")), gate("b", credentials("one"))}); err != nil {
		t.Errorf("a twin: %v", err)
	}
}

func TestCombine_UnknownWordsAreTheStrictest(t *testing.T) {
	gate := Gate{Spec: Spec{Base: true, Lock: Lock{Mode: "x", Drift: "x"}, Images: Images{Undeclared: "x"}, Switches: Switches{Pin: "x", Harden: "x"}}}
	effective, err := Combine([]Gate{gate})
	if err != nil || !effective.LockPolicy(false).Required || effective.Drift != plugin.DriftDeny || effective.Undeclared != "Deny" || !effective.Pin || !effective.Harden {
		t.Errorf("%+v %v", effective, err)
	}
}

func TestCombine_RegistriesOfThreeGates(t *testing.T) {
	entry := func(host, prefix string, credentials string) Registry {
		r := Registry{Host: host, Prefix: prefix, Private: true}
		if credentials != "" {
			r.Credentials = &Credentials{DockerConfig: credentials}
		}
		return r
	}
	gate := func(name string, base bool, registries ...Registry) Gate {
		return Gate{Metadata: Metadata{Name: name}, Spec: Spec{Base: base, Registries: registries}}
	}
	for _, test := range []struct {
		name  string
		gates []Gate
		want  string
	}{
		{"equal entries stay", []Gate{gate("a", true, entry("h", "x/", "c")), gate("b", true, entry("h", "x/", "c"))}, "h/x/+c"},
		{"an added gate cannot grant", []Gate{gate("a", true, entry("h", "x/", "")), gate("b", false, entry("h", "x/", "c"))}, "h/x/"},
		{"an added gate can take away", []Gate{gate("a", true, entry("h", "x/", "c"), entry("i", "", "")), gate("b", false, entry("i", "", ""))}, "i/"},
		{"an empty list takes all away", []Gate{gate("a", true, entry("h", "", "")), {Spec: Spec{Registries: []Registry{}}}}, ""},
		{"a base gate without a list takes all away", []Gate{gate("a", true, entry("h", "", "")), gate("b", true)}, ""},
		{"in whatever order they stand", []Gate{gate("a", true, entry("h", "x/", ""), entry("h", "", "c")), gate("b", true, entry("h", "", "c"))}, "h/+c h/x/"},
		{"the most specific entry decides", []Gate{gate("a", true, entry("h", "", "c"), entry("h", "x/", "")), gate("b", true, entry("h", "x/y/", "c"), entry("h", "", "c"))}, "h/+c h/x/ h/x/y/"},
	} {
		effective, err := Combine(test.gates)
		var got []string
		for _, registry := range effective.Registries {
			text := registry.Host + "/" + registry.Prefix
			if registry.Credentials != nil {
				text += "+" + registry.Credentials.DockerConfig
			}
			got = append(got, text)
		}
		if err != nil || strings.Join(got, " ") != test.want {
			t.Errorf("%s: %v %v", test.name, got, err)
		}
	}
}

func TestCombine_PlatformNeedsEveryBaseGate(t *testing.T) {
	gate := func(base, platform bool) Gate { return Gate{Spec: Spec{Base: base, Platform: platform}} }
	for _, test := range []struct {
		gates []Gate
		want  bool
	}{
		{[]Gate{gate(true, true)}, true},
		{[]Gate{gate(true, true), gate(true, true)}, true},
		{[]Gate{gate(true, true), gate(false, false)}, true},
		{[]Gate{gate(true, true), gate(true, false)}, false},
		{[]Gate{gate(false, true)}, false},
		{[]Gate{gate(true, false)}, false},
	} {
		if effective, err := Combine(test.gates); err != nil || effective.Platform != test.want {
			t.Errorf("%+v: %v %v", test.gates, effective.Platform, err)
		}
	}
}
