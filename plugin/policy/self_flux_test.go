package policy

import (
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// renderedInto is a rendering for an application of that namespace.
func renderedInto(t *testing.T, text, namespace string) plugin.Sealed {
	t.Helper()
	input := sealed(t, text)
	input.Source.Application.Namespace = namespace
	return input
}

func TestSelf_SourcesAndGatedSourcesStayInTheApplicationsNamespace(t *testing.T) {
	for _, kind := range []string{
		"source.toolkit.fluxcd.io/v1 GitRepository", "source.toolkit.fluxcd.io/v1 OCIRepository", "source.toolkit.fluxcd.io/v1 HelmRepository",
		"source.toolkit.fluxcd.io/v1 HelmChart", "source.toolkit.fluxcd.io/v1 Bucket", "assay.dev/v1alpha1 GatedSource",
	} {
		version, name, _ := strings.Cut(kind, " ")
		named := custom(version, name, "{interval: 5m, sourceRef: {kind: GitRepository, name: web}}")
		unnamed := strings.Replace(named, ", namespace: team-a", "", 1)
		for _, test := range []struct {
			text, source, namespace string
			denied                  bool
		}{
			{named, "", "team-a", false},
			{named, "", "team-b", true},
			{named, "", "", true},                 // an Application without a destination namespace
			{named, "team-a", "elsewhere", false}, // targetNamespace of a GatedSource
			{named, "team-b", "team-a", true},     // the gate is that of team-b
			{unnamed, "", "team-a", false},
			{unnamed, "team-b", "team-b", false},
			{unnamed, "", "", false},
			{unnamed, "team-b", "team-a", true},
		} {
			input := renderedInto(t, test.text, test.namespace)
			input.Source.Application.SourceNamespace = test.source
			found := selfFindings(SelfConfig{}, input)
			if test.denied != (len(found) == 1 && found[0].Rule == ruleSelfGitOps && found[0].Field == "metadata.namespace") || len(found) > 1 {
				t.Errorf("%s, of %q into %q: %+v", name, test.source, test.namespace, found)
			}
		}
	}
}

func TestSelf_WhatIsNearlyASourceOfFluxIsDenied(t *testing.T) {
	for kind, twin := range map[string]string{
		"source.toolkit.fluxcd.io/v1 gitrepository":             "source.toolkit.fluxcd.io/v1 GitRepository",
		"Source.Toolkit.fluxcd.io/v1 GitRepository":             "source.toolkit.fluxcd.io/v1 GitRepository",
		"source.toolkit.fluxcd.io/v1 GitRepositoryList":         "source.toolkit.fluxcd.io/v1beta2 Bucket",
		"source.extensions.fluxcd.io/v1beta1 ArtifactGenerator": "source.toolkit.fluxcd.io/v1beta2 Bucket",
		"fluxcd.controlplane.io/v1 ResourceSet":                 "source.toolkit.fluxcd.io/v1 OCIRepository",
		"image.toolkit.fluxcd.io/v1 ImageUpdateAutomation":      "source.toolkit.fluxcd.io/v1 HelmRepository",
		"assay.dev/v1alpha1 Gate":                               "source.toolkit.fluxcd.io/v1 HelmChart",
	} {
		of := func(kind string) string {
			version, name, _ := strings.Cut(kind, " ")
			return custom(version, name, "{}")
		}
		if found := selfFindings(SelfConfig{}, renderedInto(t, of(kind), "team-a")); len(found) == 0 {
			t.Errorf("%s passes", kind)
		}
		if found := selfFindings(SelfConfig{}, renderedInto(t, of(twin), "team-a")); len(found) != 0 {
			t.Errorf("twin %s: %+v", twin, found)
		}
	}
}

func TestSelf_FluxObjectsInTheGatesNamespacesAreDeniedWhateverTheySay(t *testing.T) {
	for _, good := range []string{kustomizationOf(gatedKustomization), releaseOf(gatedRelease), gatedSourceOf("kind: GitRepository, name: shop")} {
		moved := strings.Replace(good, "namespace: team-a", "namespace: flux-system", 1)
		if finding := one(t, selfFindings(SelfConfig{}, renderedInto(t, moved, "flux-system"))); finding.Rule != ruleSelfNamespace {
			t.Errorf("%+v", finding)
		}
		if finding := one(t, selfFindings(SelfConfig{}, renderedInto(t, work(good), "team-a"))); finding.Rule != ruleSelfEmbedded {
			t.Errorf("%+v", finding)
		}
		if found := selfFindings(SelfConfig{}, renderedInto(t, good, "team-a")); len(found) != 0 {
			t.Errorf("twin: %+v", found)
		}
	}
}

// A rendering may leave the namespace to where it goes.
func TestSelf_AReferenceToTheApplicationsOwnNamespaceMayBeWrittenOut(t *testing.T) {
	unnamed := strings.Replace(kustomizationOf(gatedKustomization), ", namespace: team-a", "", 1)
	for namespace, passes := range map[string]bool{"team-a": true, "team-b": false} {
		text := strings.Replace(unnamed, "name: assay-shop", "name: assay-shop, namespace: "+namespace, 1)
		if found := selfFindings(SelfConfig{}, renderedInto(t, text, "team-a")); (len(found) == 0) != passes {
			t.Errorf("%s: %+v", namespace, found)
		}
	}
}
