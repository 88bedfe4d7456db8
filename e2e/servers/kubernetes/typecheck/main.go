// Command typecheck runs one controller of kube-controller-manager, the one that
// writes status.typeChecking of ValidatingAdmissionPolicies, as
// cmd/kube-controller-manager/app/validatingadmissionpolicystatus.go makes it.
// The whole program would need accounts and nodes, and would make them.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	apiextensionsscheme "k8s.io/apiextensions-apiserver/pkg/client/clientset/clientset/scheme"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission/plugin/policy/validating"
	"k8s.io/apiserver/pkg/cel/openapi/resolver"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	k8sscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/kubernetes/pkg/controller/validatingadmissionpolicystatus"
	"k8s.io/kubernetes/pkg/generated/openapi"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: typecheck KUBECONFIG")
		os.Exit(64)
	}
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer cancel()
	if err := run(ctx, os.Args[1]); err != nil {
		fmt.Fprintln(os.Stderr, "typecheck:", err)
		os.Exit(1)
	}
}

// run checks policies until the context ends.
func run(ctx context.Context, kubeconfig string) error {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("reading the kubeconfig: %w", err)
	}
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return fmt.Errorf("making a client: %w", err)
	}
	factory := informers.NewSharedInformerFactory(client, time.Hour)
	checker := &validating.TypeChecker{
		SchemaResolver: resolver.NewDefinitionsSchemaResolver(openapi.GetOpenAPIDefinitions, k8sscheme.Scheme, apiextensionsscheme.Scheme).
			Combine(&resolver.ClientDiscoveryResolver{Discovery: client.Discovery()}),
		RestMapper: fresh{client: client.Discovery()},
	}
	controller, err := validatingadmissionpolicystatus.NewController(
		factory.Admissionregistration().V1().ValidatingAdmissionPolicies(), client.AdmissionregistrationV1().ValidatingAdmissionPolicies(), checker)
	if err != nil {
		return fmt.Errorf("making the controller: %w", err)
	}
	factory.Start(ctx.Done())
	controller.Run(ctx, 1)
	return nil
}

// fresh asks what the API server has for every policy: a mapper that keeps it
// would not know the kinds that came later.
type fresh struct {
	meta.RESTMapper
	client discovery.DiscoveryInterface
}

// KindsFor is all that the checker asks.
func (f fresh) KindsFor(resource schema.GroupVersionResource) ([]schema.GroupVersionKind, error) {
	groups, err := restmapper.GetAPIGroupResources(f.client)
	if err != nil {
		return nil, fmt.Errorf("asking what the API server has: %w", err)
	}
	return restmapper.NewDiscoveryRESTMapper(groups).KindsFor(resource)
}
