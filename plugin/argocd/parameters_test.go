package argocd

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

func sonnet(parameters plugin.JsonnetParameters) plugin.Parameters {
	return plugin.Parameters{Directory: plugin.DirectoryParameters{Jsonnet: parameters}}
}

// TestParameters_EachSetsItsField and nothing else.
func TestParameters_EachSetsItsField(t *testing.T) {
	cases := map[string]struct {
		value string
		want  plugin.Parameters
	}{
		"helm-value-files":                    {`"array":["a.yaml","b.yaml"]`, plugin.Parameters{Helm: plugin.HelmParameters{ValueFiles: []string{"a.yaml", "b.yaml"}}}},
		"helm-values":                         {`"string":"a: b"`, plugin.Parameters{Helm: plugin.HelmParameters{Values: "a: b"}}},
		"helm-parameters":                     {`"map":{"b":"1,2","a":"{x,y}","c":"p\\,q"}`, plugin.Parameters{Helm: plugin.HelmParameters{Set: []string{"a={x,y}", `b=1\,2`, `c=p\,q`}}}},
		"helm-string-parameters":              {`"map":{"a":"1"}`, plugin.Parameters{Helm: plugin.HelmParameters{SetString: []string{"a=1"}}}},
		"helm-file-parameters":                {`"map":{"a":"f.txt"}`, plugin.Parameters{Helm: plugin.HelmParameters{SetFile: []string{"a=f.txt"}}}},
		"helm-release-name":                   {`"string":"r"`, plugin.Parameters{Helm: plugin.HelmParameters{ReleaseName: "r"}}},
		"helm-namespace":                      {`"string":"n"`, plugin.Parameters{Helm: plugin.HelmParameters{Namespace: "n"}}},
		"helm-kube-version":                   {`"string":"1.30.0"`, plugin.Parameters{Helm: plugin.HelmParameters{KubeVersion: "1.30.0"}}},
		"helm-api-versions":                   {`"array":["v1"]`, plugin.Parameters{Helm: plugin.HelmParameters{APIVersions: []string{"v1"}}}},
		"helm-skip-crds":                      {`"string":"true"`, plugin.Parameters{Helm: plugin.HelmParameters{SkipCRDs: true}}},
		"helm-ignore-missing-value-files":     {`"string":"true"`, plugin.Parameters{Helm: plugin.HelmParameters{IgnoreMissingValueFiles: true}}},
		"helm-skip-schema-validation":         {`"string":"true"`, plugin.Parameters{Helm: plugin.HelmParameters{SkipSchemaValidation: true}}},
		"kustomize-name-prefix":               {`"string":"p-"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{NamePrefix: "p-"}}},
		"kustomize-name-suffix":               {`"string":"-s"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{NameSuffix: "-s"}}},
		"kustomize-namespace":                 {`"string":"n"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{Namespace: "n"}}},
		"kustomize-images":                    {`"array":["a=b:1"]`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{Images: []string{"a=b:1"}}}},
		"kustomize-common-labels":             {`"map":{"a":"b"}`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{CommonLabels: map[string]string{"a": "b"}}}},
		"kustomize-common-annotations":        {`"map":{"a":"b"}`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{CommonAnnotations: map[string]string{"a": "b"}}}},
		"kustomize-replicas":                  {`"map":{"b":"2","a":"1"}`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{Replicas: []plugin.KustomizeReplica{{Name: "a", Count: 1}, {Name: "b", Count: 2}}}}},
		"kustomize-force-common-labels":       {`"string":"true"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{ForceCommonLabels: true}}},
		"kustomize-force-common-annotations":  {`"string":"true"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{ForceCommonAnnotations: true}}},
		"kustomize-label-without-selector":    {`"string":"true"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{LabelWithoutSelector: true}}},
		"kustomize-label-include-templates":   {`"string":"true"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{LabelIncludeTemplates: true}}},
		"kustomize-ignore-missing-components": {`"string":"true"`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{IgnoreMissingComponents: true}}},
		"kustomize-patches": {
			`"array":["kind: Deployment","{patch: x, target: {kind: Deployment}}"]`,
			plugin.Parameters{Kustomize: plugin.KustomizeParameters{Patches: []plugin.KustomizePatch{{Patch: "kind: Deployment"}, {Patch: "x", Target: "kind: Deployment\n"}}}},
		},
		"kustomize-common-annotations-envsubst": {`"string":"true"`, plugin.Parameters{}},
		"kustomize-components":                  {`"array":["c"]`, plugin.Parameters{Kustomize: plugin.KustomizeParameters{Components: []string{"c"}}}},
		"directory-recurse":                     {`"string":"true"`, plugin.Parameters{Directory: plugin.DirectoryParameters{Recurse: true}}},
		"directory-include":                     {`"string":"*.yaml"`, plugin.Parameters{Directory: plugin.DirectoryParameters{Include: "*.yaml"}}},
		"directory-exclude":                     {`"string":"x/*"`, plugin.Parameters{Directory: plugin.DirectoryParameters{Exclude: "x/*"}}},
		"directory-jsonnet-ext-vars":            {`"map":{"a":"b"}`, sonnet(plugin.JsonnetParameters{ExternalVariables: []plugin.JsonnetVariable{{Name: "a", Value: "b"}}})},
		"directory-jsonnet-ext-code":            {`"map":{"a":"1"}`, sonnet(plugin.JsonnetParameters{ExternalVariables: []plugin.JsonnetVariable{{Name: "a", Value: "1", Code: true}}})},
		"directory-jsonnet-tlas":                {`"map":{"a":"b"}`, sonnet(plugin.JsonnetParameters{TopLevel: []plugin.JsonnetVariable{{Name: "a", Value: "b"}}})},
		"directory-jsonnet-tla-code":            {`"map":{"a":"1"}`, sonnet(plugin.JsonnetParameters{TopLevel: []plugin.JsonnetVariable{{Name: "a", Value: "1", Code: true}}})},
		"directory-jsonnet-libs":                {`"array":["lib"]`, sonnet(plugin.JsonnetParameters{Libraries: []string{"lib"}})},
		"renderer":                              {`"string":"helm"`, plugin.Parameters{Kind: "helm"}},
	}
	for _, each := range render.ArgoParameters() {
		test, known := cases[each.Name]
		if !known {
			t.Errorf("%s has no case here", each.Name)
			continue
		}
		var got plugin.Parameters
		if err := readParameters(`[{"name":"`+each.Name+`",`+test.value+`}]`, render.NewArgoEnvironment(nil), &got); err != nil || !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s: %+v, %v, want %+v", each.Name, got, err, test.want)
		}
		if each.Title == "" || each.Tooltip == "" {
			t.Errorf("%s is announced without words", each.Name)
		}
	}
}

// TestParameters_EveryProblemIsToldAtOnce.
func TestParameters_EveryProblemIsToldAtOnce(t *testing.T) {
	err := readParameters(`[{"name":"x","string":"1"},{"name":"helm-skip-crds","string":"perhaps"},{"name":"renderer","string":"shell"},{"name":"kustomize-replicas","map":{"a":"many"}}]`, render.NewArgoEnvironment(nil), &plugin.Parameters{})
	for _, want := range []string{`"x" does not exist`, `"perhaps"`, `"shell"`, `"many"`} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v lacks %s", err, want)
		}
	}
}

func TestEnvironment_ApplicationOutsideOfArgoCDsNamespace(t *testing.T) {
	asked, err := readEnvironment([]string{"ARGOCD_APP_NAME=team-a_shop", "KUBE_API_VERSIONS=v1,apps/v1", "ARGOCD_ENV_ARGOCD_APP_PROJECT_NAME=lax", "PARAM_X=y"})
	check(t, err)
	if asked.application.Name != "team-a_shop" || asked.parameters.Helm.ReleaseName != "shop" || asked.application.Project != "" || len(asked.parameters.Helm.APIVersions) != 2 {
		t.Errorf("%+v", asked)
	}
}

func FuzzParameters(f *testing.F) {
	for _, seed := range []string{"null", "[]", `[{"name":"helm-parameters","map":{"a":"b"}}]`, `[{"name":"kustomize-patches","array":["{patch: x}"]}]`, `[{"name":"renderer","string":"helm","array":[]}]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, data string) {
		var into plugin.Parameters
		if readParameters(data, render.NewArgoEnvironment(nil), &into) != nil {
			return
		}
		var list []render.ArgoPluginParameter
		if data != "" && strings.TrimSpace(data) != "" && json.Unmarshal([]byte(data), &list) != nil {
			t.Errorf("%q was read and is no list of parameters", data)
		}
	})
}

// TestEnvironment_PathInTheRepositoryIsThePlatforms: the archive may hold a
// part of the repository only, and gates are about the whole.
func TestEnvironment_PathInTheRepositoryIsThePlatforms(t *testing.T) {
	asked, err := readEnvironment([]string{"ARGOCD_APP_NAME=shop", "ARGOCD_APP_SOURCE_PATH=teams/prod/app"})
	check(t, err)
	if source := asked.source(nil, "app"); source.RepositoryPath != "teams/prod/app" || source.Path != "app" {
		t.Errorf("%q %q", source.RepositoryPath, source.Path)
	}
}
