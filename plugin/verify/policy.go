package verify

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/google/go-containerregistry/pkg/name"
)

// policy is one compiled ClusterImagePolicy.
type policy struct {
	name        string
	at          plugin.Origin
	globs       []*regexp.Regexp
	authorities []authority
	// level is what a failure means: Deny, or Warn for mode: warn.
	level plugin.Level
	// statement is set for a statement of a Notation trust policy, which is a
	// policy with one authority.
	statement *notation.Statement
}

// compiler turns declared policies into compiled ones.
type compiler struct {
	roots   map[string]*trustRoot
	files   files
	service keyService
	clock   func() time.Time
}

func (c compiler) policy(declared gate.ClusterImagePolicy) (policy, error) {
	compiled := policy{name: declared.Metadata.Name, at: declared.At}
	var problems []error
	report := func(at plugin.Origin, format string, arguments ...any) {
		if at == (plugin.Origin{}) {
			at = declared.At
		}
		problems = append(problems, asNoAnswer(refuse(at, "ClusterImagePolicy %s: %w", declared.Metadata.Name, fmt.Errorf(format, arguments...))))
	}
	if compiled.name == "" {
		report(declared.At, "it has no name")
	}
	var err error
	if compiled.level, err = modeLevel(declared.Spec.Mode); err != nil {
		report(declared.At, "%v", err)
	}
	if len(declared.Spec.Images) == 0 {
		report(declared.At, "it covers no images")
	}
	for _, pattern := range declared.Spec.Images {
		glob, err := compileGlob(pattern.Glob)
		if err != nil {
			report(declared.At, "%v", err)
		}
		compiled.globs = append(compiled.globs, glob)
	}
	if len(declared.Spec.Authorities) == 0 {
		report(declared.At, "it has no authorities, so nothing could vouch for an image")
	}
	for i, authority := range declared.Spec.Authorities {
		one, err := c.authority(declared.At, authority)
		if err != nil {
			report(authority.At, "authority %s: %w", authorityName(authority, i), err)
		}
		one.name = authorityName(authority, i)
		compiled.authorities = append(compiled.authorities, one)
	}
	return compiled, errors.Join(problems...)
}

// byAttestations reports whether the policy asks for attestations alone.
func (p *policy) byAttestations() bool {
	asks := false
	for i := range p.authorities {
		if one := &p.authorities[i]; one.static.Action == "" {
			if len(one.attestations) == 0 {
				return false
			}
			asks = true
		}
	}
	return asks
}

// asNoAnswer keeps "could not look" apart from "refused" for whoever asked for
// the verifier: a key service's silence says nothing against the rule.
func asNoAnswer(problem error) error {
	var silent *plugin.StageError
	if errors.As(problem, &silent) {
		return &plugin.StageError{Stage: "verify", Hint: silent.Hint, Cause: problem}
	}
	return problem
}

// authorityName is the name that policy-controller gives to one without.
func authorityName(authority gate.Authority, index int) string {
	if authority.Name != "" {
		return authority.Name
	}
	return fmt.Sprintf("authority-%d", index)
}

func modeLevel(mode string) (plugin.Level, error) {
	switch mode {
	case "", "enforce":
		return plugin.Deny, nil
	case "warn":
		return plugin.Warn, nil
	}
	return plugin.Deny, fmt.Errorf("mode is %q, want enforce or warn", mode)
}

// authority compiles one way to vouch.
func (c compiler) authority(policyAt plugin.Origin, declared gate.Authority) (authority, error) {
	compiled := authority{clock: c.clock}
	var err error
	if compiled.attestations, err = c.attestations(declared.Attestations); err != nil {
		return compiled, err
	}
	if err := checkKinds(declared); err != nil {
		return compiled, err
	}
	if declared.Static != nil {
		compiled.static = *declared.Static
		return compiled, nil
	}
	if err := compiled.setFormats(declared.SignatureFormat); err != nil {
		return compiled, err
	}
	if err := compiled.setSource(declared.Source); err != nil {
		return compiled, err
	}
	if declared.Key != nil {
		keys, err := c.keys(policyAt, *declared.Key)
		if err != nil {
			return compiled, err
		}
		compiled.keys = keys
	} else if err := compiled.setIdentities(declared.Keyless.Identities); err != nil {
		return compiled, err
	}
	return compiled, c.setDemands(&compiled, declared)
}

func checkKinds(declared gate.Authority) error {
	kinds := 0
	for _, set := range []bool{declared.Static != nil, declared.Key != nil, declared.Keyless != nil} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		return fmt.Errorf("it needs exactly one of key, keyless and static, and has %d", kinds)
	}
	if declared.Static == nil {
		return nil
	}
	if declared.Static.Action != "pass" && declared.Static.Action != "fail" {
		return fmt.Errorf("static.action is %q, want pass or fail", declared.Static.Action)
	}
	if len(declared.Source) > 0 || declared.CTLog != nil || declared.RFC3161Timestamp != nil || declared.SignatureFormat != "" || len(declared.Attestations) > 0 {
		return errors.New("static takes neither source nor ctlog, rfc3161timestamp, signatureFormat or attestations")
	}
	return nil
}

func (a *authority) setFormats(format string) error {
	switch format {
	case "":
		a.bundles, a.legacy = true, true
	case "bundle":
		a.bundles = true
	case "legacy":
		a.legacy = true
	default:
		return fmt.Errorf("signatureFormat is %q, want bundle or legacy", format)
	}
	return nil
}

func (a *authority) setSource(sources []gate.SignatureSource) error {
	if len(sources) > 1 {
		return errors.New("only one source is supported")
	}
	for _, source := range sources {
		repository, err := name.NewRepository(source.OCI)
		if err != nil {
			return fmt.Errorf("source.oci: %w", err)
		}
		a.source = repository.Name()
	}
	return nil
}

func (a *authority) setIdentities(declared []gate.Identity) error {
	if len(declared) == 0 {
		return errors.New("keyless needs identities; without them every certificate of that authority would do")
	}
	for i, one := range declared {
		compiled, err := compileIdentity(one)
		if err != nil {
			return fmt.Errorf("identities[%d]: %w", i, err)
		}
		a.identities = append(a.identities, compiled)
	}
	return nil
}

func sortedNames[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// noun is what the policy asks for.
func (p *policy) noun() string {
	if p.byAttestations() {
		return "attestation"
	}
	return "signature"
}
