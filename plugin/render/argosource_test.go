package render

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"github.com/assay-gitops/assay/plugin"
)

// argoBuild is what the tests' Application is called.
func argoBuild() ArgoBuild {
	return ArgoBuild{Name: "shop", Project: "team-a", Namespace: "prod", Revision: "0123456789abcdef", References: []string{"values"}}
}

func argoSource(t *testing.T, text string) ArgoSource {
	t.Helper()
	var written map[string]any
	if err := yaml.Unmarshal([]byte(text), &written); err != nil {
		t.Fatal(err)
	}
	source, unknown, err := DecodeArgoSource(written)
	if err != nil || len(unknown) > 0 {
		t.Fatalf("%q: %v, %q", text, err, unknown)
	}
	return source
}

// TestArgoSource_EachFieldBecomesItsParameter and nothing else. Those that
// change nothing of what is rendered have a case too.
func TestArgoSource_EachFieldBecomesItsParameter(t *testing.T) {
	helm := func(p plugin.HelmParameters) plugin.Parameters { return plugin.Parameters{Kind: KindHelm, Helm: p} }
	kustomize := func(p plugin.KustomizeParameters) plugin.Parameters {
		return plugin.Parameters{Kind: KindKustomize, Kustomize: p}
	}
	directory := func(p plugin.DirectoryParameters) plugin.Parameters {
		return plugin.Parameters{Kind: KindDirectory, Directory: p}
	}
	cases := map[string]plugin.Parameters{
		"helm: {valueFiles: [a.yaml, $values/$ARGOCD_APP_NAME.yaml, $others/b.yaml]}":                                                         helm(plugin.HelmParameters{ValueFiles: []string{"a.yaml", "$values/shop.yaml", "/b.yaml"}}),
		"helm: {parameters: [{name: b, value: '1,2'}, {name: a, value: $ARGOCD_APP_REVISION_SHORT}, {name: c, value: x, forceString: true}]}": helm(plugin.HelmParameters{Set: []string{"a=0123456", `b=1\,2`}, SetString: []string{"c=x"}}),
		"helm: {releaseName: r}":                                  helm(plugin.HelmParameters{ReleaseName: "r"}),
		"helm: {values: 'a: $ARGOCD_APP_NAME'}":                   helm(plugin.HelmParameters{Values: "a: $ARGOCD_APP_NAME"}),
		"helm: {fileParameters: [{name: a, path: 'x,y'}]}":        helm(plugin.HelmParameters{SetFile: []string{`a=x\,y`}}),
		"helm: {version: v3}":                                     helm(plugin.HelmParameters{}),
		"helm: {passCredentials: true}":                           helm(plugin.HelmParameters{}),
		"helm: {ignoreMissingValueFiles: true}":                   helm(plugin.HelmParameters{IgnoreMissingValueFiles: true}),
		"helm: {skipCrds: true}":                                  helm(plugin.HelmParameters{SkipCRDs: true}),
		"helm: {valuesObject: {a: 1}, values: 'b: 2'}":            helm(plugin.HelmParameters{Values: "a: 1\n"}),
		"helm: {namespace: ns}":                                   helm(plugin.HelmParameters{Namespace: "ns"}),
		"helm: {kubeVersion: v1.30.1+k3s1}":                       helm(plugin.HelmParameters{KubeVersion: "1.30.1"}),
		"helm: {apiVersions: [v1]}":                               helm(plugin.HelmParameters{APIVersions: []string{"v1"}}),
		"helm: {skipTests: true}":                                 helm(plugin.HelmParameters{}),
		"helm: {skipSchemaValidation: true}":                      helm(plugin.HelmParameters{SkipSchemaValidation: true}),
		"kustomize: {namePrefix: p-}":                             kustomize(plugin.KustomizeParameters{NamePrefix: "p-"}),
		"kustomize: {nameSuffix: -s}":                             kustomize(plugin.KustomizeParameters{NameSuffix: "-s"}),
		"kustomize: {images: ['a:$ARGOCD_APP_REVISION_SHORT_8']}": kustomize(plugin.KustomizeParameters{Images: []string{"a:01234567"}}),
		"kustomize: {commonLabels: {a: $ARGOCD_APP_NAMESPACE}}":   kustomize(plugin.KustomizeParameters{CommonLabels: map[string]string{"a": "prod"}}),
		"kustomize: {version: ''}":                                kustomize(plugin.KustomizeParameters{}),
		"kustomize: {commonAnnotations: {a: $ARGOCD_APP_NAME}}":   kustomize(plugin.KustomizeParameters{CommonAnnotations: map[string]string{"a": "$ARGOCD_APP_NAME"}}),
		"kustomize: {commonAnnotations: {a: $ARGOCD_APP_NAME}, commonAnnotationsEnvsubst: true}": kustomize(plugin.KustomizeParameters{CommonAnnotations: map[string]string{"a": "shop"}}),
		"kustomize: {forceCommonLabels: true}":                                                   kustomize(plugin.KustomizeParameters{ForceCommonLabels: true}),
		"kustomize: {forceCommonAnnotations: true}":                                              kustomize(plugin.KustomizeParameters{ForceCommonAnnotations: true}),
		"kustomize: {namespace: ns}":                                                             kustomize(plugin.KustomizeParameters{Namespace: "ns"}),
		"kustomize: {replicas: [{name: a, count: 1}, {name: b, count: '2'}]}":                    kustomize(plugin.KustomizeParameters{Replicas: []plugin.KustomizeReplica{{Name: "a", Count: 1}, {Name: "b", Count: 2}}}),
		"kustomize: {patches: [{patch: x, target: {kind: Deployment, labelSelector: a=b}}, {path: p.yaml, options: {allowNameChange: true}}]}": kustomize(plugin.KustomizeParameters{
			Patches: []plugin.KustomizePatch{{Patch: "x", Target: "kind: Deployment\nlabelSelector: a=b\n"}, {Path: "p.yaml", Options: map[string]bool{"allowNameChange": true}}},
		}),
		"kustomize: {components: [c]}":               kustomize(plugin.KustomizeParameters{Components: []string{"c"}}),
		"kustomize: {labelWithoutSelector: true}":    kustomize(plugin.KustomizeParameters{LabelWithoutSelector: true}),
		"kustomize: {kubeVersion: 1.30.1}":           {Kind: KindKustomize, Helm: plugin.HelmParameters{KubeVersion: "1.30.1"}},
		"kustomize: {apiVersions: [v1]}":             {Kind: KindKustomize, Helm: plugin.HelmParameters{APIVersions: []string{"v1"}}},
		"kustomize: {ignoreMissingComponents: true}": kustomize(plugin.KustomizeParameters{IgnoreMissingComponents: true}),
		"kustomize: {labelIncludeTemplates: true}":   kustomize(plugin.KustomizeParameters{LabelIncludeTemplates: true}),
		"directory: {recurse: true}":                 directory(plugin.DirectoryParameters{Recurse: true}),
		"directory: {exclude: a}":                    directory(plugin.DirectoryParameters{Exclude: "a"}),
		"directory: {include: a}":                    directory(plugin.DirectoryParameters{Include: "a"}),
		"directory: {jsonnet: {extVars: [{name: a, value: $ARGOCD_APP_NAME}], tlas: [{name: b, value: '1', code: true}], libs: [lib]}}": directory(plugin.DirectoryParameters{Jsonnet: plugin.JsonnetParameters{
			ExternalVariables: []plugin.JsonnetVariable{{Name: "a", Value: "shop"}}, TopLevel: []plugin.JsonnetVariable{{Name: "b", Value: "1", Code: true}}, Libraries: []string{"lib"},
		}}),
		"plugin: {name: assay, env: [{name: A, value: b}], parameters: [{name: helm-values, string: 'a: b'}]}":                                                   {Helm: plugin.HelmParameters{Values: "a: b"}},
		"plugin: {name: assay, env: [{name: A, value: 'of-$ARGOCD_APP_NAME-$$ARGOCD_ENV_B'}], parameters: [{name: kustomize-images, array: ['$ARGOCD_ENV_A']}]}": {Kustomize: plugin.KustomizeParameters{Images: []string{"of-shop-$ARGOCD_ENV_B"}}},
		"plugin: {name: assay, env: [{name: A, value: $KUBE_VERSION}], parameters: []}":                                                                          {},
		"plugin: {name: assay, parameters: [{name: kustomize-patches, array: ['{path: p.yaml, options: {allowNameChange: true}, target: {kind: Deployment}}', 'kind: X']}]}": {Kustomize: plugin.KustomizeParameters{
			Patches: []plugin.KustomizePatch{{Path: "p.yaml", Options: map[string]bool{"allowNameChange": true}, Target: "kind: Deployment\n"}, {Patch: "kind: X"}},
		}},
		"plugin: {name: assay-v1.0, parameters: []}": {},
		"path: a": {},
	}
	var written strings.Builder
	for text, want := range cases {
		written.WriteString(text)
		if got, err := argoSource(t, text).Parameters(argoBuild()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n%+v, %v, want\n%+v", text, got, err, want)
		}
	}
	for _, block := range []any{ArgoHelm{}, ArgoKustomize{}, ArgoDirectory{}, ArgoJsonnet{}, ArgoPlugin{}} {
		for i := range reflect.TypeOf(block).NumField() {
			name, _, _ := strings.Cut(reflect.TypeOf(block).Field(i).Tag.Get("json"), ",")
			if !strings.Contains(written.String(), name+":") {
				t.Errorf("%T: the field %s has no case here", block, name)
			}
		}
	}
}

