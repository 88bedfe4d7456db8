// Package predicate says whether what is attested about an image is what a gate
// demands. It sees verified statements alone: who signed them, and that they
// are about this very image, was checked before (plugin/verify). A demand is one
// file.
//
// A demand that no statement meets is not met; there is no statement whose
// absence is enough.
package predicate

import (
	"context"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/sigstore/sigstore-go/pkg/fulcio/certificate"
)

// Subject is the image that statements are about.
type Subject struct {
	Image plugin.Image
	// At is the time by which ages are judged.
	At time.Time
	// Signers vouch for the image by a signature.
	Signers []plugin.Claims
	// Leaves lists the digests of the image's platforms; empty when it has none.
	// It is asked when a statement names another digest than the image's, and may
	// be nil: then there are none.
	Leaves func(ctx context.Context) ([]string, error)
	// Unseen says what could not be looked at, and may hold a statement.
	Unseen []string
	// Local is the user's own scanner, on the command line; nil at the doors.
	Local Local
}

// Local runs the user's own scanner on an image. An error is no answer.
type Local interface {
	Name() string
	Scan(ctx context.Context, repository, digest string) ([]byte, error)
}

// Statement is a verified in-toto statement about the subject (in-toto
// attestation, spec v1.1, statement).
type Statement struct {
	// Type is the predicate type's URI, as the statement has it.
	Type string
	// Predicate is the predicate as JSON.
	Predicate []byte
	// Claims say who made it and which trust rule accepted it.
	Claims plugin.Claims
	// Certificate is what the signing certificate says; nil for a key.
	Certificate *certificate.Summary
	// Witness marks a statement by a trust rule that the demand's own signers do
	// not have: it may say that something does no harm, and meets no demand.
	Witness bool
	// Label names the statement in messages.
	Label string
}

// Demand is one thing that a gate asks of the statements about an image.
type Demand interface {
	// Reads reports whether statements of that predicate type are looked at.
	Reads(predicateType string) bool
	// Judge is asked once for each image, with the statements that it reads. The
	// zero Answer is a demand that is not met.
	Judge(ctx context.Context, subject Subject, statements []Statement) Answer
}

// Answer is what a demand found.
type Answer struct {
	// Met are the statements that meet the demand, with the claims that they
	// prove; empty when none does.
	Met []plugin.Claims
	// Against are the statements that were accepted and say what is denied; the
	// findings tell what.
	Against []plugin.Claims
	// Unsigned is set when the user's own scan meets the demand, as the gate
	// allows. Nobody signed it, so there are no claims.
	Unsigned bool
	// Reasons say for each other statement why it does not.
	Reasons []string
	// Unseen says what could not be looked at. A demand that is not met is
	// undetermined then.
	Unseen []string
	// Findings are told beside the answer: what an exception covers, and what is
	// wrong with the image by statements that were accepted. They have rule,
	// level, message, hint and details; one that blocks stands for a demand that
	// is not met.
	Findings []plugin.Finding
}
