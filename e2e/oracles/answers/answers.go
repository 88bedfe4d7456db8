// Package answers asks assay about images, in the few words that it shares with
// the programs that it is compared with.
package answers

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify"
)

// Answer is what a program says about one image under one policy.
type Answer string

// The answers. Only the first two let the image run.
const (
	Admitted Answer = "admitted"
	// Warned is admitted with a warning.
	Warned Answer = "admitted with a warning"
	Denied Answer = "denied"
	// NoAnswer is assay's third answer; no other program gives it.
	NoAnswer Answer = "undetermined"
	// Refused means that the policy itself was not accepted.
	Refused Answer = "policy refused"
)

// Assay is one gate's trust rules.
type Assay struct{ verifier *verify.Verifier }

// Load reads policies and trust roots from files, as a gate does, and refuses
// what a gate refuses. Images are read over plain HTTP from the host.
func Load(host string, files ...string) (*Assay, error) {
	return LoadFrom(registry.Host{Host: host, Private: true, PlainHTTP: true}, files...)
}

// LoadFrom is [Load] for a host that asks for more.
func LoadFrom(host registry.Host, files ...string) (*Assay, error) {
	config, err := gate.Load(files...)
	if err != nil {
		return nil, fmt.Errorf("loading the gate's configuration: %w", err)
	}
	client, err := registry.New(registry.Options{Hosts: []registry.Host{host}})
	if err != nil {
		return nil, fmt.Errorf("making a registry client: %w", err)
	}
	verifier, err := verify.New(verify.Config{
		Gate: "oracle", Policies: config.ImagePolicies, TrustRoots: config.TrustRoots, NoMatch: plugin.Deny,
		Limits: plugin.DefaultLimits(), Clock: time.Now,
	}, client)
	if err != nil {
		return nil, fmt.Errorf("making a verifier: %w", err)
	}
	return &Assay{verifier: verifier}, nil
}

// Ask asks about one image by digest. The text says why.
func (a *Assay) Ask(ctx context.Context, reference string) (Answer, string) {
	parsed, err := plugin.ParseReference(reference)
	if err != nil {
		return Refused, err.Error()
	}
	review := a.verifier.Verify(ctx, []plugin.Image{{Written: reference, Reference: parsed, Digest: parsed.Digest}})[0]
	worst, why := plugin.Info, []string{}
	for _, finding := range review.Findings {
		worst = min(worst, finding.Level)
		why = append(why, finding.Message)
		why = append(why, finding.Details...)
	}
	text := strings.Join(why, "; ")
	switch {
	case worst == plugin.Deny:
		return Denied, text
	case worst == plugin.Undetermined:
		return NoAnswer, text
	case worst == plugin.Warn:
		return Warned, text
	case len(review.Evidence) > 0:
		return Admitted, text
	}
	return Denied, "neither evidence nor a finding"
}
