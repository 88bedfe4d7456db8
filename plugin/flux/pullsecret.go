package flux

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"

	"github.com/assay-gitops/assay/plugin/registry"
)

// maxPullSecret is the largest pull secret in bytes: what the API server stores
// of one (ConfigMapSecretSize of Kubernetes' validation).
const maxPullSecret = 1 << 20

// ReadPullSecret reads what a Secret says about registries, as the kubelet reads
// image pull secrets. The tenant has the Secret's namespace and name; what of
// it is passed over stands in its Ignored. An error is no denial: nothing was
// judged, and it ends when the Secret is mended. No text shows what the Secret
// holds, but for hosts.
func ReadPullSecret(secret *corev1.Secret) (*registry.Tenant, error) {
	tenant := &registry.Tenant{Name: secret.Namespace + "/" + secret.Name}
	keys := map[corev1.SecretType]string{
		corev1.SecretTypeDockerConfigJson: corev1.DockerConfigJsonKey,
		corev1.SecretTypeDockercfg:        corev1.DockerConfigKey,
	}
	key, known := keys[secret.Type]
	if !known {
		return nil, badPullSecret(tenant.Name, fmt.Sprintf("it is of the type %.80q, want %s or %s", secret.Type, corev1.SecretTypeDockerConfigJson, corev1.SecretTypeDockercfg))
	}
	data := secret.Data[key]
	switch {
	case len(data) == 0:
		return nil, badPullSecret(tenant.Name, "it has nothing under "+key)
	case len(data) > maxPullSecret:
		return nil, badPullSecret(tenant.Name, fmt.Sprintf("it is larger than %d bytes", maxPullSecret))
	}
	var err error
	tenant.Credentials, tenant.Ignored, err = registry.DockerConfigCredentials(data, key == corev1.DockerConfigKey)
	switch {
	case err != nil:
		return nil, badPullSecret(tenant.Name, err.Error())
	case len(tenant.Credentials) == 0:
		return nil, badPullSecret(tenant.Name, "it has no credential under auths")
	}
	return tenant, nil
}

func badPullSecret(secret, problem string) error {
	return waiting(reasonValuesFailed, "reading the pull secret %s: %s; make it with kubectl create secret docker-registry, or take spec.pullSecretRef out", secret, problem)
}
