package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// findApplications lists the folders below dir that are applications.
func findApplications(ctx context.Context, dir string) (applications []string, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("looking for applications below %s: %w", dir, err)
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	roots, err := discover.Roots(ctx, discover.Tree{Root: root, Limits: plugin.DefaultLimits()})
	if err != nil {
		return nil, fmt.Errorf("looking for applications below %s: %w", dir, err)
	}
	if len(roots) == 0 {
		return nil, fmt.Errorf("looking for applications below %s: there is no chart, kustomization or manifest", dir)
	}
	for _, each := range roots {
		applications = append(applications, filepath.Join(dir, filepath.FromSlash(each.Name)))
	}
	return applications, nil
}
