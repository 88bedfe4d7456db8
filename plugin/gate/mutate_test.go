package gate

import "testing"

func TestMutation_AddsUpTheGatesThatChooseThePolicy(t *testing.T) {
	argo, flux := &Deployer{Username: "argo"}, &Deployer{Username: "flux"}
	gate := func(name string, base bool, change func(*Spec)) Gate {
		g := Gate{Metadata: Metadata{Name: name}, Spec: Spec{Base: base}}
		change(&g.Spec)
		return g
	}
	lax := func(s *Spec) { s.Judge = Judge{TrustObjectLabels: true, Indeterminate: "Warn", Deployer: argo} }
	names := func(s *Spec) { s.Mutate.Policies = []string{"labels"} }
	for name, test := range map[string]struct {
		gates []Gate
		want  Mutation
	}{
		"a base gate chooses all":              {[]Gate{gate("a", true, lax)}, Mutation{[]string{"a"}, true, "Warn", argo}},
		"another gate chooses what it names":   {[]Gate{gate("a", true, lax), gate("b", false, func(*Spec) {})}, Mutation{[]string{"a"}, true, "Warn", argo}},
		"what it names, it decides on":         {[]Gate{gate("a", true, lax), gate("b", false, names)}, Mutation{[]string{"a", "b"}, false, "Deny", nil}},
		"names are a choice":                   {[]Gate{gate("a", true, func(s *Spec) { s.Mutate.Policies = []string{"other"} })}, Mutation{}},
		"two deployers are nobody":             {[]Gate{gate("a", true, lax), gate("b", true, func(s *Spec) { lax(s); s.Judge.Deployer = flux })}, Mutation{[]string{"a", "b"}, true, "Warn", nil}},
		"the same deployer twice is that one":  {[]Gate{gate("a", true, lax), gate("b", true, lax)}, Mutation{[]string{"a", "b"}, true, "Warn", argo}},
		"an unknown word is the strictest one": {[]Gate{gate("a", true, lax), gate("b", true, func(s *Spec) { lax(s); s.Judge.Indeterminate = "x" })}, Mutation{[]string{"a", "b"}, true, "x", argo}},
	} {
		effective, err := Combine(test.gates)
		if err != nil {
			t.Fatal(err)
		}
		if err := equal(name, effective.Mutation("labels"), test.want); err != nil {
			t.Error(err)
		}
	}
}

func TestLoad_MutatingPoliciesAreReadInTheirThreeVersions(t *testing.T) {
	const head = "apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: a}\nspec: {base: true, mutate: {policies: [labels]}}\n---\n"
	for version, read := range map[string]bool{"v1": true, "v1beta1": true, "v1alpha1": true, "v2": false} {
		text := head + "apiVersion: admissionregistration.k8s.io/" + version + "\nkind: MutatingAdmissionPolicy\nmetadata: {name: labels}\nspec: {paramKind: {apiVersion: v1, kind: ConfigMap}}\n---\n" +
			"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: limits, namespace: team-a}\n"
		config, err := Parse("gate.yaml", []byte(text))
		if (err == nil) != read {
			t.Errorf("%s: %v", version, err)
		}
		if read && (len(config.Documents) != 2 || !config.Documents[0].IsMutation() || config.Documents[1].IsMutation()) {
			t.Errorf("%s: %+v", version, config.Documents)
		}
	}
	if _, err := Parse("gate.yaml", []byte(head[:len(head)-4])); err == nil {
		t.Error("a gate names a policy that there is not")
	}
}
