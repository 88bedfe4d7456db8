package policy

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

const application = "apiVersion: argoproj.io/v1alpha1\nkind: Application\nmetadata: {name: web, namespace: team-a}\n"

func selfFindings(config SelfConfig, input plugin.Sealed) []plugin.Finding {
	return NewSelf(config).Judge(context.Background(), input)
}

func TestSelf_FindingsAreUnwaivableAndDeny(t *testing.T) {
	finding := one(t, selfFindings(SelfConfig{}, sealed(t, application)))
	if !finding.Unwaivable || finding.Level != plugin.Deny || finding.Why == "" || finding.Hint == "" || finding.Origin.File != "app.yaml" {
		t.Errorf("%+v", finding)
	}
}

func TestSelf_IsOffForThePlatformAlone(t *testing.T) {
	if found := selfFindings(SelfConfig{Platform: true}, sealed(t, application)); len(found) != 0 {
		t.Errorf("%+v", found)
	}
	one(t, selfFindings(SelfConfig{}, sealed(t, application)))
}

func TestSelf_TheGateNamesMoreNamespaces(t *testing.T) {
	input := sealed(t, strings.ReplaceAll(unlabelled, "team-a", "platform-ci"))
	one(t, selfFindings(SelfConfig{ProtectedNamespaces: []string{"Platform-CI"}}, input))
	if found := selfFindings(SelfConfig{}, input); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestSelf_AnObjectWithoutANamespaceGoesToTheDestination(t *testing.T) {
	input := sealed(t, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web}\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {name: web}\nrules: []\n")
	input.Source.Application.Namespace = "argocd"
	if finding := one(t, selfFindings(SelfConfig{}, input)); finding.Rule != ruleSelfNamespace || finding.Object.Kind != "ConfigMap" {
		t.Errorf("%+v", finding)
	}
	input.Source.Application.Namespace = "team-a"
	if found := selfFindings(SelfConfig{}, input); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestSelf_NamespaceLabelsMayOnlyTighten(t *testing.T) {
	namespace := func(labels string) string {
		return "apiVersion: v1\nkind: Namespace\nmetadata: {name: team-a, labels: {" + labels + "}}\n"
	}
	const level, version = "pod-security.kubernetes.io/enforce: ", "pod-security.kubernetes.io/enforce-version: "
	defaults := &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Enforce: "baseline", EnforceVersion: "v1.35"}}
	for name, test := range map[string]struct {
		labels  string
		minimum *gate.PodSecurity
		has     map[string]string
		admits  *gate.PodSecurityAdmission
		want    int
	}{
		"below the gate":                          {labels: level + "baseline", minimum: &gate.PodSecurity{Level: "restricted"}, want: 1},
		"as the gate":                             {labels: level + "restricted", minimum: &gate.PodSecurity{Level: "restricted"}},
		"above the gate":                          {labels: level + "restricted", minimum: &gate.PodSecurity{Level: "baseline"}},
		"no gate":                                 {labels: level + "privileged"},
		"below the namespace":                     {labels: level + "privileged", has: map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}, want: 1},
		"above the namespace":                     {labels: level + "restricted", has: map[string]string{"pod-security.kubernetes.io/enforce": "baseline"}},
		"an older version":                        {labels: version + "v1.20", minimum: &gate.PodSecurity{Level: "restricted", Version: "v1.35"}, want: 1},
		"a newer version":                         {labels: version + "v1.36", minimum: &gate.PodSecurity{Level: "restricted", Version: "v1.35"}},
		"below the API server's defaults":         {labels: level + "privileged", admits: defaults, want: 1},
		"as the API server's defaults":            {labels: level + "baseline", admits: defaults},
		"below them by the version":               {labels: version + "v1.20", admits: defaults, want: 1},
		"below them where the labels say nothing": {labels: level + "privileged", has: map[string]string{"team": "a"}, admits: defaults, want: 1},
		"below them where the labels say less":    {labels: level + "privileged", has: map[string]string{"pod-security.kubernetes.io/enforce": "privileged"}, admits: defaults},
		"below them in an exempt namespace": {labels: level + "privileged", admits: &gate.PodSecurityAdmission{
			Defaults: defaults.Defaults, Exemptions: gate.PodSecurityExemptions{Namespaces: []string{"team-a"}},
		}},
		"below defaults that cannot be read": {labels: level + "baseline", admits: &gate.PodSecurityAdmission{Defaults: gate.PodSecurityModes{Enforce: "strict"}}, want: 1},
		"a gate's unreadable text":           {labels: level + "baseline", minimum: &gate.PodSecurity{Level: "strict"}, want: 1},
	} {
		t.Run(name, func(t *testing.T) {
			config := SelfConfig{PodSecurity: test.minimum}
			if test.has != nil {
				config.Namespaces = []gate.Namespace{{Name: "team-a", Labels: test.has}}
			}
			if test.admits != nil {
				config.Admission = []gate.PodSecurityAdmission{*test.admits, *test.admits} // of two gates: said once
			}
			found := withRule(selfFindings(config, sealed(t, namespace(test.labels))), ruleSelfNamespaceLabels)
			if len(found) != test.want {
				t.Errorf("findings %+v, want %d", found, test.want)
			}
		})
	}
}

