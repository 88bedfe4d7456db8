package flux

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"

	"github.com/assay-gitops/assay/plugin/flux/v1alpha1"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/render"
)

// Accounts give readers that act as service accounts, so that a GatedSource
// reads what its own namespace may read, and nothing else.
type Accounts interface {
	// As reads as the service account of the namespace.
	As(namespace, account string) (client.Client, error)
}

// NewAccounts impersonates service accounts with the rights of config, whose
// user needs the verb impersonate on them.
func NewAccounts(config *rest.Config, options client.Options) Accounts {
	return impersonation{config, options}
}

type impersonation struct {
	config  *rest.Config
	options client.Options
}

// As implements Accounts. Connections are shared by client-go.
func (i impersonation) As(namespace, account string) (client.Client, error) {
	config := rest.CopyConfig(i.config)
	config.Impersonate = rest.ImpersonationConfig{UserName: "system:serviceaccount:" + namespace + ":" + account}
	made, err := client.New(config, i.options)
	if err != nil {
		return nil, fmt.Errorf("making a client for the service account %s/%s: %w", namespace, account, err)
	}
	return made, nil
}

// inputs are what a rendering needs besides the source.
type inputs struct {
	// variables are substituted after the build; nil when there is no postBuild.
	variables map[string]string
	// secret names the variables whose values come from Secrets, sorted.
	secret []string
	// hidden are the values that come from Secrets; no text shows them.
	hidden []string
	// values are the chart's, as render.EncodeReleaseValues writes them.
	values string
	// tenant brings credentials; nil for none.
	tenant *registry.Tenant
	// kubeVersion and apiVersions are the API server's.
	kubeVersion string
	apiVersions []string
}

// inputs reads the ConfigMaps and Secrets that the object names, as its service
// account. One that is missing waits; one that may not be read does, too.
func (r *Reconciler) inputs(ctx context.Context, object *v1alpha1.GatedSource) (inputs, *trouble) {
	var read inputs
	var err error
	account := object.Spec.ServiceAccountName
	if account == "" {
		account = r.DefaultServiceAccount
	}
	if isHelm(object) {
		if read.kubeVersion, read.apiVersions, err = r.Cluster.Capabilities(); err != nil {
			return read, unanswered("asking the API server for its version and kinds: %w", err)
		}
	}
	reader, err := r.Accounts.As(object.Namespace, account)
	if err != nil {
		return read, unanswered("%w", err)
	}
	from := asAccount{reader, object.Namespace, account}
	if err := from.fill(ctx, object, &read); err != nil {
		return read, asTrouble(err, reasonValuesFailed)
	}
	return read, nil
}

// fill reads what the object names. Nothing is asked where it names nothing.
func (a asAccount) fill(ctx context.Context, object *v1alpha1.GatedSource, read *inputs) (err error) {
	if post := postBuildOf(object); post != nil {
		if read.variables, read.secret, err = a.variables(ctx, post); err != nil {
			return err
		}
		for _, name := range read.secret {
			read.hidden = append(read.hidden, read.variables[name])
		}
	}
	if isHelm(object) {
		var hidden []string
		if read.values, hidden, err = a.values(ctx, object.Spec.Helm); err != nil {
			return err
		}
		read.hidden = append(read.hidden, hidden...)
	}
	if object.Spec.PullSecretRef != nil {
		read.tenant, err = a.pullSecret(ctx, object.Spec.PullSecretRef.Name)
	}
	return err
}

func postBuildOf(object *v1alpha1.GatedSource) *kustomizev1.PostBuild {
	if object.Spec.Kustomize == nil {
		return nil
	}
	return object.Spec.Kustomize.PostBuild
}

// asAccount reads ConfigMaps and Secrets of one namespace.
type asAccount struct {
	reader             client.Client
	namespace, account string
}

// variables are those of a postBuild. The second list names those that come
// from Secrets.
func (a asAccount) variables(ctx context.Context, post *kustomizev1.PostBuild) (map[string]string, []string, error) {
	from := make([]render.VariablesFrom, len(post.SubstituteFrom))
	for i, written := range post.SubstituteFrom {
		from[i] = render.VariablesFrom{Kind: written.Kind, Name: written.Name}
		data, found, err := a.object(ctx, written.Kind, written.Name)
		if err == nil && !found && !written.Optional {
			err = apierrors.NewNotFound(corev1.Resource(written.Kind), written.Name)
		}
		if err != nil {
			return nil, nil, a.explain(fmt.Sprintf("reading the variables of %s %s/%s (spec.kustomize.postBuild)", written.Kind, a.namespace, written.Name), err)
		}
		from[i].Data = data
	}
	variables := render.MergeVariables(post.Substitute, from)
	return variables.Values, variables.Secret, nil
}

// pullSecret reads credentials for registries. Going on without one that was
// asked for would tell of images that are not there, so nothing is judged until
// it can be read.
func (a asAccount) pullSecret(ctx context.Context, name string) (*registry.Tenant, error) {
	if len(validation.IsDNS1123Subdomain(name)) > 0 {
		return nil, stalled(reasonValuesFailed, "reading spec.pullSecretRef: %.300q is no name of a Secret; name one of namespace %s", name, a.namespace)
	}
	var secret corev1.Secret
	err := a.reader.Get(ctx, types.NamespacedName{Namespace: a.namespace, Name: name}, &secret)
	switch doing := fmt.Sprintf("reading the pull secret %s/%s (spec.pullSecretRef)", a.namespace, name); {
	case apierrors.IsNotFound(err):
		return nil, waiting(reasonValuesFailed, "%s: %w; create it, or take spec.pullSecretRef out", doing, err)
	case err != nil:
		return nil, a.explain(doing, err)
	}
	return ReadPullSecret(&secret)
}

// object reads a ConfigMap's or a Secret's data; found is false when there is
// none.
func (a asAccount) object(ctx context.Context, kind, name string) (data map[string][]byte, found bool, err error) {
	key := types.NamespacedName{Namespace: a.namespace, Name: name}
	if kind == "Secret" {
		var secret corev1.Secret
		err = a.reader.Get(ctx, key, &secret)
		data = secret.Data
	} else {
		var config corev1.ConfigMap
		err = a.reader.Get(ctx, key, &config)
		data = map[string][]byte{}
		for name, text := range config.Data {
			data[name] = []byte(text)
		}
	}
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	return data, err == nil, err
}

// explain turns what the API server answers into what to do.
func (a asAccount) explain(doing string, err error) error {
	switch {
	case apierrors.IsForbidden(err) && isImpersonation(err):
		return waiting(reasonAccessDenied, "%s as service account %s/%s: %w; let assay-source act as the service accounts of namespace %s: build manifests/flux/accounts for it", doing, a.namespace, a.account, err, a.namespace)
	case apierrors.IsForbidden(err):
		return waiting(reasonAccessDenied, "%s as service account %s/%s: %w; grant it get on that object, or name another in spec.serviceAccountName", doing, a.namespace, a.account, err)
	case apierrors.IsNotFound(err):
		return waiting(reasonValuesFailed, "%s: %w; create it, or mark the reference as optional", doing, err)
	}
	return &trouble{reason: reasonValuesFailed, err: fmt.Errorf("%s: %w", doing, err)}
}

// isImpersonation reports whether what was forbidden is to act as the service
// account, and not what that one asked for.
func isImpersonation(err error) bool {
	var told apierrors.APIStatus
	if !errors.As(err, &told) {
		return false
	}
	details := told.Status().Details
	return details != nil && details.Kind == "serviceaccounts"
}