func TestArgoSource_WhatIsNotDoneIsRefusedByItsField(t *testing.T) {
	for name, test := range map[string]struct{ text, want, repaired string }{
		"another Helm":          {"helm: {version: v2}", `helm.version is "v2"`, "helm: {version: v4}"},
		"another kustomize":     {"kustomize: {version: v4}", `kustomize.version is "v4"`, "kustomize: {}"},
		"replicas":              {"kustomize: {replicas: [{name: a, count: many}]}", `kustomize.replicas says "many" for a`, "kustomize: {replicas: [{name: a, count: '1'}]}"},
		"a version":             {"helm: {kubeVersion: new}", `helm.kubeVersion is "new"`, "helm: {kubeVersion: '1.30'}"},
		"two tools":             {"helm: {}\nkustomize: {}", "the blocks kustomize and helm", "helm: {}"},
		"another plugin":        {"plugin: {name: assay2}", `plugin.name is "assay2"`, "plugin: {name: assay}"},
		"a plugin without name": {"plugin: {}", "plugin.name is empty", "plugin: {name: assay}"},
		"the cluster's version": {"plugin: {name: assay, env: [{name: A, value: $KUBE_VERSION}], parameters: [{name: kustomize-images, array: [$ARGOCD_ENV_A]}]}", "asks for $KUBE_VERSION, and the cluster's version is not known here", "plugin: {name: assay, env: [{name: A, value: '1.35'}], parameters: [{name: kustomize-images, array: [$ARGOCD_ENV_A]}]}"},
		"a parameter":           {"plugin: {name: assay, parameters: [{name: gate, string: lax}]}", `"gate" does not exist`, "plugin: {name: assay, parameters: [{name: helm-values, string: ''}]}"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := argoSource(t, test.text).Parameters(argoBuild())
			var refusal *plugin.Refusal
			if !errors.As(err, &refusal) || !strings.Contains(err.Error(), test.want) || refusal.Hint == "" {
				t.Errorf("%v lacks %q, or a hint", err, test.want)
			}
			if _, err := argoSource(t, test.repaired).Parameters(argoBuild()); err != nil {
				t.Errorf("its twin is refused: %v", err)
			}
		})
	}
}

