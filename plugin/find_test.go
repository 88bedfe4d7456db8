package plugin

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// parse reads YAML as the renderers hand it on.
func parse(t testing.TB, text string) Object {
	t.Helper()
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		t.Fatal(err)
	}
	value, err := fromYAML(node.Content[0], 0)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	fields, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("no object: %s", text)
	}
	return Object{Fields: fields}
}

// found lists "written at field" for images and "rule at field" for findings.
func found(images []Image, findings []Finding) []string {
	var out []string
	for _, image := range images {
		for _, use := range image.Uses {
			out = append(out, image.Written+" at "+use.Field)
		}
	}
	for _, finding := range findings {
		out = append(out, finding.Rule+" at "+finding.Field)
	}
	slices.Sort(out)
	return out
}

func TestFind_EveryWorkloadKind(t *testing.T) {
	const pod = `{containers: [{name: a, image: "a:1"}], initContainers: [{name: b, image: "b:1"}], ephemeralContainers: [{name: c, image: "c:1"}], volumes: [{name: v, image: {reference: "d:1"}}, {name: w, emptyDir: {}}]}`
	for head, prefix := range map[string]string{
		`{apiVersion: v1, kind: Pod, spec: %s}`:                                                                     "spec",
		`{apiVersion: v1, kind: PodTemplate, template: {spec: %s}}`:                                                 "template.spec",
		`{apiVersion: v1, kind: ReplicationController, spec: {template: {spec: %s}}}`:                               "spec.template.spec",
		`{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: %s}}}`:                                     "spec.template.spec",
		`{apiVersion: apps/v1, kind: StatefulSet, spec: {template: {spec: %s}}}`:                                    "spec.template.spec",
		`{apiVersion: apps/v1, kind: DaemonSet, spec: {template: {spec: %s}}}`:                                      "spec.template.spec",
		`{apiVersion: apps/v1, kind: ReplicaSet, spec: {template: {spec: %s}}}`:                                     "spec.template.spec",
		`{apiVersion: batch/v1, kind: Job, spec: {template: {spec: %s}}}`:                                           "spec.template.spec",
		`{apiVersion: batch/v1, kind: CronJob, spec: {jobTemplate: {spec: {template: {spec: %s}}}}}`:                "spec.jobTemplate.spec.template.spec",
		`{apiVersion: argoproj.io/v1alpha1, kind: Rollout, spec: {template: {spec: %s}}}`:                           "spec.template.spec",
		`{apiVersion: serving.knative.dev/v1, kind: Service, spec: {template: {spec: %s}}}`:                         "spec.template.spec",
		`{apiVersion: keda.sh/v1alpha1, kind: ScaledJob, spec: {jobTargetRef: {template: {spec: %s}}}}`:             "spec.jobTargetRef.template.spec",
		`{apiVersion: nobody.example.com/v1, kind: Unknown, spec: {deep: [{er: %s}]}}`:                              "spec.deep[0].er",
		`{apiVersion: work.example.com/v1, kind: Work, spec: {manifests: [{apiVersion: v1, kind: Pod, spec: %s}]}}`: "spec.manifests[0].spec",
	} {
		got := found(ImageFinder{}.Find([]Object{parse(t, strings.Replace(head, "%s", pod, 1))}))
		want := []string{
			"a:1 at " + prefix + ".containers[0].image", "b:1 at " + prefix + ".initContainers[0].image",
			"c:1 at " + prefix + ".ephemeralContainers[0].image", "d:1 at " + prefix + ".volumes[0].image.reference",
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s\n got %v\nwant %v", head, got, want)
		}
	}
}

