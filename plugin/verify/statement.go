package verify

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// mostSubjects is how many subjects a statement may have; sigstore-go has the
// same bound.
const mostSubjects = 1024

// statement is an in-toto statement (attestation spec v1.1, statement), read so
// that it can be read in one way only.
type statement struct {
	// predicateType is its type's URI.
	predicateType string
	// predicate is a JSON object.
	predicate json.RawMessage
	// digests are the sha256 digests of its subjects, "sha256:<hex>".
	digests []string
	// whole is the statement's text.
	whole []byte
}

// statementTypes are the values of _type that are known (in-toto attestation
// spec, v0.1 and v1).
func statementTypes() []string {
	return []string{"https://in-toto.io/Statement/v1", "https://in-toto.io/Statement/v0.1"}
}

// readStatement refuses what two readers could understand differently: a key
// that is there twice, or once more in other letters, as encoding/json takes
// either for the same.
func readStatement(payload []byte) (statement, error) {
	none := statement{}
	if err := checkKeys(payload); err != nil {
		return none, fmt.Errorf("its statement is refused: %w", err)
	}
	var counted struct {
		Subject members `json:"subject"`
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(payload, &fields); err != nil || fields == nil {
		return none, errors.New("its statement is no JSON object")
	}
	if err := checkFolded(fields); err != nil {
		return none, err
	}
	_ = json.Unmarshal(payload, &counted) // what is no list has no members
	if err := counted.Subject.atMost(mostSubjects, "subjects"); err != nil {
		return none, err
	}
	read := statement{predicate: fields["predicate"], whole: payload}
	var kind string
	var subjects []map[string]json.RawMessage
	for _, field := range []struct {
		name string
		into any
	}{{"_type", &kind}, {"predicateType", &read.predicateType}, {"subject", &subjects}} {
		if err := json.Unmarshal(fields[field.name], field.into); err != nil {
			return none, fmt.Errorf("its statement has no %s", field.name)
		}
	}
	switch {
	case !slices.Contains(statementTypes(), kind):
		return none, fmt.Errorf("its statement is of the unknown type %q", kind)
	case read.predicateType == "":
		return none, errors.New("its statement has no predicateType")
	case !strings.HasPrefix(strings.TrimLeft(string(read.predicate[:min(len(read.predicate), 16)]), " \t\r\n"), "{"):
		return none, errors.New("its predicate is no object")
	}
	return read, read.readDigests(subjects)
}

func (s *statement) readDigests(subjects []map[string]json.RawMessage) error {
	for _, subject := range subjects {
		if err := checkFolded(subject); err != nil {
			return err
		}
		var digests map[string]string
		if err := json.Unmarshal(subject["digest"], &digests); err != nil {
			return errors.New("a subject of its statement has no digest")
		}
		if digest := digests["sha256"]; digest != "" {
			s.digests = append(s.digests, "sha256:"+digest)
		}
	}
	if len(s.digests) == 0 {
		return errors.New("its statement is about nothing that has a sha256 digest")
	}
	return nil
}

// checkFolded refuses two keys that differ in the case of letters only.
func checkFolded(fields map[string]json.RawMessage) error {
	seen := map[string]bool{}
	for name := range fields {
		folded := strings.ToLower(name)
		if seen[folded] {
			return fmt.Errorf("its statement has %q in two spellings", folded)
		}
		seen[folded] = true
	}
	return nil
}

// bindStatement checks that what was verified is this statement, about this very
// image. The verifier reads the same bytes by other rules.
func bindStatement(found *candidate, result *sigstore.VerificationResult, digest string) error {
	if result.Statement == nil || found.stated == nil {
		return errors.New("it is a signature, not an attestation")
	}
	read, err := found.stated()
	switch {
	case err != nil:
		return err
	case result.Statement.PredicateType != read.predicateType:
		return fmt.Errorf("its statement reads as %s and as %s", read.predicateType, result.Statement.PredicateType)
	case !slices.Contains(read.digests, digest):
		return errors.New("it is about another image")
	}
	return nil
}
