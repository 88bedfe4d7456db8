package setup

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/harden"
	"github.com/assay-gitops/assay/plugin/mutate"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify"
)

// build makes the pipeline that gates mean together.
func (s *Setup) build(gates []gate.Gate) (*plugin.Pipeline, error) {
	effective, err := gate.Combine(gates)
	if err != nil {
		return nil, err
	}
	undeclared, err := undeclaredLevel(effective.Undeclared)
	if err != nil {
		return nil, err
	}
	client, err := s.client(effective)
	if err != nil {
		return nil, err
	}
	pipeline := &plugin.Pipeline{
		Renderer:    s.renderer(effective, client),
		Finder:      plugin.ImageFinder{Fields: effective.ImageFields, Undeclared: undeclared},
		Lock:        s.lockPolicy(effective),
		Resolver:    client,
		Encoding:    s.options.Encoding,
		Always:      []plugin.Judge{policy.NewSelf(selfConfig(effective))},
		Pin:         effective.Pin,
		MaxFindings: effective.Limits.FindingsPerVerdict,
		Clock:       s.options.Clock,
		KeepObjects: s.options.KeepObjects,
		Progress:    s.options.Progress,
	}
	if pipeline.Mutator, err = s.mutator(effective); err != nil {
		return nil, err
	}
	readsUsers := false
	if effective.Harden && (effective.Profile != "none" || effective.More != (gate.Harden{})) {
		hardener, err := harden.New(harden.Config{Profile: effective.Profile, More: effective.More, Namespaces: effective.Namespaces, Volumes: effective.Limits.ImageVolumes})
		if err != nil {
			return nil, fmt.Errorf("setting up hardening: %w", err)
		}
		pipeline.Hardener, readsUsers = hardener, hardener.ReadsUsers()
	}
	if pipeline.Hardener != nil || len(effective.Platforms) > 0 || effective.MaxBuildAge > 0 {
		pipeline.Inspector = registry.Inspector{Client: client, Platforms: effective.Platforms, SkipConfig: pipeline.Hardener == nil && effective.MaxBuildAge == 0, Users: readsUsers}
	}
	for _, each := range effective.Gates {
		stages, err := s.stages(each, effective, client)
		if err != nil {
			return nil, err
		}
		pipeline.Gates = append(pipeline.Gates, stages)
	}
	if effective.Platform && !s.options.ReleasesApart {
		pipeline.Always = append(pipeline.Always, newReleases(*pipeline, effective, hostCharts(client, effective)))
	}
	return pipeline, nil
}

// mutator compiles the platform's mutations also where hardening is off, so that
// a broken policy is told before it is switched on.
func (s *Setup) mutator(effective gate.Effective) (plugin.Mutator, error) {
	compiled, err := s.mutators.Compile(mutate.Config{Gates: effective, Documents: s.options.Config.Documents})
	if err != nil {
		return nil, err
	}
	s.warn(compiled.Warnings)
	if compiled.Mutator == nil || !effective.Harden {
		return nil, nil // a nil interface, which is none
	}
	return compiled.Mutator, nil
}

func (s *Setup) lockPolicy(effective gate.Effective) plugin.LockPolicy {
	policy := effective.LockPolicy(s.options.LockRequired)
	policy.FileBytes = effective.Limits.FileBytes
	return policy
}

// stages are what one gate decides alone.
func (s *Setup) stages(each gate.Gate, effective gate.Effective, client *registry.Client) (plugin.GateStages, error) {
	config := s.options.Config
	noMatch := plugin.Deny
	if each.Spec.Trust.NoMatch == "Warn" || s.options.Lenient {
		noMatch = plugin.Warn
	}
	verifier, err := s.verifier(func(mirrored map[string]verify.Mirrored) (*verify.Verifier, error) {
		return verify.New(verify.Config{
			Gate:       each.Metadata.Name,
			Policies:   config.PoliciesOf(each),
			Evidence:   each.Spec.Evidence,
			VEX:        each.Spec.VEX,
			Witnesses:  config.WitnessesOf(each),
			TrustRoots: config.TrustRoots,
			Mirrored:   mirrored,
			NoMatch:    noMatch,
			Platforms:  each.Spec.Trust.Platforms,
			Limits:     effective.Limits,
			Clock:      s.options.Clock,
			Dir:        workingDir,
			Scanner:    s.options.Scanner,
			Notation:   verify.Notation{Declared: each.Spec.Trust.Notation, At: each.At, Transport: client.Transport()},
		}, client)
	})
	if err != nil {
		return plugin.GateStages{}, fmt.Errorf("setting up the trust rules of gate %q: %w", each.Metadata.Name, err)
	}
	compiled, err := s.compiler.Compile(policy.Config{Gate: each, Documents: config.Documents, WaiverTerms: effective.WaiverTerms})
	if err != nil {
		return plugin.GateStages{}, err
	}
	s.warn(compiled.Warnings)
	return plugin.GateStages{
		Name:      each.Metadata.Name,
		Deny:      each.Spec.Switches.Deny.IsOn(),
		Verifiers: []plugin.Verifier{verifier},
		Judges:    append(slices.Clone(compiled.Judges), trustEnds{verifier}),
		Decider:   gate.NewDecider(each, effective.WaiverTerms),
	}, nil
}

// trustEnds warns in every verdict of a gate about the trust roots that its rules
// use and that end soon: whoever reads verdicts need not read logs.
type trustEnds struct{ verifier plugin.Verifier }

// Judge implements plugin.Judge.
func (t trustEnds) Judge(context.Context, plugin.Sealed) []plugin.Finding {
	if roots, knows := t.verifier.(interface{ EndingRoots() []plugin.Finding }); knows {
		return roots.EndingRoots()
	}
	return nil
}

// warn keeps what compiling said, once: every gate is compiled alone first.
func (s *Setup) warn(warnings []plugin.Finding) {
	for _, warning := range warnings {
		known := slices.ContainsFunc(s.warnings, func(w plugin.Finding) bool {
			return w.Rule == warning.Rule && w.Origin == warning.Origin && w.Message == warning.Message
		})
		if !known {
			s.warnings = append(s.warnings, warning)
		}
	}
}

func selfConfig(effective gate.Effective) policy.SelfConfig {
	config := policy.SelfConfig{
		Platform: effective.Platform, ProtectedNamespaces: effective.ProtectedNamespaces, Namespaces: effective.Namespaces,
	}
	for _, each := range effective.Gates {
		minimum := each.Spec.Judge.PodSecurity
		if minimum != nil && (config.PodSecurity == nil || strictness(minimum.Level) > strictness(config.PodSecurity.Level)) {
			config.PodSecurity = minimum
		}
		if admission := each.Spec.Judge.PodSecurityAdmission; admission != nil {
			config.Admission = append(config.Admission, *admission)
		}
	}
	return config
}

// strictness orders the Pod Security levels; the gate has checked the name.
func strictness(level string) int {
	return cmp.Or(map[string]int{"privileged": 1, "baseline": 2, "restricted": 3}[level], 3)
}

func undeclaredLevel(written string) (plugin.Level, error) {
	switch written {
	case "Deny":
		return plugin.Deny, nil
	case "Warn":
		return plugin.Warn, nil
	case "Ignore":
		return plugin.Info, nil
	}
	return plugin.Deny, fmt.Errorf("setting up images.undeclared: %q is none of Deny, Warn, Ignore", written)
}