func TestFind_KnownCustomResources(t *testing.T) {
	for text, want := range map[string][]string{
		`{apiVersion: monitoring.coreos.com/v1, kind: Prometheus, spec: {image: "p:1", thanos: {image: "t:1"}, containers: [{name: prometheus}]}}`: {"p:1 at spec.image", "t:1 at spec.thanos.image"},
		`{apiVersion: monitoring.coreos.com/v1, kind: Alertmanager, spec: {replicas: 3}}`:                                                          {"image/implicit at "},
		`{apiVersion: monitoring.coreos.com/v1, kind: ThanosRuler, spec: {image: "p:1"}}`:                                                          {"p:1 at spec.image"},
		`{apiVersion: tekton.dev/v1, kind: Task, spec: {stepTemplate: {image: "t:1"}, steps: [{image: "a:1"}, {script: x}], sidecars: [{image: "s:1"}]}}`: {
			"a:1 at spec.steps[0].image", "s:1 at spec.sidecars[0].image", "t:1 at spec.stepTemplate.image"},
		`{apiVersion: tekton.dev/v1, kind: Pipeline, spec: {tasks: [{taskSpec: {steps: [{image: "a:1"}]}}]}}`: {"a:1 at spec.tasks[0].taskSpec.steps[0].image"},
		`{apiVersion: tekton.dev/v1, kind: TaskRun, spec: {taskSpec: {steps: [{image: "$(params.image)"}]}}}`: {"image/invalid at spec.taskSpec.steps[0].image"},
		`{apiVersion: argoproj.io/v1alpha1, kind: CronWorkflow, spec: {workflowSpec: {templates: [{container: {image: "a:1"}}, {script: {image: "b:1"}, sidecars: [{image: "c:1"}], initContainers: [{image: "d:1"}]}, {containerSet: {containers: [{image: "e:1"}]}}]}}}`: {
			"a:1 at spec.workflowSpec.templates[0].container.image", "b:1 at spec.workflowSpec.templates[1].script.image", "c:1 at spec.workflowSpec.templates[1].sidecars[0].image",
			"d:1 at spec.workflowSpec.templates[1].initContainers[0].image", "e:1 at spec.workflowSpec.templates[2].containerSet.containers[0].image"},
		`{apiVersion: argoproj.io/v1alpha1, kind: Application, spec: {source: {helm: {values: {image: "a:1"}}}}}`:                                             {"image/implicit at "},
		`{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, spec: {values: {image: {repository: a, tag: "1"}}}}`:                                      {"image/implicit at "},
		`{apiVersion: postgresql.cnpg.io/v1, kind: Cluster, spec: {imageName: "pg:16"}}`:                                                                      {"pg:16 at spec.imageName"},
		`{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, spec: {predictor: {model: {storageUri: "oci://m:1"}}}}`:                              {"m:1 at spec.predictor.model.storageUri"},
		`{apiVersion: serving.kserve.io/v1beta1, kind: InferenceService, spec: {predictor: {model: {storageUri: "s3://m/1"}}}}`:                               nil,
		`{apiVersion: kubevirt.io/v1, kind: VirtualMachine, spec: {template: {spec: {volumes: [{containerDisk: {image: "d:1"}}]}}}}`:                          {"d:1 at spec.template.spec.volumes[0].containerDisk.image"},
		`{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, spec: {scaleTargetRef: {apiVersion: argoproj.io/v1alpha1, kind: Application, name: x}}}`: nil,
	} {
		if got := found(ImageFinder{}.Find([]Object{parse(t, text)})); !slices.Equal(got, want) {
			t.Errorf("%s\n got %q\nwant %q", text, got, want)
		}
	}
}

func TestFind_EveryRowOfTheTablesCanBeRead(t *testing.T) {
	seen := map[string]bool{}
	for _, kind := range knownKinds() {
		name := kind.group + "/" + kind.kind
		if seen[name] || kind.kind == "" || isBuiltIn(kind.group) || len(kind.images) == 0 && kind.makes == "" && !kind.opaque {
			t.Errorf("row %s is there twice, empty, or of a built-in group", name)
		}
		seen[name] = true
		for _, text := range kind.images {
			path, _, _ := strings.Cut(text, " ")
			if steps, err := parsePath(path); err != nil || formatPath(steps) != path {
				t.Errorf("row %s: %q: %v", name, path, err)
			}
		}
	}
}

