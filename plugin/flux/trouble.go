package flux

import (
	"errors"
	"fmt"
)

// Reasons of conditions that Flux's own packages do not name.
const (
	reasonSourceNotFound = "SourceNotFound"
	reasonAccessDenied   = "AccessDenied"
	reasonUndetermined   = "Undetermined"
	reasonFetchFailed    = "FetchFailed"
	reasonNotVerified    = "VerificationFailed"
	reasonStorageFailed  = "StorageOperationFailed"
	reasonValuesFailed   = "ValuesNotRead"
)

// next is when a GatedSource is looked at again.
type next int

const (
	// nextRetry comes soon and backs off; it is what the zero value means.
	nextRetry next = iota
	nextInterval
	// nextChange waits for somebody to change the object.
	nextChange
	// nextDependency waits for the source, and looks again in any case.
	nextDependency
)

// trouble is why there is nothing to judge. It is never a denial, and never
// takes away what is published.
type trouble struct {
	reason string
	next   next
	err    error
}

func (t *trouble) Error() string { return t.err.Error() }

func (t *trouble) Unwrap() error { return t.err }

// stalled trouble lasts until somebody changes the object.
func stalled(reason, format string, values ...any) *trouble {
	return &trouble{reason: reason, next: nextChange, err: fmt.Errorf(format, values...)}
}

// waiting trouble ends with a change of the source.
func waiting(reason, format string, values ...any) *trouble {
	return &trouble{reason: reason, next: nextDependency, err: fmt.Errorf(format, values...)}
}

// unanswered trouble may heal by itself.
func unanswered(format string, values ...any) *trouble {
	return &trouble{reason: reasonUndetermined, next: nextRetry, err: fmt.Errorf(format, values...)}
}

// asTrouble is the trouble that an error holds; any other error may heal.
func asTrouble(err error, reason string) *trouble {
	var known *trouble
	if errors.As(err, &known) {
		return known
	}
	return &trouble{reason: reason, next: nextRetry, err: err}
}
