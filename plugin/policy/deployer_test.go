package policy

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/apiserver"
	"github.com/assay-gitops/assay/plugin/gate"
)

func TestNewDeployer_HasTheGroupsThatTheServerAdds(t *testing.T) {
	for username, want := range map[string][]string{
		"system:serviceaccount:argocd:controller": {"platform", "system:authenticated", "system:serviceaccounts", "system:serviceaccounts:argocd"},
		"ci@example.com":   {"platform", "system:authenticated"},
		"system:anonymous": {"platform"},
	} {
		if got := apiserver.NewDeployer(&gate.Deployer{Username: username, Groups: []string{"platform"}}); !slices.Equal(got.Groups, want) {
			t.Errorf("%s: groups %v, want %v", username, got.Groups, want)
		}
	}
	if apiserver.NewDeployer(nil) != nil {
		t.Error("nobody is somebody")
	}
}

// TestDeployer_DecidesWhatPoliciesAskAboutTheUser: known by name and groups for
// what the application writes; never for the Pods that a controller makes.
func TestDeployer_DecidesWhatPoliciesAskAboutTheUser(t *testing.T) {
	argo := &gate.Deployer{Username: "system:serviceaccount:argocd:controller"}
	pod, deployment := podOf("Pod", "{containers: ["+goodContainer+"]}"), podOf("Deployment", "{containers: ["+goodContainer+"]}")
	for name, test := range map[string]struct {
		deployer           *gate.Deployer
		expression, object string
		want               string // passes, denied, unknown
	}{
		"not given":            {nil, "request.userInfo.username == 'system:serviceaccount:argocd:controller'", pod, "unknown"},
		"the one":              {argo, "request.userInfo.username == 'system:serviceaccount:argocd:controller'", pod, "passes"},
		"another":              {argo, "request.userInfo.username == 'ci'", pod, "denied"},
		"its groups":           {argo, "'system:serviceaccounts:argocd' in request.userInfo.groups", pod, "passes"},
		"not its groups":       {argo, "'system:masters' in request.userInfo.groups", pod, "denied"},
		"what nobody tells":    {argo, "request.userInfo.uid == ''", pod, "unknown"},
		"one known, one not":   {argo, "request.userInfo.username != '' && !has(request.userInfo.extra)", pod, "unknown"},
		"handed on as a whole": {argo, "[request.userInfo].all(u, u.username != '')", pod, "unknown"},
		"as anything":          {argo, "dyn(request).userInfo.username != ''", pod, "unknown"},
		"of a workload's Pods": {argo, "request.userInfo.username == 'system:serviceaccount:argocd:controller'", deployment, "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			text := policyText{resources: `"" pods`, operations: "CREATE", validation: `{expression: "` + test.expression + `"}`}.String()
			found := withRule(judgeWith(t, policyConfig(t, text, func(g *gate.Gate) { g.Spec.Judge.Deployer = test.deployer }), sealed(t, test.object)), "policy/team-label")
			got := "passes"
			if len(found) > 0 && found[0].Indeterminate {
				got = "unknown"
				if !strings.Contains(strings.Join(found[0].Details, " "), "request.userInfo") {
					t.Errorf("details %q", found[0].Details)
				}
			} else if len(found) > 0 {
				got = "denied"
			}
			if got != test.want {
				t.Errorf("%s, want %s: %+v", got, test.want, found)
			}
		})
	}
}

// TestDeployer_IsNotKeptWithTheView: what one gate says of the user, another
// run over the same bytes does not hear.
func TestDeployer_IsNotKeptWithTheView(t *testing.T) {
	var cache viewCache
	input := sealed(t, unlabelled)
	input.Digest = "one"
	cache.of(input, nil).deployedBy(apiserver.NewDeployer(&gate.Deployer{Username: "a"}))
	if known := cache.of(input, nil).subjects[0].asked().UserUnknown(false); known == "" {
		t.Error("the second run knows the first one's user")
	}
}
