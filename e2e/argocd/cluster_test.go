//go:build e2e

package argocd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// runs fails unless the Deployment has the image of that digest, now.
func (w *world) runs(deployment, digest string) {
	w.t.Helper()
	if image := fmt.Sprint(w.container(deployment)["image"]); !strings.HasSuffix(image, "@"+digest) {
		w.t.Errorf("the Deployment %s has the image %s; it should have the digest %s", deployment, image, digest)
	}
}

// gone waits until an object is no longer there: Argo CD removes in the
// background.
func (w *world) gone(kind, name string) {
	w.t.Helper()
	err := controlplane.Until(w.slowly(), func(ctx context.Context) error {
		_, err := w.Get(ctx, controlplane.Object{Kind: kind, Namespace: w.name, Name: name})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it is there"), err)
	})
	if err != nil {
		w.t.Errorf("waiting until %s %s is gone: %v", kind, name, err)
	}
}

// never fails when an object is there.
func (w *world) never(kind, namespace, name string) {
	w.t.Helper()
	_, err := w.Get(w.t.Context(), controlplane.Object{Kind: kind, Namespace: namespace, Name: name})
	if !apierrors.IsNotFound(err) {
		w.t.Errorf("%s %s should never have been in %s: %v", kind, name, namespace, err)
	}
}
