package registry

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// ErrUnauthorized means that the registry wants another credential (401, 403).
// Registries answer so for what does not exist, too, so it says nothing about
// existence: it is no answer, never "not signed".
var ErrUnauthorized = errors.New("not allowed with this credential, or it does not exist: the registry does not say which")

// ErrThrottled means that the registry has had too many requests (429).
var ErrThrottled = errors.New("registry throttled: too many requests")

// noAnswer is why a request was not answered.
type noAnswer struct {
	cause error
	hint  string
	// status is the HTTP status; 0 when there was no HTTP answer.
	status int
	// wait is what Retry-After asked for; 0 when it did not.
	wait time.Duration
	// final is set when another try cannot help.
	final bool
}

func (e *noAnswer) Error() string { return e.cause.Error() }

func (e *noAnswer) Unwrap() error { return e.cause }

const (
	hintCredentials = "check that the image exists and that the gate (or the docker configuration) has a credential that may pull it"
	hintRetry       = "try again later; the registry's own status page may say more"
	hintThrottled   = "try again later, sign in to raise the registry's limit, or list a mirror"
	hintSlow        = "try again later, or raise the limit requestSeconds in the gate"
	hintTime        = "the run was stopped before it had an answer; run it again, with more time if it was a deadline"
)

// statusError turns any answer but 200 into an error. Messages of the registry
// are kept: they are quoted and cut, as they come from outside.
func statusError(answer *response) error {
	switch answer.status {
	case http.StatusOK:
		return nil
	case http.StatusNotFound:
		return &notFound{code: firstError(answer.body).Code}
	case http.StatusUnauthorized, http.StatusForbidden:
		return &noAnswer{cause: fmt.Errorf("%w (%d%s)", ErrUnauthorized, answer.status, reason(answer.body)), status: answer.status, hint: hintCredentials, final: true}
	case http.StatusTooManyRequests:
		cause := fmt.Errorf("%w (429)", ErrThrottled)
		if answer.retryAfter > 0 {
			cause = fmt.Errorf("%w (429, to be asked again after %s)", ErrThrottled, answer.retryAfter)
		}
		return &noAnswer{cause: cause, status: answer.status, hint: hintThrottled, wait: answer.retryAfter}
	}
	final := answer.status < http.StatusInternalServerError || answer.status == http.StatusNotImplemented
	return &noAnswer{
		cause:  fmt.Errorf("registry answered %d %s%s", answer.status, http.StatusText(answer.status), reason(answer.body)),
		status: answer.status, hint: hintRetry, wait: answer.retryAfter, final: final,
	}
}

// notFound is a 404 and the code that came with it.
type notFound struct{ code string }

func (e *notFound) Error() string { return ErrNotFound.Error() }

func (e *notFound) Unwrap() error { return ErrNotFound }

// aboutContent reports whether the registry says that the repository or its
// content is missing, rather than the address.
func (e *notFound) aboutContent() bool {
	return e.code == "NAME_UNKNOWN" || e.code == "NAME_INVALID" || e.code == "MANIFEST_UNKNOWN"
}

// answeredError is an error of the OCI distribution specification.
type answeredError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func firstError(body []byte) answeredError {
	var answer struct {
		Errors []answeredError `json:"errors"`
	}
	if json.Unmarshal(body, &answer) != nil || len(answer.Errors) == 0 {
		return answeredError{}
	}
	return answer.Errors[0]
}

// reason is the registry's own reason, for messages.
func reason(body []byte) string {
	first := firstError(body)
	if first == (answeredError{}) {
		return ""
	}
	return fmt.Sprintf(", %.60q: %.200q", first.Code, first.Message)
}

// explain gives an error the form that leaves this package: *plugin.Refusal
// for an answer that is "no" or broken, *plugin.StageError for no answer.
func explain(stage, subject string, err error) error {
	var refusal *plugin.Refusal
	var unanswered *noAnswer
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refusal):
		return err
	case errors.As(err, &unanswered):
		return &plugin.StageError{Stage: stage, Subject: subject, Hint: unanswered.hint, Cause: err, Lasting: errors.Is(err, ErrUnauthorized)}
	case errors.Is(err, ErrNotFound):
		return &plugin.Refusal{
			Rule: notFoundRule(stage), Message: "the registry has no " + subject, Cause: ErrNotFound,
			Hint: "check the name and the tag; a credential that may not see it gets this answer, too",
		}
	case isStopped(err):
		return &plugin.StageError{Stage: stage, Subject: subject, Hint: hintTime, Cause: err}
	}
	return &plugin.StageError{Stage: stage, Subject: subject, Hint: hintRetry, Cause: err}
}

func notFoundRule(stage string) string {
	if stage == stageResolve {
		return "image/not-found"
	}
	return "registry/not-found"
}

// The names of stages in errors.
const (
	stageResolve  = "resolve"
	stageRegistry = "registry"
)

// overLimit refuses what is larger than its limit.
func overLimit(what, limit string, value int64) error {
	return &plugin.Refusal{
		Rule: "registry/limit", Message: fmt.Sprintf("%s is over the limit %s (%d)", what, limit, value),
		Why:  "an answer is read whole or not at all, and memory is bounded",
		Hint: "raise the limit in the gate if the content is what it should be",
	}
}

// wrongDigest refuses bytes that are not what their name says.
func wrongDigest(what, want, got string) error {
	return &plugin.Refusal{
		Rule: "registry/wrong-digest", Message: fmt.Sprintf("%s: the registry sent bytes with digest %s in place of %s", what, got, want),
		Why:  "the bytes were changed on their way, or the registry is broken or hostile",
		Hint: "compare with another client; do not deploy from this registry until it is explained",
	}
}

// invalidAnswer refuses an answer that cannot be read.
func invalidAnswer(what string, err error) error {
	return &plugin.Refusal{
		Rule: "registry/invalid-answer", Message: what + " cannot be read", Cause: err,
		Hint: "the registry, or something in front of it, does not follow the OCI specification; push the artifact again",
	}
}

// redact is a URL without user and query, which may hold credentials.
func redact(u *url.URL) string { return u.Scheme + "://" + u.Host + u.Path }
