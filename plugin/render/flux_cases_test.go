package render

import "github.com/assay-gitops/assay/plugin"

const (
	fluxDeployment = `# the web server
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels: {app: web, tier: "1"}
spec:
  replicas: ${REPLICAS:=2}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: registry.example.com/team-a/web:1.0.0
        args: ["--price=$5", "--big=12345678901234567890", '--yes=yes']
        env:
        - {name: REGION, value: "${REGION}"}
        - {name: QUOTED, value: "${NUMBER:-7}"}
        resources: {limits: {cpu: 1.50, memory: 1Gi}}
      - name: side
        image: registry.example.com/team-a/side@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
`
	fluxConfig = `apiVersion: v1
kind: ConfigMap
metadata:
  name: settings
  annotations: {note: "kept"}
data:
  time: "2026-01-01T00:00:00Z"
  number: "08"
  script: |
    #!/bin/sh
    echo "$${HOME} $HOME $(date) $$"
  empty: ""
`
	fluxService = "apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: other\nspec:\n  selector: {app: web}\n  ports:\n  - port: 80\n    targetPort: 0o17\n"
	fluxOff     = `apiVersion: v1
kind: ConfigMap
metadata:
  name: untouched
  labels: {kustomize.toolkit.fluxcd.io/substitute: disabled}
  annotations: {kustomize.toolkit.fluxcd.io/ssa: IfNotPresent}
data: {script: "echo ${NOT_OURS} ${", k: v}
`
	fluxList   = "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: ConfigMap, metadata: {name: one}, data: {a: \"${REGION}\"}}\n- {apiVersion: v1, kind: ServiceAccount, metadata: {name: web}}\n"
	fluxSecret = `apiVersion: v1
kind: Secret
metadata:
  name: login
type: Opaque
stringData:
  password: ENC[AES256_GCM,data:Tr7o=,iv:1=,tag:k=,type:str]
data:
  other: ENC[AES256_GCM,data:CwE4O1s=,iv:2k=,tag:w==,type:int]
sops:
  kms: []
  age:
  - recipient: age1example
    enc: |
      -----BEGIN AGE ENCRYPTED FILE-----
      YWdlLWVuY3J5cHRpb24ub3JnL3Yx
      -----END AGE ENCRYPTED FILE-----
  lastmodified: "2026-02-03T04:05:06Z"
  mac: ENC[AES256_GCM,data:mac=,iv:m=,tag:t==,type:str]
  encrypted_regex: ^(data|stringData)$
  version: 3.9.0
`
	fluxNames = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: app-${ENV:=dev}\n  namespace: ${SPACE:-here}\ndata: {k: \"${REGION}\"}\n"
)

// fluxTrees are source trees: with and without kustomizations, in all the ways
// in which these name what they are made of.
func fluxTrees() []fluxTree {
	return []fluxTree{
		{name: "one file", path: ".", files: map[string]string{"web.yaml": fluxDeployment}},
		{name: "several files, no kustomization", path: ".", files: map[string]string{
			"b/service.yml": fluxService, "a.yaml": fluxDeployment, "B.yaml": fluxConfig, "notes.txt": "no manifest", "c.json": "{}", "off.yaml": fluxOff, "empty.yaml": "", "comment.yaml": "# nothing\n---\n",
		}},
		{name: "a folder below has a kustomization", path: "apps", files: map[string]string{
			"apps/web.yaml": fluxDeployment, "apps/sub/kustomization.yml": "resources: [cm.yaml]\nnamePrefix: sub-\n", "apps/sub/cm.yaml": fluxConfig, "apps/sub/left.yaml": fluxService, "apps/z/deep/x.yaml": fluxList,
		}},
		{name: "a kustomization", path: ".", files: map[string]string{
			"kustomization.yaml": "resources: [web.yaml, service.yaml]\nnamespace: here\nimages:\n- {name: registry.example.com/team-a/web, newTag: 2.0.0}\n- {name: registry.example.com/team-a/side, newName: mirror.example.com/side}\n",
			"web.yaml":           fluxDeployment, "service.yaml": fluxService, "not-named.yaml": fluxConfig,
		}},
		{name: "files above the kustomization", path: "overlays/prod", files: map[string]string{
			"base/web.yaml": fluxDeployment, "overlays/prod/kustomization.yaml": "resources: [../../base/web.yaml, ../../shared]\npatches: [{path: ../../patches/p.yaml}]\n",
			"patches/p.yaml":            "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {replicas: 5}\n",
			"shared/kustomization.yaml": "configMapGenerator:\n- {name: gen, files: [../base/web.yaml], literals: ['region=${REGION}']}\n",
		}},
		{name: "generators alone", path: ".", files: map[string]string{"kustomization.yaml": "configMapGenerator:\n- {name: gen, literals: [a=b]}\nsecretGenerator:\n- {name: sec, literals: ['p=${REGION}'], type: Opaque}\n"}},
		{name: "components", path: ".", files: map[string]string{
			"kustomization.yaml": "resources: [web.yaml]\ncomponents: [parts/own]\n", "web.yaml": fluxDeployment,
			"parts/own/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nresources: [cm.yaml]\n", "parts/own/cm.yaml": fluxConfig,
			"parts/more/kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nconfigMapGenerator:\n- {name: more, literals: [x=y]}\n",
		}},
		{name: "old fields, and one that nobody knows", path: ".", files: map[string]string{
			"kustomization.yaml":      "bases: [base]\ncommonLabels: {team: a}\npatchesStrategicMerge:\n- |-\n  apiVersion: apps/v1\n  kind: Deployment\n  metadata: {name: web}\n  spec: {replicas: 3}\nnobodyKnows: true\nsortOptions: {order: fifo}\n",
			"base/kustomization.yaml": "resources: [web.yaml, cm.yaml]\n", "base/web.yaml": fluxDeployment, "base/cm.yaml": fluxConfig,
		}},
		{name: "ciphertext of SOPS in a Secret", path: ".", files: map[string]string{"secret.yaml": fluxSecret, "web.yaml": fluxDeployment}},
		{name: "variables in names", path: ".", files: map[string]string{"names.yaml": fluxNames, "web.yaml": fluxDeployment}},
		{name: "a schema of its own", path: ".", files: map[string]string{
			"kustomization.yaml": "resources: [web.yaml, thing.yaml]\nopenapi: {path: schema.json}\npatches:\n- patch: |-\n    apiVersion: example.com/v1\n    kind: Thing\n    metadata: {name: t}\n    spec: {parts: [{name: b, size: 3}]}\n" +
				"- patch: |-\n    apiVersion: apps/v1\n    kind: Deployment\n    metadata: {name: web}\n    spec: {template: {spec: {containers: [{name: side, tty: true}]}}}\n",
			"web.yaml": fluxDeployment, "thing.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: t}\nspec: {parts: [{name: a, size: 1}, {name: b, size: 2}]}\n",
			"schema.json": `{"definitions":{"com.example.v1.Thing":{"properties":{"apiVersion":{"type":"string"},"kind":{"type":"string"},"metadata":{"type":"object"},"spec":{"properties":{"parts":{"type":"array","items":{"type":"object"},"x-kubernetes-patch-merge-key":"name","x-kubernetes-patch-strategy":"merge"}},"type":"object"}},"type":"object","x-kubernetes-group-version-kind":[{"group":"example.com","kind":"Thing","version":"v1"}]}}}`,
		}},
		{name: "a kustomization among the objects", path: ".", files: map[string]string{"web.yaml": fluxDeployment, "k.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nmetadata: {name: k}\nresources: []\n"}},
		{name: "strange metadata", path: ".", files: map[string]string{"x.yaml": "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: x\n  labels: {none: , unset: '${UNSET}'}\n  annotations:\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: y}\ndata: {a: \"1\"}\n"}},
		{name: "numbers and texts", path: ".", files: map[string]string{"n.yaml": "apiVersion: example.com/v1\nkind: Numbers\nmetadata: {name: n}\nspec: {a: 1.0, b: 1e3, c: 0x10, d: 010, e: 9007199254740993, f: -0.0, g: 1_000, h: ~, i: 'on', j: on, k: \"1.10\", l: 3.14159265358979, m: .5, n: '', o: \"null\", p: [1, 2.5, x], q: 2026-01-01}\n"}},
		{name: "nothing", path: ".", files: map[string]string{"README.md": "none"}},
		{name: "an empty kustomization", path: ".", files: map[string]string{"kustomization.yaml": "", "web.yaml": fluxDeployment}},
		{name: "no object", path: ".", files: map[string]string{"values.yaml": "a: b\n"}, refused: true},
		{name: "two objects of one name", path: ".", files: map[string]string{"a.yaml": fluxConfig, "b.yaml": fluxConfig}, refused: true},
		{name: "a chart in a kustomization", path: ".", files: map[string]string{"kustomization.yaml": "helmCharts: [{name: c}]\n", "charts/c/Chart.yaml": goodChart}, refused: true},
	}
}

// fluxFields are Kustomizations: each field alone, and together.
func fluxFields() map[string]plugin.FluxParameters {
	values := map[string]string{"REGION": "eu", "NUMBER": "12", "ENV": "prod", "SPACE": "team-a"}
	all := plugin.FluxParameters{
		TargetNamespace: "target", NamePrefix: "pre-", NameSuffix: "-post",
		CommonMetadata: plugin.FluxMetadata{Labels: map[string]string{"app": "other", "owner": "team-a"}, Annotations: map[string]string{"note": "set"}},
		Patches:        []plugin.FluxPatch{{Patch: "- {op: add, path: /metadata/labels/patched, value: \"true\"}\n", Target: &plugin.FluxSelector{Kind: "Deployment", LabelSelector: "app=web"}}},
		Images:         []plugin.FluxImage{{Name: "registry.example.com/team-a/web", NewTag: "3.0.0"}, {Name: "registry.example.com/team-a/side", NewName: "new.example.com/side", Digest: "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"}},
		PostBuild:      &plugin.FluxPostBuild{Substitute: values},
	}
	return map[string]plugin.FluxParameters{
		"nothing":                  {},
		"targetNamespace":          {TargetNamespace: "target"},
		"names":                    {NamePrefix: "pre-", NameSuffix: "-post"},
		"commonMetadata":           {CommonMetadata: all.CommonMetadata},
		"labels alone":             {CommonMetadata: plugin.FluxMetadata{Labels: map[string]string{"kustomize.toolkit.fluxcd.io/substitute": "disabled"}}, PostBuild: &plugin.FluxPostBuild{Substitute: values}},
		"a JSON patch":             {Patches: all.Patches},
		"a merge patch":            {Patches: []plugin.FluxPatch{{Patch: "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec: {template: {spec: {serviceAccountName: web}}}\n", Target: &plugin.FluxSelector{Group: "apps", Version: "v1", Kind: "Deployment", Name: "w.*"}}}},
		"an image's tag":           {Images: all.Images[:1]},
		"an image":                 {Images: []plugin.FluxImage{{Name: "registry.example.com/team-a/web", NewName: "mirror.example.com/web"}, {Name: "registry.example.com/team-a/side", NewTag: "9"}, {Name: "registry.example.com/team-a/web", Digest: all.Images[1].Digest}}},
		"components":               {Components: []string{"parts/more", "parts/missing"}, IgnoreMissingComponents: true},
		"missing component":        {Components: []string{"parts/missing"}},
		"substitute":               {PostBuild: &plugin.FluxPostBuild{Substitute: values}},
		"no variable":              {PostBuild: &plugin.FluxPostBuild{}},
		"always":                   {PostBuild: &plugin.FluxPostBuild{Always: true}},
		"strict":                   {PostBuild: &plugin.FluxPostBuild{Substitute: values, Strict: true}},
		"strict, missing":          {PostBuild: &plugin.FluxPostBuild{Substitute: map[string]string{"ENV": "x"}, Strict: true}},
		"strange values":           {PostBuild: &plugin.FluxPostBuild{Substitute: map[string]string{"REGION": "a: b # c\nd \"e\" ${ENV}", "NUMBER": "1e3", "REPLICAS": "\n4\n", "ENV": "true"}}},
		"a value that breaks YAML": {PostBuild: &plugin.FluxPostBuild{Substitute: map[string]string{"REPLICAS": "{", "REGION": "\"", "ENV": "]", "SPACE": "*x"}}},
		"a wrong name":             {PostBuild: &plugin.FluxPostBuild{Substitute: map[string]string{"a.b": "x"}}},
		"everything":               all,
	}
}
