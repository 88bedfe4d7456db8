package verify

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/predicate"
)

// attestation is one compiled statement that an authority asks for.
type attestation struct {
	name          string
	predicateType string
	// condition is nil when any statement of the type will do.
	condition predicate.Condition
}

func (c compiler) attestations(declared []gate.Attestation) ([]attestation, error) {
	var compiled []attestation
	for _, one := range declared {
		if one.Name == "" || one.PredicateURI() == "" {
			return nil, fmt.Errorf("attestation %q needs a name and a predicateType", one.Name)
		}
		made := attestation{name: one.Name, predicateType: one.PredicateURI()}
		if one.Policy != nil {
			condition, err := predicate.NewCondition(one.Policy.Type, one.Policy.Data)
			if err != nil {
				return nil, fmt.Errorf("attestation %s: policy (%s): %w", one.Name, one.Policy.At, err)
			}
			made.condition = condition
		}
		compiled = append(compiled, made)
	}
	return compiled, nil
}

// judgeStatements asks one authority for all of its attestations among what was
// found. It vouches when each is there; then every statement is evidence.
func (s *session) judgeStatements(ctx context.Context, policy *policy, one *authority, found foundAt) outcome {
	var result outcome
	var met []accepted
	missing := 0
	for _, wanted := range one.attestations {
		got, ok := s.findStatement(ctx, one, wanted, found, &result)
		if !ok {
			missing++
			continue
		}
		met = append(met, got)
	}
	for _, refused := range found.refused {
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: %s", one.name, refused))
	}
	result.unseen, result.transient = slices.Clone(found.unseen), found.transient
	if missing > 0 {
		return result
	}
	for _, got := range met {
		s.accept(policy, one, got, &result)
	}
	result.stale = found.stale
	return result
}

// foundAt is what was found beside one digest.
type foundAt struct {
	gathered
	digest string
}

// findStatement looks for one attestation: of its type, by the authority, with a
// condition that holds. The first is enough.
func (s *session) findStatement(ctx context.Context, one *authority, wanted attestation, found foundAt, result *outcome) (accepted, bool) {
	var others []string
	before := len(result.reasons)
	say := func(label string, err error) {
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: attestation %s: %s: %s", one.name, wanted.name, label, oneLine(err)))
	}
	for _, candidate := range found.candidates {
		if !candidate.mayState(wanted.predicateType) {
			others = append(others, candidate.attests)
			continue
		}
		result.signatures++
		got, err := s.statement(one, candidate, found.digest)
		switch {
		case err != nil:
			say(candidate.label, err)
			continue
		case got.statement.predicateType != wanted.predicateType:
			say(candidate.label, fmt.Errorf("it is of type %s", got.statement.predicateType))
			continue
		case wanted.condition == nil:
			return got, true
		}
		if err := wanted.condition.Holds(ctx, got.statement.whole, s.config.Clock()); err != nil {
			if ctx.Err() != nil {
				result.unseen, result.transient = append(result.unseen, "the condition of attestation "+wanted.name+" was not asked: "+oneLine(err)), true
			}
			say(candidate.label, err)
			continue
		}
		return got, true
	}
	if len(result.reasons) == before {
		result.reasons = append(result.reasons, fmt.Sprintf("authority %s: there is no attestation of type %s%s", one.name, wanted.predicateType, butOthers(others)))
	}
	return accepted{}, false
}

// butOthers names the types that there are.
func butOthers(types []string) string {
	types = slices.DeleteFunc(unique(types), func(text string) bool { return text == "" })
	if len(types) == 0 {
		return ""
	}
	return ", only of " + strings.Join(types, ", ")
}
