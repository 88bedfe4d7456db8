//go:build e2e

package parity_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// validationFailures is the annotation in which the API server records what
// bindings with the action Audit say (policy/validating, Dispatch): the whole
// text of each, and up to 50 of them. Warnings are cut at 4 KiB together.
const validationFailures = "validation.policy.admission.k8s.io/validation_failure"

// mostFailures is how many failures the annotation holds.
const mostFailures = 50

// audit reads the API server's audit log, one request at a time.
type audit struct {
	path    string
	read    int64
	request int
	// events are those read so far, by the id of the request.
	events map[string]event
}

// event is one request in the log.
type event struct {
	AuditID     string            `json:"auditID"`
	Stage       string            `json:"stage"`
	Annotations map[string]string `json:"annotations"`
}

// newAudit returns the flags with which the API server writes the log.
func newAudit(dir string) (*audit, []string, error) {
	policy := filepath.Join(dir, "audit.yaml")
	text := "apiVersion: audit.k8s.io/v1\nkind: Policy\nomitStages: [RequestReceived]\nrules: [{level: Metadata, users: [admin]}, {level: None}]\n"
	if err := os.WriteFile(policy, []byte(text), 0o600); err != nil {
		return nil, nil, fmt.Errorf("writing the audit policy: %w", err)
	}
	a := &audit{path: filepath.Join(dir, "audit.log"), events: map[string]event{}}
	return a, []string{"--audit-policy-file", policy, "--audit-log-path", a.path, "--audit-log-mode", "blocking"}, nil
}

// roundTripper gives every request an id of its own.
type roundTripper struct {
	audit *audit
	next  http.RoundTripper
}

// RoundTrip implements http.RoundTripper.
func (r roundTripper) RoundTrip(request *http.Request) (*http.Response, error) {
	r.audit.request++
	request = request.Clone(request.Context())
	request.Header.Set("Audit-ID", r.audit.id())
	return r.next.RoundTrip(request)
}

func (a *audit) id() string { return fmt.Sprintf("parity-%d", a.request) }

// failures are what the policies said about the last request. The log is
// written when the answer is, so it may be there a little later.
func (a *audit) failures(ctx context.Context) (said, error) {
	var last event
	err := controlplane.Until(ctx, func(context.Context) error {
		if err := a.readOn(); err != nil {
			return controlplane.Final(err)
		}
		var found bool
		if last, found = a.events[a.id()]; !found {
			return errors.New("the audit log does not have the request")
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var failures []struct{ Message, Policy string }
	if text := last.Annotations[validationFailures]; text != "" {
		if err := json.Unmarshal([]byte(text), &failures); err != nil {
			return nil, fmt.Errorf("reading the audit log's annotation: %w", err)
		}
	}
	if len(failures) >= mostFailures {
		return nil, fmt.Errorf("the audit log holds %d failures of a request and may have left some out", len(failures))
	}
	spoken := said{}
	for _, each := range failures {
		spoken.add(each.Policy, each.Message)
	}
	return spoken, nil
}

// readOn reads the whole lines that are new.
func (a *audit) readOn() error {
	file, err := os.Open(a.path)
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	defer file.Close()
	data, err := io.ReadAll(io.NewSectionReader(file, a.read, 1<<30))
	if err != nil {
		return fmt.Errorf("reading the audit log: %w", err)
	}
	for {
		line, rest, whole := bytes.Cut(data, []byte("\n"))
		if !whole {
			return nil
		}
		var read event
		if err := json.Unmarshal(line, &read); err != nil {
			return fmt.Errorf("reading the audit log: %w", err)
		}
		if read.Stage == "ResponseComplete" {
			a.events[read.AuditID] = read
		}
		a.read += int64(len(line)) + 1
		data = rest
	}
}
