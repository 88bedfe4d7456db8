package render

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// TestFlux_WhatIsPublishedIsAppliedAsItIs: the Kustomization that consumes the
// sealed manifests builds them once more, and nothing may change by that.
func TestFlux_WhatIsPublishedIsAppliedAsItIs(t *testing.T) {
	for _, tree := range fluxTrees() {
		for name, parameters := range fieldsFor(tree) {
			rendering, err := renderedAsFlux(t, tree, parameters)
			if err != nil {
				continue // refusals are compared elsewhere
			}
			sealed, err := plugin.YAMLEncoding{}.Encode(rendering.Objects)
			if err != nil {
				t.Fatal(err)
			}
			published := fluxTree{path: ".", files: map[string]string{
				"manifests.yaml": string(sealed), "kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- manifests.yaml\n",
			}}
			consumed, err := fluxOracle(t, published, plugin.FluxParameters{})
			if err != nil {
				t.Errorf("%s, %s: %v", tree.name, name, err)
				continue
			}
			t.Run(tree.name+"/"+name, func(t *testing.T) { compareFlux(t, consumed, rendering.Objects) })
		}
	}
}

func TestFlux_WorkersRenderTheSame(t *testing.T) {
	workers := newWorkers(t, nil)
	tree := fluxTrees()[1]
	for name, parameters := range fluxFields() {
		t.Run(name, func(t *testing.T) {
			source := plugin.Source{Root: writeTree(t, tree.files), Path: tree.path, Parameters: fluxWith(parameters)}
			want, wantErr := newRenderer().Render(t.Context(), source)
			got, err := workers.Render(t.Context(), source)
			if (err == nil) != (wantErr == nil) || err != nil && err.Error() != wantErr.Error() {
				t.Fatalf("a worker says %v, this process %v", err, wantErr)
			}
			if err != nil {
				return
			}
			var objects []map[string]any
			for _, object := range want.Objects {
				objects = append(objects, object.Fields)
			}
			compareFlux(t, objects, got.Objects)
			if len(got.Findings) != len(want.Findings) {
				t.Errorf("findings %v, want %v", got.Findings, want.Findings)
			}
		})
	}
}