func TestArgoSource_AllProblemsAreToldAtOnce(t *testing.T) {
	_, err := argoSource(t, "helm: {version: v2, kubeVersion: new, parameters: [{name: a, value: $ARGOCD_APP_REVISION}]}").Parameters(ArgoBuild{})
	if findings := plugin.FindingsFromError("x", err); len(findings) != 3 {
		t.Errorf("%v", findings)
	}
}

func TestDecodeArgoSource_UnknownFieldsAreReturned(t *testing.T) {
	_, unknown, err := DecodeArgoSource(map[string]any{"repoURL": "r", "Path": "x", "helm": map[string]any{"valuesFiles": []any{"a"}, "parameters": []any{map[string]any{"nam": "a"}}}})
	if want := []string{"Path", "helm.parameters[0].nam", "helm.valuesFiles"}; err != nil || !slices.Equal(unknown, want) {
		t.Errorf("%q, %v", unknown, err)
	}
	if _, _, err := DecodeArgoSource(map[string]any{"helm": "text"}); err == nil {
		t.Error("a block that is text is read")
	}
}

// TestArgoSource_OverridesAreMergedAsArgoCDDoes: what a patch takes away from a
// mapping goes, a block that it takes away stays, and where the source comes
// from is not its business.
func TestArgoSource_OverridesAreMergedAsArgoCDDoes(t *testing.T) {
	limits := plugin.DefaultLimits()
	source := argoSource(t, "repoURL: r\npath: app\ntargetRevision: main\nplugin: {name: assay, parameters: [{name: helm-values, string: a}]}")
	for name, test := range map[string]struct {
		files map[string]string
		want  string
	}{
		"none":            {map[string]string{"app/x": ""}, `{"name":"assay","parameters":[{"name":"helm-values","string":"a"}]}`},
		"taken away":      {map[string]string{"app/.argocd-source.yaml": "plugin: null"}, `{"name":"assay","parameters":[{"name":"helm-values","string":"a"}]}`},
		"another plugin":  {map[string]string{"app/.argocd-source.yaml": "plugin: {name: other}\npath: elsewhere\nrepoURL: x"}, `{"name":"other","parameters":[{"name":"helm-values","string":"a"}]}`},
		"of the name":     {map[string]string{"app/.argocd-source.yaml": "plugin: {name: other}", "app/.argocd-source-shop.yaml": "plugin: {name: last}"}, `{"name":"last","parameters":[{"name":"helm-values","string":"a"}]}`},
		"of another name": {map[string]string{"app/.argocd-source-cart.yaml": "plugin: {name: other}"}, `{"name":"assay","parameters":[{"name":"helm-values","string":"a"}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := source.Overridden(writeTree(t, test.files), "shop", limits)
			if err != nil || got.Path != "app" || got.RepoURL != "r" || got.TargetRevision != "main" {
				t.Fatalf("%+v, %v", got, err)
			}
			if data, _ := json.Marshal(got.Plugin); string(data) != test.want {
				t.Errorf("%s, want %s", data, test.want)
			}
		})
	}
	for _, broken := range []string{"a: [", "helm: text", "- a"} {
		if got, err := source.Overridden(writeTree(t, map[string]string{"app/.argocd-source.yaml": broken}), "shop", limits); err == nil {
			t.Errorf("%q is read as %+v", broken, got)
		}
	}
}
