package policy

import (
	"os"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// platformLists are those that manifests/flux/admission brings, with changes.
func platformLists(t *testing.T, changes ...string) map[string]string {
	t.Helper()
	text, err := os.ReadFile("../../manifests/flux/admission/platform.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var list struct{ Data map[string]string }
	if err := yaml.Unmarshal(text, &list); err != nil || len(list.Data) != 4 {
		t.Fatalf("%v: %v", list.Data, err)
	}
	for i := 0; i < len(changes); i += 2 {
		list.Data[changes[i]] = changes[i+1]
	}
	return list.Data
}

// The spec of each that passes, without its braces.
const (
	gatedKustomization = "interval: 5m, prune: true, sourceRef: {kind: ExternalArtifact, name: assay-shop}"
	gatedRelease       = "interval: 5m, chartRef: {kind: ExternalArtifact, name: assay-shop}"
)

func kustomizationOf(spec string) string {
	return "{apiVersion: kustomize.toolkit.fluxcd.io/v1, kind: Kustomization, metadata: {name: shop, namespace: team-a}, spec: {" + spec + "}}"
}

func releaseOf(spec string) string {
	return "{apiVersion: helm.toolkit.fluxcd.io/v2, kind: HelmRelease, metadata: {name: shop, namespace: team-a}, spec: {" + spec + "}}"
}

// fluxBypass is one way around the gate as an object, and the same object with one
// thing changed. The lists are the shipped ones where none are written.
type fluxBypass struct{ bad, twin, says string }

// checkFlux asks the policies at the creation, and self as if the object were
// rendered: both say the same.
func checkFlux(t *testing.T, table map[string]fluxBypass) {
	t.Helper()
	bypasses := map[string]bypass{}
	for name, test := range table {
		lists := platformLists(t)
		bypasses[name] = bypass{write{object: test.bad, platform: lists}, write{object: test.twin, platform: lists}, test.says}
	}
	checkBypasses(t, "flux", bypasses)
	self := NewSelf(SelfConfig{})
	for name, test := range table {
		found := self.Judge(t.Context(), renderedInto(t, test.bad, "team-a"))
		if len(found) != 1 || found[0].Rule != ruleSelfGitOps || !found[0].Unwaivable || !strings.Contains(found[0].Message, test.says) {
			t.Errorf("%s: rendered: %+v", name, found)
		}
		if found := self.Judge(t.Context(), renderedInto(t, test.twin, "team-a")); len(found) != 0 {
			t.Errorf("%s: rendered twin: %+v", name, found)
		}
	}
}

func TestFluxAdmission_AKustomizationAppliesWhatWasPublished(t *testing.T) {
	good := kustomizationOf(gatedKustomization)
	table := map[string]fluxBypass{
		"a GitRepository":          {strings.ReplaceAll(good, "ExternalArtifact", "GitRepository"), good, `spec.sourceRef names the GitRepository "assay-shop"`},
		"an OCIRepository":         {strings.ReplaceAll(good, "ExternalArtifact", "OCIRepository"), good, "names the OCIRepository"},
		"a Bucket":                 {strings.ReplaceAll(good, "ExternalArtifact", "Bucket"), good, "names the Bucket"},
		"another ExternalArtifact": {strings.ReplaceAll(good, "assay-shop", "shop"), good, `names the ExternalArtifact "shop"`},
		"a name that contains it":  {strings.ReplaceAll(good, "assay-shop", "my-assay-shop"), good, `names the ExternalArtifact "my-assay-shop"`},
		"no source":                {kustomizationOf("interval: 5m, prune: true"), good, "spec.sourceRef names the"},
		"no spec":                  {strings.ReplaceAll(good, "spec: {"+gatedKustomization+"}", "spec: null"), good, "spec.sourceRef names the"},
		"another namespace": {strings.ReplaceAll(good, "name: assay-shop", "name: assay-shop, namespace: team-b"),
			strings.ReplaceAll(good, "name: assay-shop", "name: assay-shop, namespace: team-a"), `spec.sourceRef.namespace is "team-b"`},
		"two at once": {kustomizationOf(gatedKustomization + ", namePrefix: a, nameSuffix: b"), good, "spec.namePrefix, spec.nameSuffix would change"},
		"an older version": {strings.ReplaceAll(kustomizationOf(gatedKustomization+", patchesStrategicMerge: [{kind: Deployment}], patchesJson6902: [{path: a}], validation: none"), "io/v1", "io/v1beta2"),
			strings.ReplaceAll(good, "io/v1", "io/v1beta2"), "spec.patchesJson6902 and 2 more may change"},
		"ignored images": {kustomizationOf(gatedKustomization + ", ignore: [{paths: [/spec/replicas]}, {paths: [/spec/replicas, /spec/template]}]"),
			kustomizationOf(gatedKustomization + ", ignore: [{paths: [/spec/replicas]}]"), "spec.ignore leaves out"},
	}
	for field, value := range map[string][2]string{
		"images":                  {"[{name: app, newTag: evil}]", "[]"},
		"patches":                 {"[{patch: a}]", "[]"},
		"components":              {"[../other]", "[]"},
		"ignoreMissingComponents": {"true", "false"},
		"postBuild":               {"{substitute: {a: b}}", "{}"},
		"targetNamespace":         {"team-b", "''"},
		"namePrefix":              {"a-", "''"},
		"nameSuffix":              {"-a", "null"},
		"commonMetadata":          {"{labels: {a: b}}", "{}"},
		"buildMetadata":           {"[originAnnotations]", "[]"},
		"aFieldOfTomorrow":        {"1", "null"},
	} {
		table[field] = fluxBypass{kustomizationOf(gatedKustomization + ", " + field + ": " + value[0]), kustomizationOf(gatedKustomization + ", " + field + ": " + value[1]), "spec." + field + " "}
	}
	checkFlux(t, table)
}

func TestFluxAdmission_AHelmReleaseInstallsAFrozenChart(t *testing.T) {
	good := releaseOf(gatedRelease)
	table := map[string]fluxBypass{
		"a chart of a HelmRepository": {releaseOf("interval: 5m, chart: {spec: {chart: shop, sourceRef: {kind: HelmRepository, name: charts}}}"), good, `spec.chart takes a chart from the HelmRepository "charts"`},
		"a chart beside a chartRef":   {releaseOf(gatedRelease + ", chart: {spec: {chart: shop}}"), good, "spec.chart takes"},
		"an OCIRepository":            {strings.ReplaceAll(good, "ExternalArtifact", "OCIRepository"), good, `spec.chartRef names the OCIRepository "assay-shop"`},
		"a HelmChart":                 {strings.ReplaceAll(good, "ExternalArtifact", "HelmChart"), good, `spec.chartRef names the HelmChart "assay-shop"`},
		"another ExternalArtifact":    {strings.ReplaceAll(good, "assay-shop", "shop"), good, `names the ExternalArtifact "shop"`},
		"no chart":                    {releaseOf("interval: 5m"), good, "spec.chartRef names the"},
		"another namespace": {strings.ReplaceAll(good, "name: assay-shop", "name: assay-shop, namespace: team-b"),
			strings.ReplaceAll(good, "name: assay-shop", "name: assay-shop, namespace: team-a"), `spec.chartRef.namespace is "team-b"`},
		"values of an earlier release": {releaseOf(gatedRelease + ", upgrade: {force: true, preserveValues: true}"), releaseOf(gatedRelease + ", upgrade: {force: true, preserveValues: false}"), "spec.upgrade.preserveValues"},
		"an older version": {strings.ReplaceAll(releaseOf(gatedRelease+", values: {a: b}"), "io/v2", "io/v2beta2"),
			strings.ReplaceAll(good, "io/v2", "io/v2beta2"), "spec.values "},
	}
	for field, value := range map[string][2]string{
		"values":             {"{image: {tag: evil}}", "{}"},
		"valuesFrom":         {"[{kind: Secret, name: a}]", "[]"},
		"postRenderers":      {"[{kustomize: {images: [{name: a, newTag: b}]}}]", "[]"},
		"postRenderStrategy": {"combined", "''"},
		"commonMetadata":     {"{labels: {a: b}}", "{}"},
		"aFieldOfTomorrow":   {"1", "null"},
	} {
		table[field] = fluxBypass{releaseOf(gatedRelease + ", " + field + ": " + value[0]), releaseOf(gatedRelease + ", " + field + ": " + value[1]), "spec." + field + " "}
	}
	checkFlux(t, table)
}

// What leaves the judged objects as they are may be written.
func TestFluxAdmission_WhatOnlySaysHowPasses(t *testing.T) {
	policies := install(t, "flux")
	for name, object := range map[string]string{
		"a Kustomization": kustomizationOf(gatedKustomization + ", path: ./deploy, retryInterval: 1m, timeout: 1m, suspend: true, deletionPolicy: Orphan, force: true, " +
			"decryption: {provider: sops, secretRef: {name: keys}}, kubeConfig: {secretRef: {name: other}}, serviceAccountName: deployer, wait: true, " +
			"healthChecks: [{kind: Deployment, name: web}], healthCheckExprs: [{apiVersion: a/v1, kind: A, current: 'true'}], dependsOn: [{name: db, namespace: team-b}]"),
		"a HelmRelease": releaseOf(gatedRelease + ", suspend: true, timeout: 1m, releaseName: shop, targetNamespace: live, storageNamespace: team-a, maxHistory: 3, serviceAccountName: deployer, " +
			"kubeConfig: {secretRef: {name: other}}, install: {crds: Create, createNamespace: true}, upgrade: {remediation: {retries: 3}}, rollback: {force: true}, " +
			"uninstall: {keepHistory: true}, test: {enable: true}, driftDetection: {mode: enabled, ignore: [{paths: [/spec/replicas]}]}, " +
			"healthCheckExprs: [], dependsOn: [{name: db}], waitStrategy: {name: poller}, persistentClient: false"),
	} {
		if said := policies.refusals(t, write{object: object, platform: platformLists(t)}); len(said) != 0 {
			t.Errorf("%s: %q", name, said)
		}
	}
}

func TestFluxAdmission_ThePlatformsNamespacesNeedNoGate(t *testing.T) {
	policies := install(t, "flux")
	resourceSet := "{apiVersion: fluxcd.controlplane.io/v1, kind: ResourceSet, metadata: {name: shop, namespace: team-a}, spec: {resources: []}}"
	sourced := gatedSourceOf("kind: GitRepository, name: shop, namespace: team-b")
	for name, object := range map[string]string{
		"a Kustomization": kustomizationOf("sourceRef: {kind: GitRepository, name: shop}, patches: [{patch: a}]"),
		"a HelmRelease":   releaseOf("chart: {spec: {chart: shop}}, values: {a: b}"),
		"a ResourceSet":   resourceSet,
		"a FluxInstance":  strings.ReplaceAll(resourceSet, "ResourceSet", "FluxInstance"),
		"a Terraform":     strings.NewReplacer("ResourceSet", "Terraform", "fluxcd.controlplane.io/v1", "infra.contrib.fluxcd.io/v1alpha2").Replace(resourceSet),
		"of Flux 1":       strings.ReplaceAll(releaseOf("chart: {git: a}"), "helm.toolkit.fluxcd.io/v2", "helm.fluxcd.io/v1"),
		"a GatedSource":   sourced,
	} {
		for list, passes := range map[string]bool{"flux-system": false, "": false, "team-a-live\nteam": false, "flux-system\n team-a \n": true} {
			said := policies.refusals(t, write{object: object, platform: platformLists(t, "namespaces", list)})
			if (len(said) == 0) != passes {
				t.Errorf("%s, with the list %q: %q", name, list, said)
			}
		}
		if said := policies.refusals(t, write{object: object, platform: map[string]string{}}); len(said) == 0 {
			t.Errorf("%s passes where nothing is listed", name)
		}
	}
}

func TestFluxAdmission_ObjectsFromBeforeAreJudgedWhenTheyChange(t *testing.T) {
	policies, lists := install(t, "flux"), platformLists(t)
	for _, old := range []string{
		kustomizationOf("interval: 5m, prune: true, sourceRef: {kind: GitRepository, name: shop}, images: [{name: a, newTag: b}]"),
		releaseOf("interval: 5m, chart: {spec: {chart: shop}}, values: {a: b}"),
	} {
		change := func(old, new string) func(string) string {
			return func(text string) string { return strings.Replace(text, old, new, 1) }
		}
		for name, test := range map[string]struct {
			change func(string) string
			passes bool
		}{
			"status":                   {change("spec:", "status: {observedGeneration: 2}, spec:"), true},
			"a finalizer":              {change("name: shop,", "name: shop, finalizers: [finalizers.fluxcd.io],"), true},
			"an annotation":            {change("name: shop,", "name: shop, annotations: {reconcile.fluxcd.io/requestedAt: now},"), true},
			"suspended":                {change("interval: 5m", "interval: 5m, suspend: true"), true},
			"suspended, and a field":   {change("interval: 5m", "interval: 6m, suspend: true"), false},
			"suspended, and one less":  {change("interval: 5m", "suspend: true"), false},
			"suspended, and one more":  {change("interval: 5m", "interval: 5m, suspend: true, timeout: 1m"), false},
			"another interval":         {change("interval: 5m", "interval: 6m"), false},
			"suspend that says no":     {change("interval: 5m", "interval: 5m, suspend: false"), false},
			"the same under no change": {change("interval: 5m", "interval: 5m"), true},
		} {
			said := policies.refusals(t, write{object: test.change(old), old: old, platform: lists})
			if (len(said) == 0) != test.passes {
				t.Errorf("%s: %q", name, said)
			}
		}
		suspended := strings.Replace(old, "interval: 5m", "interval: 5m, suspend: true", 1)
		if said := policies.refusals(t, write{object: old, old: suspended, platform: lists}); len(said) == 0 {
			t.Error("one that was suspended goes on")
		}
	}
}

const (
	assaySource  = "system:serviceaccount:assay-system:assay-source"
	publishedURL = "http://assay-source.assay-system.svc.cluster.local./externalartifact/team-a/assay-shop/a.tar.gz"
)

func artifactOf(name, url string) string {
	return "{apiVersion: source.toolkit.fluxcd.io/v1, kind: ExternalArtifact, metadata: {name: " + name + ", namespace: team-a}, spec: {}, status: {artifact: {url: '" + url + "'}}}"
}

func TestFluxAdmission_OnlyAssayWritesWhatItPublishes(t *testing.T) {
	bare := strings.Replace(artifactOf("assay-shop", ""), ", status: {artifact: {url: ''}}", "", 1)
	full, other := artifactOf("assay-shop", publishedURL), artifactOf("shop", "http://elsewhere/a.tar.gz")
	by := func(who, object, old, subresource string, changes ...string) write {
		return write{object: object, old: old, subresource: subresource, user: who, platform: platformLists(t, changes...)}
	}
	const collector = "system:serviceaccount:kube-system:generic-garbage-collector"
	owned := strings.Replace(full, "name: assay-shop,", "name: assay-shop, ownerReferences: [{name: shop}],", 1)
	checkBypasses(t, "flux", map[string]bypass{
		"a creation":                    {by("", bare, "", ""), by(assaySource, bare, "", ""), "only assay writes it"},
		"by another name":               {by("", bare, "", ""), by("", strings.ReplaceAll(bare, "assay-shop", "shop"), "", ""), "only assay writes it"},
		"a generated name":              {by("", strings.ReplaceAll(bare, "name:", "generateName:"), "", ""), by(assaySource, strings.ReplaceAll(bare, "name:", "generateName:"), "", ""), "only assay writes it"},
		"a status":                      {by("", full, bare, "status"), by(assaySource, full, bare, "status"), "only assay writes it"},
		"another's status":              {by("", full, bare, "status"), by("", other, strings.ReplaceAll(bare, "assay-shop", "shop"), "status"), "only assay writes it"},
		"a label":                       {by("", owned, full, ""), by(assaySource, owned, full, ""), "only assay writes it"},
		"a deletion":                    {by("", "", full, ""), by(assaySource, "", full, ""), "only assay writes it"},
		"a deletion by a stranger":      {by("system:serviceaccount:kube-system:default", "", full, ""), by(collector, "", full, ""), "only assay writes it"},
		"an owner that goes":            {by("", full, owned, ""), by(collector, full, owned, ""), "only assay writes it"},
		"a collector that writes":       {by(collector, full, bare, "status"), by(collector, full, owned, ""), "only assay writes it"},
		"an administrator":              {by("admin", full, bare, "status"), by("admin", full, bare, "status", "writers", "admin"), "only assay writes it"},
		"a platform's own namespace":    {by("", full, bare, "status", "namespaces", "team-a"), by(assaySource, full, bare, "status", "namespaces", "team-a"), "only assay writes it"},
		"part of the writer's name":     {by(assaySource, bare, "", "", "writers", assaySource+"-2"), by(assaySource, bare, "", "", "writers", "a\n "+assaySource+" \n"), "only assay writes it"},
		"an address elsewhere":          {by(assaySource, artifactOf("assay-shop", "http://evil/a.tar.gz"), bare, "status"), by(assaySource, full, bare, "status"), "status.artifact.url is not where"},
		"an address that begins so":     {by(assaySource, strings.ReplaceAll(full, "local./", "local.evil/"), bare, "status", "urls", "http://assay-source.assay-system.svc.cluster.local."), by(assaySource, full, bare, "status", "urls", "http://assay-source.assay-system.svc.cluster.local."), "status.artifact.url"},
		"no address is listed":          {by(assaySource, full, bare, "status", "urls", "\n"), by(assaySource, bare, full, "status", "urls", "\n"), "status.artifact.url"},
		"an artifact without address":   {by(assaySource, strings.ReplaceAll(full, "url:", "path:"), bare, "status"), by(assaySource, strings.ReplaceAll(full, "artifact:", "inputs:"), bare, "status"), "status.artifact.url"},
		"the address before it changed": {by(assaySource, strings.ReplaceAll(full, "a.tar", "b.tar"), full, "status", "urls", "http://new/"), by(assaySource, owned, full, "", "urls", "http://new/"), "status.artifact.url"},
	})
	for name, test := range map[string]struct {
		object string
		denied int
	}{"assay's": {bare, 1}, "another": {strings.ReplaceAll(bare, "assay-shop", "shop"), 0}} {
		if found := selfFindings(SelfConfig{}, renderedInto(t, test.object, "team-a")); len(found) != test.denied {
			t.Errorf("%s, rendered: %+v", name, found)
		}
	}
}

func gatedSourceOf(ref string) string {
	return "{apiVersion: assay.dev/v1alpha1, kind: GatedSource, metadata: {name: shop, namespace: team-a}, spec: {interval: 5m, sourceRef: {" + ref + "}}}"
}

func TestFluxAdmission_AGatedSourceReadsItsOwnNamespace(t *testing.T) {
	own := gatedSourceOf("kind: GitRepository, name: shop")
	checkFlux(t, map[string]fluxBypass{
		"another namespace": {gatedSourceOf("kind: GitRepository, name: shop, namespace: team-b"), gatedSourceOf("kind: GitRepository, name: shop, namespace: team-a"), `spec.sourceRef.namespace is "team-b"`},
		"the platform's":    {gatedSourceOf("kind: GitRepository, name: shop, namespace: flux-system"), own, `spec.sourceRef.namespace is "flux-system"`},
	})
	elsewhere := gatedSourceOf("kind: GitRepository, name: shop, namespace: flux-system")
	status := strings.Replace(own, "spec:", "status: {publishedRevision: a}, spec:", 1)
	checkBypasses(t, "flux", map[string]bypass{
		"a source that is shared": {write{object: elsewhere, platform: platformLists(t)}, write{object: elsewhere, platform: platformLists(t, "sharedSources", "a\nflux-system")}, "sharedSources"},
		"an update":               {write{object: elsewhere, old: own, platform: platformLists(t)}, write{object: elsewhere, old: elsewhere, platform: platformLists(t)}, `"flux-system"`},
		"a status": {write{object: status, old: own, subresource: "status", platform: platformLists(t)},
			write{object: status, old: own, subresource: "status", user: assaySource, platform: platformLists(t)}, "only assay writes it"},
	})
}

func TestFluxAdmission_ManyFieldsStayWithinTheApiServersBudget(t *testing.T) {
	policies := install(t, "flux")
	many := strings.TrimSuffix(strings.Repeat("{name: app, newTag: '1'}, ", 500), ", ")
	patches := strings.TrimSuffix(strings.Repeat("{patch: "+strings.Repeat("a", 1000)+"}, ", 200), ", ")
	object := kustomizationOf(gatedKustomization + ", images: [" + many + "], patches: [" + patches + "]")
	old := strings.Replace(object, "interval: 5m", "interval: 6m", 1)
	if said := policies.refusals(t, write{object: object, old: old, platform: platformLists(t)}); len(said) != 1 || !strings.Contains(said[0], "spec.patches, spec.images would") {
		t.Errorf("%q", said)
	}
}
