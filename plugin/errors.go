package plugin

import (
	"context"
	"errors"
	"fmt"
)

// StageError is no answer, as opposed to a bad answer: the stage could not
// look. It becomes a finding of level [Undetermined]; any other error that a
// stage returns denies.
type StageError struct {
	// Stage is the stage's name: "resolve", "verify".
	Stage string
	// Subject is what was being looked at, without credentials.
	Subject string
	// Hint says what to do.
	Hint string
	// Cause is why there is no answer.
	Cause error
	// Lasting means that asking again gets no answer either, until somebody
	// changes something, such as a credential.
	Lasting bool
}

func (e *StageError) Error() string {
	if e.Subject == "" {
		return fmt.Sprintf("%s: %v", e.Stage, e.Cause)
	}
	return fmt.Sprintf("%s %s: %v", e.Stage, e.Subject, e.Cause)
}

func (e *StageError) Unwrap() error { return e.Cause }

// Refusal is a bad answer: the source asked for something that is not done, or
// is broken. Renderers return it so that the finding can name the line.
type Refusal struct {
	// Rule is the finding's rule id, such as render/escape.
	Rule string
	// Origin is the line that asked.
	Origin Origin
	// Message, Why and Hint go to the finding as they are.
	Message, Why, Hint string
	// Cause may be nil.
	Cause error
}

func (e *Refusal) Error() string {
	text := e.Message
	if e.Cause != nil {
		text = fmt.Sprintf("%s: %v", text, e.Cause)
	}
	if at := e.Origin.String(); at != "" {
		return at + ": " + text
	}
	return text
}

func (e *Refusal) Unwrap() error { return e.Cause }

// FindingsFromError turns what a stage returned into findings. Every error of
// errors.Join becomes one of its own, however deep; in each the outermost
// *Refusal or *StageError decides, and anything else denies. A cancelled or
// expired context is undetermined.
func FindingsFromError(stage string, err error) []Finding {
	if err == nil {
		return nil
	}
	if parts := joinedIn(err); len(parts) > 0 {
		var findings []Finding
		for _, part := range parts {
			findings = append(findings, FindingsFromError(stage, part)...)
		}
		return findings
	}
	return []Finding{findingFromError(stage, err)}
}

// joinedIn returns the parts of the join that err is or wraps, unless a
// *Refusal or a *StageError stands around it.
func joinedIn(err error) []error {
	for err != nil {
		switch wrapped := err.(type) { //nolint:errorlint // each layer is looked at by itself
		case *Refusal, *StageError:
			return nil
		case interface{ Unwrap() []error }:
			parts := wrapped.Unwrap()
			if errors.Join(parts...) != nil && errors.Join(parts...).Error() == err.Error() {
				return parts
			}
			return nil // fmt.Errorf with several %w is one error
		case interface{ Unwrap() error }:
			err = wrapped.Unwrap()
		default:
			return nil
		}
	}
	return nil
}

func findingFromError(stage string, err error) Finding {
	var refusal *Refusal
	var noAnswer *StageError
	isRefusal, isNoAnswer := errors.As(err, &refusal), errors.As(err, &noAnswer)
	var inner *StageError
	if isRefusal && isNoAnswer && !errors.As(refusal, &inner) {
		isRefusal = false // the stage error stands around the refusal
	}
	switch {
	case isRefusal:
		message := refusal.Message
		if refusal.Cause != nil {
			message = fmt.Sprintf("%s: %v", message, refusal.Cause)
		}
		return Finding{Rule: refusal.Rule, Origin: refusal.Origin, Message: message, Why: refusal.Why, Hint: refusal.Hint, Unwaivable: true}
	case isNoAnswer:
		return Finding{Rule: noAnswer.Stage + "/no-answer", Level: Undetermined, Message: noAnswer.Error(), Hint: noAnswer.Hint, Lasting: noAnswer.Lasting}
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Finding{
			Rule: stage + "/no-answer", Level: Undetermined, Message: err.Error(),
			Hint: "the run was stopped before it had an answer; run it again, with more time if it was a deadline",
		}
	}
	return Finding{Rule: stage + "/failed", Message: err.Error(), Unwaivable: true}
}
