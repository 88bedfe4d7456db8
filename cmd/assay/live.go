package main

import (
	"context"
	"fmt"
	"io"
	"os"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/render"
)

// readLive reads objects as they are in the cluster, in what `kubectl get -o
// yaml` prints. Without a file there are none.
func readLive(ctx context.Context, path string) ([]plugin.Object, error) {
	if path == "" {
		return nil, nil
	}
	limits := plugin.DefaultLimits()
	data, err := readBounded(path, limits.RenderedBytes)
	if err != nil {
		return nil, fmt.Errorf("reading the live objects: %w", err)
	}
	rendering, err := render.New(render.Options{Limits: limits}).Render(ctx, plugin.Source{Rendered: data})
	if err != nil { // also when there are no objects
		return nil, fmt.Errorf("reading the live objects of %s: %w; write them with kubectl get KIND -o yaml", path, err)
	}
	return rendering.Objects, nil
}

// readBounded reads a file of no more than that many bytes.
func readBounded(path string, most int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	data, err := io.ReadAll(io.LimitReader(file, most+1))
	if err != nil {
		return nil, err
	}
	if int64(len(data)) > most {
		return nil, fmt.Errorf("%s holds more than %d bytes (limit renderedBytes)", path, most)
	}
	return append([]byte{}, data...), nil // an empty file is one, too
}
