//go:build e2e

package flux

import (
	"context"
	"os"
	"testing"

	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/clientcmd"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"

	sourcev1 "github.com/fluxcd/source-controller/api/v1"

	"github.com/assay-gitops/assay/e2e/controlplane"
	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
)

// TestMain runs the package's tests against a real kube-apiserver with Flux's
// definitions and our own, and without Flux's controllers.
func TestMain(m *testing.M) {
	os.Exit(controlplane.Main(m, func(ctx context.Context, dir string) (stop func(), err error) {
		cluster, err := controlplane.Start(ctx, dir)
		if err != nil {
			return nil, err
		}
		if err := cluster.DefineFlux(ctx); err != nil {
			return cluster.Stop, err
		}
		if err := cluster.Define(ctx, "../../manifests/flux/crd"); err != nil {
			return cluster.Stop, err
		}
		newClient = func(t *testing.T, scheme *runtime.Scheme) client.Client { return realClient(t, cluster, scheme) }
		return cluster.Stop, nil
	}))
}

// realClient starts a test with an empty namespace.
func realClient(t *testing.T, cluster *controlplane.Cluster, scheme *runtime.Scheme) client.Client {
	t.Helper()
	config, err := clientcmd.BuildConfigFromFlags("", cluster.Kubeconfig)
	if err != nil {
		t.Fatal(err)
	}
	config.QPS = -1 // as fast as the server answers
	ctrl.SetLogger(logr.Discard())
	c, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: "team-a"}}
	if err := c.Create(t.Context(), namespace); err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
	var gated v1alpha1.GatedSourceList
	if err := c.List(t.Context(), &gated); err != nil {
		t.Fatal(err)
	}
	for i := range gated.Items { // of the test before; its finalizer is ours
		gated.Items[i].Finalizers = nil
		if err := c.Update(t.Context(), &gated.Items[i]); err != nil {
			t.Fatal(err)
		}
	}
	for _, kind := range []client.Object{&v1alpha1.GatedSource{}, &sourcev1.ExternalArtifact{}, &sourcev1.GitRepository{}, &corev1.Secret{}} {
		if err := c.DeleteAllOf(t.Context(), kind, client.InNamespace("team-a")); err != nil {
			t.Fatal(err)
		}
	}
	return c
}
