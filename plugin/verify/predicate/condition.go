package predicate

import (
	"context"
	"fmt"
	"time"

	"github.com/assay-gitops/assay/plugin/gate"
)

// Condition is what a trust rule asks of a statement's content.
type Condition interface {
	// Holds returns nil when the condition holds for a verified statement (in-toto,
	// JSON), and else why it does not. What cannot be evaluated does not hold.
	Holds(ctx context.Context, statement []byte, at time.Time) error
}

// NewCondition compiles a condition of a type that a gate may write. Errors say
// what is wrong with the text.
func NewCondition(language, text string) (Condition, error) {
	switch language {
	case gate.ConditionRego:
		return newRegoCondition(text)
	case gate.ConditionCEL:
		return newCELCondition(text)
	}
	return nil, fmt.Errorf("type is %q, want %s or %s", language, gate.ConditionRego, gate.ConditionCEL)
}
