package verify

import (
	"errors"
	"fmt"
	"regexp"
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// demand is one compiled demand of an entry under spec.evidence.
type demand struct {
	predicate.Named
	entry string
	globs []*regexp.Regexp
	// signers are the policies whose authorities may attest.
	signers []*policy
	// beside are policies whose statements are seen as well.
	beside []*policy
}

// compileDemands compiles the gate's demands on attestations. One that nobody may meet
// is refused: it would deny every image, whatever its author meant.
func (v *Verifier) compileDemands(entries []gate.Evidence) error {
	var problems []error
	for _, entry := range entries {
		made, err := v.compileEntry(entry)
		if err != nil {
			problems = append(problems, refuse(entry.At, "evidence %s: %w", entry.Name, err))
		}
		v.demands = append(v.demands, made...)
	}
	return errors.Join(problems...)
}

func (v *Verifier) compileEntry(entry gate.Evidence) ([]demand, error) {
	base := demand{entry: entry.Name}
	for _, glob := range entry.Images {
		compiled, err := compileGlob(glob)
		if err != nil {
			return nil, err
		}
		base.globs = append(base.globs, compiled)
	}
	if err := v.setSigners(&base, entry.Signers); err != nil {
		return nil, err
	}
	named, err := predicate.Demands(entry, predicate.Terms{VEX: v.config.VEX, Limits: v.config.Limits})
	if err != nil {
		return nil, err
	}
	if len(named) == 0 {
		return nil, errors.New("it asks for nothing")
	}
	var made []demand
	for _, one := range named {
		whole := base
		whole.Named = one
		if whole.beside, err = v.find(one.Witnesses); err != nil {
			return nil, err
		}
		made = append(made, whole)
	}
	return made, nil
}

// setSigners finds the policies by name; without names, all that trust somebody and
// are enforced: one that only warns is being tried out.
func (v *Verifier) setSigners(made *demand, names []string) error {
	if len(names) > 0 {
		var err error
		made.signers, err = v.find(names)
		return err
	}
	for i := range v.policies {
		if one := &v.policies[i]; one.trusts() && one.level == plugin.Deny {
			made.signers = append(made.signers, one)
		}
	}
	if len(made.signers) == 0 {
		return errors.New("nobody may attest: no ClusterImagePolicy of the gate that is enforced has a key or an identity; name one in signers")
	}
	return nil
}

// find are the policies of these names, required or not.
func (v *Verifier) find(names []string) ([]*policy, error) {
	var found []*policy
	for _, list := range [][]policy{v.policies, v.witnesses} {
		for i := range list {
			if one := &list[i]; one.trusts() && slices.Contains(names, one.name) {
				found = append(found, one)
			}
		}
	}
	for _, name := range names {
		if !slices.ContainsFunc(found, func(p *policy) bool { return p.name == name }) {
			return nil, fmt.Errorf("signer %s is no ClusterImagePolicy with a key or an identity", name)
		}
	}
	return found, nil
}

// trusts reports whether a policy trusts somebody to sign.
func (p *policy) trusts() bool {
	return slices.ContainsFunc(p.authorities, func(a authority) bool { return a.signs() })
}

// signs reports whether somebody's bundles or older signatures are looked for.
func (a *authority) signs() bool { return a.static.Action == "" && a.notation == nil }

// covers reports whether the demand is about the image.
func (d *demand) covers(image plugin.Image) bool {
	return len(d.globs) == 0 || (&policy{globs: d.globs}).covers(image)
}

// isSignature reports whether a type is that of an image's signature.
func isSignature(predicateType string) bool { return predicateType == signPredicate }

// reads reports whether any rule of the gate looks at statements of a type.
func (s *session) reads(predicateType string) bool {
	for i := range s.policies {
		if s.policies[i].reads(predicateType) {
			return true
		}
	}
	return slices.ContainsFunc(s.demands, func(d demand) bool { return d.Demand.Reads(predicateType) })
}

// wants reports which types the rules that cover an image look at, so that
// nothing else beside it is read, and all of it at once.
func (s *session) wants(image plugin.Image) func(predicateType string) bool {
	var policies []*policy
	for i := range s.policies {
		if s.policies[i].covers(image) {
			policies = append(policies, &s.policies[i])
		}
	}
	var demands []*demand
	for i := range s.demands {
		if s.demands[i].covers(image) {
			demands = append(demands, &s.demands[i])
		}
	}
	return func(predicateType string) bool {
		return slices.ContainsFunc(policies, func(p *policy) bool { return p.reads(predicateType) }) ||
			slices.ContainsFunc(demands, func(d *demand) bool { return d.Demand.Reads(predicateType) })
	}
}

// reads reports whether a policy looks at statements of a type.
func (p *policy) reads(predicateType string) bool {
	for i := range p.authorities {
		one := &p.authorities[i]
		switch {
		case !one.signs():
		case len(one.attestations) == 0 && isSignature(predicateType):
			return true
		case slices.ContainsFunc(one.attestations, func(a attestation) bool { return a.predicateType == predicateType }):
			return true
		}
	}
	return false
}
