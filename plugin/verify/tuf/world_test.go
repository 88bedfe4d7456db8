package tuf_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

// repository is a mirror in memory that counts what is read of it.
type repository struct {
	*throwaway.Mirror

	asked []string
	// broken answers in the place of the mirror, where it is set.
	broken func(path string) ([]byte, error)
}

func newRepository(t *testing.T, trustedRoot string) *repository {
	t.Helper()
	mirror, err := throwaway.NewMirror([]byte(trustedRoot))
	if err != nil {
		t.Fatal(err)
	}
	return &repository{Mirror: mirror}
}

// File implements tuf.Source.
func (r *repository) File(ctx context.Context, path string, limit int64) ([]byte, error) {
	r.asked = append(r.asked, path)
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	if r.broken != nil {
		if data, err := r.broken(path); data != nil || err != nil {
			return data, err
		}
	}
	data, found := r.Files()[path]
	switch {
	case !found:
		return nil, fmt.Errorf("%s: %w", path, registry.ErrNotFound)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s is over the limit", path)
	}
	return data, nil
}

func (r *repository) mirror() tuf.Mirror {
	return tuf.Mirror{Name: "private", Address: "https://tuf.example.com", Root: r.Root(), Targets: "targets", Target: "trusted_root.json"}
}

// update asks the mirror and expects a copy.
func (r *repository) update(t *testing.T, known *tuf.Copy) *tuf.Copy {
	t.Helper()
	made, err := tuf.Update(t.Context(), r, r.mirror(), known, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// publish offers another trusted root and expects no trouble.
func (r *repository) publish(t *testing.T, trustedRoot string) {
	t.Helper()
	if err := r.Publish([]byte(trustedRoot)); err != nil {
		t.Fatal(err)
	}
}
