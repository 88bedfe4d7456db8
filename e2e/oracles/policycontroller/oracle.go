// Package policycontroller asks sigstore's policy-controller about images, by
// its own package and with the same ClusterImagePolicy files that assay reads.
package policycontroller

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/sigstore/policy-controller/pkg/apis/config"
	"github.com/sigstore/policy-controller/pkg/apis/policy/v1alpha1"
	"github.com/sigstore/policy-controller/pkg/policy"
	"github.com/sigstore/policy-controller/pkg/webhook"
	"github.com/sigstore/policy-controller/pkg/webhook/clusterimagepolicy"
	"github.com/sigstore/sigstore-go/pkg/root"
	"go.uber.org/zap"
	"knative.dev/pkg/apis"
	"knative.dev/pkg/logging"
	"sigs.k8s.io/yaml"
)

// Controller holds what policy-controller's reconcilers would have put into its
// two ConfigMaps: policies and trust roots.
type Controller struct {
	policies config.ImagePolicyConfig
	roots    config.SigstoreKeysMap
}

// Load validates policies as the admission webhook does, and compiles them as
// the reconciler does. Inline maps names to TrustRoot files with sigstoreKeys,
// fetched to trusted_root.json files, which policy-controller would have from a
// TUF repository.
func Load(ctx context.Context, inline, fetched map[string]string, policies ...string) (*Controller, error) {
	c := &Controller{
		policies: config.ImagePolicyConfig{Policies: map[string]clusterimagepolicy.ClusterImagePolicy{}},
		roots:    config.SigstoreKeysMap{SigstoreKeys: map[string]*config.SigstoreKeys{}},
	}
	for trustRoot, file := range inline {
		if err := c.inline(ctx, trustRoot, file); err != nil {
			return nil, fmt.Errorf("loading TrustRoot %s: %w", trustRoot, err)
		}
	}
	for trustRoot, file := range fetched {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("loading TrustRoot %s: %w", trustRoot, err)
		}
		if c.roots.SigstoreKeys[trustRoot], err = root.NewTrustedRootProtobuf(data); err != nil {
			return nil, fmt.Errorf("loading TrustRoot %s: %w", trustRoot, err)
		}
	}
	for _, file := range policies {
		if err := c.policyFile(ctx, file); err != nil {
			return nil, fmt.Errorf("loading policies: %w", err)
		}
	}
	return c, nil
}

func (c *Controller) inline(ctx context.Context, trustRoot, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var declared v1alpha1.TrustRoot
	if err := yaml.UnmarshalStrict(data, &declared); err != nil {
		return err
	}
	if err := declared.Validate(ctx); err != nil {
		return err
	}
	c.roots.SigstoreKeys[trustRoot], err = config.ConvertSigstoreKeys(ctx, declared.Spec.SigstoreKeys)
	return err
}

func (c *Controller) policyFile(ctx context.Context, file string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	declared, _, err := policy.ParseClusterImagePolicies(ctx, string(data))
	if err != nil {
		return err
	}
	for _, one := range declared {
		one.SetDefaults(ctx)
		// The reconciler writes JSON and the webhook reads it: keys are parsed
		// while reading.
		encoded, err := json.Marshal(clusterimagepolicy.ConvertClusterImagePolicyV1alpha1ToWebhook(one))
		if err != nil {
			return err
		}
		var compiled clusterimagepolicy.ClusterImagePolicy
		if err := json.Unmarshal(encoded, &compiled); err != nil {
			return err
		}
		c.policies.Policies[one.Name] = compiled
	}
	return nil
}

// Ask answers as the admission webhook does with no-match-policy deny: all
// policies that match are required.
func (c *Controller) Ask(ctx context.Context, reference string) (answers.Answer, string) {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return answers.Refused, err.Error()
	}
	ctx = logging.WithLogger(ctx, zap.NewNop().Sugar())
	ctx = config.ToContext(ctx, &config.Config{ImagePolicyConfig: &c.policies, SigstoreKeysConfig: &c.roots})
	matching, err := c.policies.GetMatchingPolicies(parsed.Name(), "Pod", "v1", nil)
	if err != nil {
		return answers.Denied, err.Error()
	}
	if len(matching) == 0 {
		return answers.Denied, "no matching policies"
	}
	answer, why := answers.Admitted, ""
	for _, one := range matching {
		result, problems := webhook.ValidatePolicy(ctx, "default", parsed, one, authn.DefaultKeychain)
		if result != nil {
			continue // one authority vouches, the errors are the others'
		}
		why += fmt.Sprint(errors.Join(problems...))
		if !onlyWarnings(problems) {
			return answers.Denied, why
		}
		answer = answers.Warned
	}
	return answer, why
}

// onlyWarnings is how the webhook tells mode: warn: every error is a field error
// of that level. No result and no error is a failure too.
func onlyWarnings(problems []error) bool {
	for _, problem := range problems {
		var field *apis.FieldError
		if !errors.As(problem, &field) || field.Filter(apis.ErrorLevel) != nil {
			return false
		}
	}
	return len(problems) > 0
}