func TestSelf_ACancelledRunHasNoAnswer(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if finding := one(t, NewSelf(SelfConfig{}).Judge(ctx, sealed(t, application))); finding.Level != plugin.Undetermined {
		t.Errorf("%+v", finding)
	}
}

func TestSelf_NamingThePackChangesNothing(t *testing.T) {
	for _, packs := range [][]string{nil, {SelfPack}} {
		if _, err := NewCompiler().Compile(Config{Gate: gateWith(gate.Judge{Packs: packs})}); err != nil {
			t.Errorf("%v: %v", packs, err)
		}
	}
	one(t, selfFindings(SelfConfig{}, sealed(t, application)))
}

func TestSelf_KindsWhoseControllersApplyManifestsAreDenied(t *testing.T) {
	for kind, twin := range map[string]string{
		"helm.cattle.io/v1 HelmChart":                        "helm.example.com/v1 HelmChart",
		"helm.cattle.io/v1 HelmChartConfig":                  "helm.example.com/v1 HelmChartConfig",
		"kappctrl.k14s.io/v1alpha1 App":                      "example.com/v1alpha1 App",
		"packaging.carvel.dev/v1alpha1 PackageInstall":       "data.packaging.carvel.dev/v1alpha1 Package",
		"fleet.cattle.io/v1alpha1 GitRepo":                   "management.cattle.io/v3 Project",
		"fleet.cattle.io/v1alpha1 Bundle":                    "trust.cert-manager.io/v1alpha1 Bundle",
		"addons.cluster.x-k8s.io/v1beta1 ClusterResourceSet": "cluster.x-k8s.io/v1beta1 Cluster",
		"flux.weave.works/v1beta1 HelmRelease":               "notification.toolkit.fluxcd.io/v1 Receiver",
		"helm.fluxcd.io/v1 HelmRelease":                      "example.com/v1 HelmRelease",
		"helm.crossplane.io/v1beta1 Release":                 "helm.crossplane.io/v1beta1 ProviderConfig",
		"kubernetes.crossplane.io/v1alpha2 Object":           "kubernetes.crossplane.io/v1alpha1 ProviderConfig",
		"apps.open-cluster-management.io/v1 Subscription":    "messaging.knative.dev/v1 Subscription",
		"argoproj.io/v1beta1 ArgoCD":                         "argoproj.io/v1alpha1 Rollout",
		"infra.contrib.fluxcd.io/v1alpha2 Terraform":         "example.com/v1 Terraform",
		"Helm.Cattle.IO/v1 helmchart":                        "example.com/v1 helmchart",
	} {
		object := func(kind string) string {
			version, name, _ := strings.Cut(kind, " ")
			return custom(version, name, "{}")
		}
		if finding := one(t, selfFindings(SelfConfig{}, sealed(t, object(kind)))); finding.Rule != ruleSelfGitOps || !strings.Contains(finding.Message, "never passed the gate") {
			t.Errorf("%s: %+v", kind, finding)
		}
		if found := selfFindings(SelfConfig{}, sealed(t, object(twin))); len(found) != 0 {
			t.Errorf("twin: %s: %+v", twin, found)
		}
	}
}