func TestFind_Undeclared(t *testing.T) {
	custom := func(spec string) string {
		return "{apiVersion: team-a.example.com/v1, kind: App, spec: " + spec + "}"
	}
	pod := func(container string) string {
		return "{apiVersion: v1, kind: Pod, spec: {containers: [" + container + "]}}"
	}
	for text, want := range map[string]string{
		custom(`{image: "evil/x"}`):                                  `{group: team-a.example.com, kind: App, path: "spec.image"}`,
		custom(`{sidecarImage: "x:1"}`):                              `path: "spec.sidecarImage"`,
		custom(`{images: ["x:1"]}`):                                  `path: "spec.images[*]"`,
		custom(`{deep: [{image: {repository: a/b, tag: "1"}}]}`):     `path: "spec.deep[*].image.repository", tag: "tag"}`,
		custom(`{image: {repository: a/b, digest: ""}}`):             `digest: "digest"}`,
		pod(`{image: "a:1", env: [{name: X_IMAGE, value: evil/x}]}`): `path: "spec.containers[*].env[name=X_IMAGE].value"`,
		pod(`{image: "a:1", args: ["--x-image=evil/x"]}`):            `path: "spec.containers[*].args[*]", prefix: "--x-image="}`,
		pod(`{image: "a:1", command: [run, --x-image, evil/x]}`):     `path: "spec.containers[*].command[2]"`,
		`{apiVersion: v1, kind: Pod, metadata: {annotations: {sidecar.istio.io/proxyImage: evil/x}}, spec: {containers: [{image: "a:1"}]}}`: `path: "metadata.annotations[\"sidecar.istio.io/proxyImage\"]"`,
		`{apiVersion: kyverno.io/v1, kind: ClusterPolicy, spec: {rules: [{generate: {data: {spec: {containers: [{image: evil/x}]}}}}]}}`:    `path: "spec.rules[*].generate.data.spec.containers[*].image"`,
	} {
		_, findings := ImageFinder{}.Find([]Object{parse(t, text)})
		undeclared := withRule(findings, "image/undeclared")
		if len(undeclared) != 1 || undeclared[0].Level != Deny || !strings.Contains(undeclared[0].Hint, strings.ReplaceAll(want, `\"`, `\\\"`)) && !strings.Contains(undeclared[0].Hint, want) {
			t.Errorf("%s\n got %+v\nwant a hint with %s", text, findings, want)
		}
	}
}

func TestFind_WhatCannotBeReadIsUndeclaredToo(t *testing.T) {
	for _, test := range []struct{ spec, field, image string }{
		{`{image: "Evil.example.com/x/y:1"}`, "spec.image", "Evil.example.com/x/y:1"},
		{`{image: "x/y@sha512:0123"}`, "spec.image", "x/y@sha512:0123"},
		{`{image: " evil.example.com/x:1"}`, "spec.image", " evil.example.com/x:1"},
		{`{image: "evil.example.com/x:1\n"}`, "spec.image", "evil.example.com/x:1\n"},
		{`{image: "oci://evil.example.com/x:1"}`, "spec.image", "oci://evil.example.com/x:1"},
		{`{image: "docker://evil/x"}`, "spec.image", "docker://evil/x"},
		{`{image: "https://evil.example.com/x"}`, "spec.image", "https://evil.example.com/x"},
		{`{image: "{{ .x }}/evil"}`, "spec.image", "{{ .x }}/evil"},
		{`{image: evil.tar}`, "spec.image", "evil.tar"},
		{`{sourceImage: "a b"}`, "spec.sourceImage", "a b"},
		{`{image: {name: "evil/x:1"}}`, "spec.image.name", "evil/x:1"},
		{`{image: {registry: evil.example.com, tag: "1"}}`, "spec.image.registry", "evil.example.com"},
		{`{image: {name: evil/x, tag: "1"}}`, "spec.image.name", "evil/x"},
		{`{images: {controller: "evil/x:1"}}`, "spec.images.controller", "evil/x:1"},
		{`{images: [{name: evil/x, newTag: "1"}]}`, "spec.images[0].name", "evil/x"},
		{`{images: {a: {b: [Evil]}}}`, "spec.images.a.b[0]", "Evil"},
		{`{imageURL: "evil/x:1"}`, "spec.imageURL", "evil/x:1"},
		{`{imageUrl: "evil/x:1"}`, "spec.imageUrl", "evil/x:1"},
		{`{image_uri: "evil/x:1"}`, "spec.image_uri", "evil/x:1"},
		{`{sidecarImageReference: "evil/x:1"}`, "spec.sidecarImageReference", "evil/x:1"},
		{`{imageRepository: evil/x, imageTag: "1"}`, "spec.imageRepository", "evil/x"},
		{`{image: {repository: Evil/x, registry: r, tag: "1"}}`, "spec.image.repository", "Evil/x"},
	} {
		images, findings := ImageFinder{}.Find([]Object{parse(t, "{apiVersion: team-a.example.com/v1, kind: App, spec: "+test.spec+"}")})
		if len(images) != 0 || len(findings) != 1 || findings[0].Rule != "image/undeclared" || findings[0].Level != Deny || findings[0].Field != test.field || findings[0].Image != test.image {
			t.Errorf("%s: %v %+v", test.spec, images, findings)
			continue
		}
		_, err := ParseReference(test.image)
		if said := strings.Contains(findings[0].Message, "cannot be read"); said != (err != nil) {
			t.Errorf("%s: %v, and the message is %s", test.spec, err, findings[0].Message)
		}
	}
	for _, text := range []string{
		`{apiVersion: v1, kind: Pod, metadata: {annotations: {a/image: "Evil.example.com/x"}}, spec: {containers: [{image: "a:1"}]}}`,
		`{apiVersion: v1, kind: Pod, spec: {containers: [{image: "a:1", env: [{name: X_IMAGE, value: "oci://evil/x:1"}]}]}}`,
		`{apiVersion: v1, kind: Pod, spec: {containers: [{image: "a:1", args: ["--image= evil/x"]}]}}`,
		`{apiVersion: v1, kind: Pod, spec: {containers: [{image: "a:1", args: [--image, "x/y@sha512:0123"]}]}}`,
	} {
		if _, findings := (ImageFinder{}).Find([]Object{parse(t, text)}); len(withRule(findings, "image/undeclared")) != 1 {
			t.Errorf("%s: %+v", text, findings)
		}
	}
}

