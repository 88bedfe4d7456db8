package verify

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/notation"
)

// Notation is what one gate says about signatures of the Notary Project.
type Notation struct {
	// Declared is the gate's section; nil without one.
	Declared *gate.Notation
	// At is where the gate was read; the files that it names are beside it.
	At plugin.Origin
	// Transport reaches the services that tell whether a certificate was revoked.
	Transport http.RoundTripper
}

// kindNotation is what messages call a statement of a trust policy document.
const kindNotation = "Notation trust policy"

// kind is what messages call the policy.
func (p *policy) kind() string {
	if p.statement != nil {
		return kindNotation
	}
	return "ClusterImagePolicy"
}

// signer is the program that makes the signatures that the policy asks for.
func (p *policy) signer() string {
	if p.statement != nil {
		return "notation"
	}
	return "cosign"
}

// notation compiles each statement of the gate's trust policy document to a
// policy with one authority.
func (v *Verifier) notation(files files) ([]policy, error) {
	declared := v.config.Notation.Declared
	if declared == nil {
		return nil, nil
	}
	refused := func(err error) error {
		return refuse(v.config.Notation.At, "gate %s, trust.notation: %w", v.config.Gate, err)
	}
	document, err := files.read(v.config.Notation.At, declared.TrustPolicy)
	if err != nil {
		return nil, refused(err)
	}
	store, err := files.folder(v.config.Notation.At, declared.TrustStore)
	if err != nil {
		return nil, refused(err)
	}
	defer func() { _ = store.Close() }() // nothing was written
	statements, err := notation.Load(notation.Config{
		File: path.Join(path.Dir(v.config.Notation.At.File), declared.TrustPolicy), Data: document, Store: store.FS(), Hosts: declared.Revocation.Hosts,
		Transport: v.config.Notation.Transport, Limits: v.config.Limits, Clock: v.config.Clock,
	})
	if err != nil {
		return nil, refused(err)
	}
	var compiled []policy
	for _, statement := range statements {
		v.warnings = append(v.warnings, statement.Warnings...)
		compiled = append(compiled, policy{
			name: statement.Name, at: statement.At, level: plugin.Deny, statement: statement,
			authorities: []authority{{name: "notation", notation: statement, clock: v.config.Clock}},
		})
	}
	return compiled, nil
}

// checkNotation verifies one of Notation's envelopes. A *plugin.StageError is no
// answer.
func (a *authority) checkNotation(ctx context.Context, found *candidate, digest string) (accepted, error) {
	got, err := a.notation.Check(ctx, found.envelope, found.target)
	var silent *plugin.StageError
	switch {
	case errors.As(err, &silent):
		return accepted{}, &plugin.StageError{Stage: silent.Stage, Subject: silent.Subject, Hint: silent.Hint, Lasting: silent.Lasting, Cause: errors.New(oneLine(silent.Cause))}
	case err != nil:
		return accepted{}, errors.New(oneLine(err))
	}
	notes := make([]string, len(got.Notes))
	for i, note := range got.Notes {
		notes[i] = oneLine(fmt.Errorf("%s: %s", found.label, note))
	}
	return accepted{payload: got.Payload, notes: notes, claims: plugin.Claims{
		Kind: plugin.EvidenceSignature, Digest: digest, Format: found.format,
		Signer: got.Signer, TrustRoot: a.notation.Stores(), Signed: got.Signed,
	}}, nil
}
