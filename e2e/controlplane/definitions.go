package controlplane

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// Define gives the cluster the CustomResourceDefinitions of a folder, one a
// file, and waits until they are served: a controller that starts before asks
// again after ten seconds only.
func (c *Cluster) Define(ctx context.Context, folder string) error {
	files, err := filepath.Glob(filepath.Join(folder, "*.yaml"))
	if err != nil || len(files) == 0 {
		return fmt.Errorf("looking for the resource definitions in %s: %w", folder, errors.Join(err, os.ErrNotExist))
	}
	var kinds []string
	for _, file := range files {
		if filepath.Base(file) == "kustomization.yaml" {
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if err := c.Apply(ctx, string(text)); err != nil {
			return err
		}
		defined, err := kindsOf(text)
		if err != nil {
			return fmt.Errorf("reading %s: %w", file, err)
		}
		kinds = append(kinds, defined...)
	}
	for _, kind := range kinds {
		err := Until(ctx, func(ctx context.Context) error {
			_, err := c.List(ctx, kind, "")
			return err
		})
		if err != nil {
			return fmt.Errorf("waiting until %s is served: %w", kind, err)
		}
	}
	return nil
}

// kindsOf are the served kinds of a definition, as [Object] has them.
func kindsOf(definition []byte) ([]string, error) {
	object := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(definition, &object.Object); err != nil {
		return nil, err
	}
	group, _, errGroup := unstructured.NestedString(object.Object, "spec", "group")
	kind, _, errKind := unstructured.NestedString(object.Object, "spec", "names", "kind")
	versions, _, err := unstructured.NestedSlice(object.Object, "spec", "versions")
	var kinds []string
	for _, version := range versions {
		if version, ok := version.(map[string]any); ok && version["served"] == true {
			kinds = append(kinds, fmt.Sprintf("%s.%s.%s", kind, version["name"], group))
		}
	}
	return kinds, errors.Join(errGroup, errKind, err)
}