func TestFind_NothingIsSuspectedInSchemasTextAndOtherValues(t *testing.T) {
	for _, text := range []string{
		`{apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, spec: {image: "a:1", containers: [{image: "a:1"}]}}`,
		`{apiVersion: v1, kind: ConfigMap, data: {image: "a:1", containers: "x"}}`,
		`{apiVersion: v1, kind: Secret, stringData: {image: "a:1"}}`,
		`{apiVersion: team-a.example.com/v1, kind: App, spec: {image: "https://example.com/x.png", heroImage: hero.png, useImage: true, images: {}, imagePullPolicy: Always, imagePullSecrets: [x], imageType: a, image_icon: x, logoImage: "data:image/png;base64,AAAA", sourceImage: " "}}`,
		`{apiVersion: team-a.example.com/v1, kind: App, spec: {volumes: [{rbd: {image: disk}}]}}`,
		`{apiVersion: networking.k8s.io/v1, kind: Ingress, spec: {image: a}}`,
		`{apiVersion: kyverno.io/v1, kind: ClusterPolicy, spec: {rules: [{validate: {pattern: {spec: {containers: [{image: "!*:latest"}]}}}}]}}`,
		`{apiVersion: kyverno.io/v1, kind: ClusterPolicy, spec: {rules: [{verifyImages: [{imageReferences: ["*"], attestors: [{entries: [{keyless: {subject: "a b"}}]}]}]}]}}`,
		`{apiVersion: policy.sigstore.dev/v1beta1, kind: ClusterImagePolicy, spec: {images: [{glob: "**"}]}}`,
		`{apiVersion: team-a.example.com/v1, kind: App, spec: {image: {pullPolicy: Always, pullSecrets: [x], tag: v1, digest: x, version: "1.2"}}}`,
		`{apiVersion: networking.istio.io/v1beta1, kind: ProxyConfig, spec: {image: {imageType: distroless}}}`,
		`{apiVersion: image.toolkit.fluxcd.io/v1, kind: ImagePolicy, spec: {imageRepositoryRef: {name: podinfo}}}`,
		`{apiVersion: v1, kind: Service, metadata: {annotations: {a/image: "see the wiki", b/image: /usr/share/x}}, spec: {env: [{name: X_IMAGE, value: "a b"}], args: ["--x-image={{.x}}"]}}`,
		`{apiVersion: v1, kind: Service, metadata: {annotations: {example.com/image-size: "10"}}}`,
	} {
		images, findings := ImageFinder{}.Find([]Object{parse(t, text)})
		if len(images) > 0 || len(withRule(findings, "image/undeclared"))+len(withRule(findings, "image/invalid")) > 0 {
			t.Errorf("%s: %v", text, found(images, findings))
		}
	}
}

