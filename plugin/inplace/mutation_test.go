package inplace_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// sidecars is a platform's mutation that adds a container to each Deployment.
type sidecars struct{}

func (sidecars) Mutate(_ context.Context, rendering plugin.Unmutated) ([]plugin.Object, []plugin.Finding) {
	objects := make([]plugin.Object, len(rendering.Objects))
	for i, object := range rendering.Objects {
		objects[i] = object.DeepCopy()
		template, _ := objects[i].Fields["spec"].(map[string]any)["template"].(map[string]any)
		spec, _ := template["spec"].(map[string]any)
		containers, _ := spec["containers"].([]any)
		spec["containers"] = append(containers, map[string]any{"name": "mesh", "image": "registry.example.com/mesh:1"})
	}
	return objects, nil
}

// TestMake_WhatAMutationPutsThere_IsNotWritten: the container is not in the
// source, so neither are its settings.
func TestMake_WhatAMutationPutsThere_IsNotWritten(t *testing.T) {
	for name, files := range map[string]map[string]string{
		"plain":     {"app/web.yaml": deployment},
		"kustomize": {"app/web.yaml": deployment, "app/kustomization.yaml": "resources: [web.yaml]\n"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, gate.Harden{}, files)
			s.Mutator = sidecars{}
			plan := s.make(t)
			if len(plan.Files) > 0 || len(plan.Left) != 1 || !strings.Contains(strings.Join(plan.Left[0].Settings, "\n"), "[name=mesh]") {
				t.Errorf("%+v", plan)
			}
		})
	}
}
