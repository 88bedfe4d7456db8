package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
)

// static is the policy as the API server reads it from its folder.
func static(text string) string {
	return strings.NewReplacer("name: team-label", "name: team-label.static.k8s.io", "name: everywhere", "name: everywhere.static.k8s.io", "policyName: team-label", "policyName: team-label.static.k8s.io").Replace(text)
}

func TestStatic_TheFilesOfTheAPIServersFolderAreInForce(t *testing.T) {
	config := policyConfig(t, static(policyText{}.String()), nil)
	if finding := one(t, judgeWith(t, config, sealed(t, unlabelled))); finding.Rule != "policy/team-label.static.k8s.io" {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, config, sealed(t, labelled)); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestStatic_WhatTheAPIServerDoesNotStartWithIsRefused(t *testing.T) {
	parts := strings.Split(static(policyText{}.String()), "\n---\n")
	for name, test := range map[string]struct{ policy, says string }{
		"params":               {static(policyText{spec: "paramKind: {apiVersion: v1, kind: ConfigMap}"}.String()), "spec.paramKind is not supported for static manifests"},
		"param reference":      {static(policyText{bindingMatch: "paramRef: {name: a, parameterNotFoundAction: Deny}"}.String()), "spec.paramRef is not supported for static manifests"},
		"a policy of another":  {strings.Replace(static(policyText{}.String()), "policyName: team-label.static.k8s.io", "policyName: team-label", 1), "must end with .static.k8s.io"},
		"a binding of another": {strings.Replace(static(policyText{}.String()), "name: everywhere.static.k8s.io", "name: everywhere", 1), "is a static manifest"},
		"no policy":            {parts[1], "which the configuration does not hold"},
	} {
		if _, err := NewCompiler().Compile(policyConfig(t, test.policy, nil)); err == nil || !strings.Contains(err.Error(), test.says) || !strings.Contains(err.Error(), "policy.yaml:") {
			t.Errorf("%s: %v, want %q and a line", name, err, test.says)
		}
	}
}

// The API server asks no policy of its storage about policies, and asks those
// of its folder; it asks all about webhooks.
func TestAdmission_OnlyStaticPoliciesAreAskedAboutPolicies(t *testing.T) {
	everything := policyText{resources: `"*" "*"`, validation: `{expression: "false", message: nothing passes}`}.String()
	object := func(kind string) string {
		return "apiVersion: admissionregistration.k8s.io/v1\nkind: " + kind + "\nmetadata: {name: web}\n"
	}
	for name, test := range map[string]struct {
		policy, object string
		want           int
	}{
		"a policy":          {everything, object("ValidatingAdmissionPolicy"), 0},
		"a binding":         {everything, object("MutatingAdmissionPolicyBinding"), 0},
		"a policy, static":  {static(everything), object("ValidatingAdmissionPolicy"), 1},
		"a binding, static": {static(everything), object("MutatingAdmissionPolicyBinding"), 1},
		"a webhook":         {everything, object("ValidatingWebhookConfiguration"), 1},
		"a token review":    {static(strings.Replace(everything, `apiVersions: [v1]`, `apiVersions: ["*"]`, 1)), "apiVersion: authentication.k8s.io/v1\nkind: TokenReview\nmetadata: {name: web}\n", 0},
		"an access review":  {everything, "apiVersion: authorization.k8s.io/v1\nkind: SubjectAccessReview\nmetadata: {name: web}\n", 0},
	} {
		found := withRule(judgeWith(t, policyConfig(t, test.policy, func(*gate.Gate) {}), sealed(t, test.object)), "policy/"+strings.TrimSuffix(strings.Fields(strings.SplitAfter(test.policy, "metadata: {name: ")[1])[0], "}"))
		if len(found) != test.want {
			t.Errorf("%s: %+v, want %d", name, found, test.want)
		}
	}
}