func TestFind_WhatAnObjectCallsItselfHidesNothing(t *testing.T) {
	for _, text := range []string{
		`{apiVersion: apps/v1, kind: Deployment, spec: {template: {spec: {apiVersion: apiextensions.k8s.io/v1, kind: CustomResourceDefinition, containers: [{image: "evil:1"}]}}}}`,
		`{apiVersion: apps/v1, kind: Deployment, spec: {apiVersion: kyverno.io/v1, kind: Policy, spec: {}, template: {spec: {containers: [{image: "evil:1"}]}}}}`,
		`{apiVersion: example.com/v1, kind: ConfigMap, spec: {template: {spec: {containers: [{image: "evil:1"}]}}}}`,
		`{apiVersion: example.com/v1, kind: CustomResourceDefinition, spec: {containers: [{image: "evil:1"}]}}`,
	} {
		images, _ := ImageFinder{}.Find([]Object{parse(t, text)})
		if len(images) != 1 || images[0].Written != "evil:1" {
			t.Errorf("%s: %v", text, images)
		}
	}
}

func TestFind_InvalidImagesAreDenied(t *testing.T) {
	for _, container := range []string{
		`{name: a}`, `{name: a, image: ""}`, `{name: a, image: null}`, `{name: a, image: 5}`, `{name: a, image: [x]}`, `{name: a, image: " nginx"}`, `{name: a, image: "nginx\n"}`,
		`{name: a, image: "NGINX"}`, `{name: a, image: "nginx:"}`, `{name: a, image: "nginx@sha256:abc"}`, `{name: a, image: "nginx\u001b[2J"}`, `{name: a, image: "a/../b"}`, `x`, `null`,
	} {
		text := "{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [" + container + "]}}"
		images, findings := ImageFinder{}.Find([]Object{parse(t, text)})
		if invalid := withRule(findings, "image/invalid"); len(images) != 0 || len(invalid) != 1 || invalid[0].Level != Deny || invalid[0].Object.Name != "p" {
			t.Errorf("%s: %v %+v", container, images, findings)
		}
	}
	_, findings := ImageFinder{}.Find([]Object{parse(t, `{apiVersion: v1, kind: Pod, spec: {containers: {image: a}, volumes: [{image: {}}]}}`)})
	if len(withRule(findings, "image/invalid")) != 2 {
		t.Errorf("containers that are no list, a volume without an image: %+v", findings)
	}
}

func TestFind_OneImageForEachReferenceAsWritten(t *testing.T) {
	images, _ := ImageFinder{}.Find([]Object{deployment("b", "nginx", "docker.io/library/nginx:latest"), deployment("a", "nginx")})
	var got []string
	for _, image := range images {
		got = append(got, fmt.Sprintf("%s %s %d", image.Written, image.Reference, len(image.Uses)))
	}
	want := []string{"docker.io/library/nginx:latest index.docker.io/library/nginx:latest 1", "nginx index.docker.io/library/nginx:latest 2"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if use := images[0].Uses[0]; use.Container != "c1" || use.ID.Name != "b" || use.Object != 0 {
		t.Errorf("the use is %+v", use)
	}
}

func TestFind_IsDeterministic(t *testing.T) {
	text := `{apiVersion: team-a.example.com/v1, kind: App, metadata: {annotations: {a/image: x, b/image: y}}, spec: {aImage: a, bImage: b, images: [c, d], x: {containers: [{image: "e:1"}, {image: "E"}]}, y: {containers: [{image: "e:1"}]}}}`
	var first string
	for range 30 {
		images, findings := ImageFinder{}.Find([]Object{parse(t, text), parse(t, text)})
		for i := range images {
			for j := range images[i].Uses {
				images[i].Uses[j].set = nil
			}
		}
		if now := fmt.Sprintf("%+v %+v", images, findings); first == "" {
			first = now
		} else if now != first {
			t.Fatalf("two searches differ:\n%s\n%s", first, now)
		}
	}
}

func BenchmarkFind(b *testing.B) {
	objects := make([]Object, 2000)
	for i := range objects {
		objects[i] = deployment("app", "nginx:1.27", "registry.example.com/team-a/app:1.0")
	}
	b.ReportAllocs()
	for b.Loop() {
		if images, _ := (ImageFinder{}).Find(objects); len(images) != 2 {
			b.Fatal(images)
		}
	}
}
