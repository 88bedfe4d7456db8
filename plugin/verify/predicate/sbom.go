package predicate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

// ruleComponent: the image holds what a gate denies.
const ruleComponent = "evidence/component"

// SBOM asks for a bill of materials and judges what it lists. Every bill that is
// accepted counts: what one of them lists is in the image.
type SBOM struct {
	reader
	declared gate.SBOM
	makers   globs
	rules    componentRules
}

// NewSBOM compiles the demand. Mistakes are reported together, each with its
// file and line.
func NewSBOM(declared gate.SBOM, limits plugin.Limits) (*SBOM, error) {
	rules, err := newComponentRules(declared)
	if err != nil {
		return nil, err
	}
	return &SBOM{reader: reader{limits}, declared: declared, makers: newGlobs(declared.Makers), rules: rules}, nil
}

// Reads implements [Demand].
func (s *SBOM) Reads(predicateType string) bool { return billFormat(predicateType) != nil }

// Judge implements [Demand].
func (s *SBOM) Judge(ctx context.Context, subject Subject, statements []Statement) Answer {
	var answer Answer
	var accepted []plugin.Claims
	var denied []string
	for _, statement := range statements {
		found, err := s.accept(ctx, subject, statement)
		if err == nil {
			var components []string
			components, err = s.rules.judge(ctx, found.components)
			denied = append(denied, components...)
		}
		var unseen *unseenError
		switch {
		case err != nil && (errors.As(err, &unseen) || ctx.Err() != nil):
			answer.Unseen = append(answer.Unseen, statement.Label+": "+err.Error())
		case err != nil:
			answer.Reasons = append(answer.Reasons, statement.Label+": "+err.Error())
		default:
			accepted = append(accepted, statement.Claims)
		}
	}
	if len(denied) == 0 && len(answer.Unseen) == 0 {
		answer.Met = accepted
	}
	if len(denied) > 0 {
		slices.Sort(denied)
		answer.Findings = append(answer.Findings, componentFinding(slices.Compact(denied)))
	}
	return answer
}

// unseenError is no answer about a statement.
type unseenError struct{ cause error }

func (e *unseenError) Error() string { return e.cause.Error() }
func (e *unseenError) Unwrap() error { return e.cause }

// accept reads a bill, and refuses one that is not about this image, too old,
// or made by others than the gate accepts.
func (s *SBOM) accept(ctx context.Context, subject Subject, statement Statement) (bill, error) {
	found, err := s.readBill(statement)
	if err != nil {
		return bill{}, err
	}
	if err := subject.names(ctx, statement, found.digests); err != nil {
		return bill{}, err
	}
	age := terms{what: "it was made", maxAge: time.Duration(s.declared.MaxAge), at: subject.At, signed: statement.Claims.Signed}
	if err := age.check(found.made); err != nil {
		return bill{}, err
	}
	if len(s.makers) > 0 && !s.makers.matches(found.makers...) {
		return bill{}, fmt.Errorf("it was made by %s, and the gate accepts those made by %s", list(found.makers), list(s.declared.Makers))
	}
	return found, nil
}

// names refuses a document that names digests of its own, none of which is the
// image's, one of its platforms', or the one that its statement is about.
func (s Subject) names(ctx context.Context, statement Statement, digests []string) error {
	known := []string{s.Image.Digest, statement.Claims.Digest}
	has := func(digest string) bool { return slices.Contains(known, digest) }
	if len(digests) == 0 || slices.ContainsFunc(digests, has) {
		return nil
	}
	if s.Leaves != nil {
		leaves, err := s.Leaves(ctx)
		if err != nil {
			return &unseenError{fmt.Errorf("it names the image %s, and the image's platforms could not be listed: %w", digests[0], err)}
		}
		known = leaves
		if slices.ContainsFunc(digests, has) {
			return nil
		}
	}
	return fmt.Errorf("it is about another image: it names %s", digests[0])
}

// componentFinding denies an image for what it holds.
func componentFinding(denied []string) plugin.Finding {
	return plugin.Finding{
		Rule: ruleComponent, Message: fmt.Sprintf("%s denied: %s", several(len(denied), "component"), someOf(denied)), Details: detailsOf(denied),
		Why:  "the gate says that no image may hold it",
		Hint: "build the image without it, or with a version or licence that the gate allows",
	}
}

// The most that a message and its details name.
const (
	namedInMessage = 3
	namedInDetails = 100
)

func several(count int, what string) string {
	if count == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", count, what)
}

// someOf names the first few, and says how many more there are.
func someOf(texts []string) string {
	named := strings.Join(texts[:min(len(texts), namedInMessage)], ", ")
	if more := len(texts) - namedInMessage; more > 0 {
		return fmt.Sprintf("%s, and %d more", named, more)
	}
	return named
}

func detailsOf(texts []string) []string {
	if len(texts) <= namedInDetails {
		return texts
	}
	return append(slices.Clone(texts[:namedInDetails]), fmt.Sprintf("and %d more", len(texts)-namedInDetails))
}

// list is a list of a document's words for a message.
func list(texts []string) string {
	texts = slices.DeleteFunc(slices.Clone(texts), func(text string) bool { return text == "" })
	if len(texts) == 0 {
		return "nobody that it names"
	}
	for i := range texts {
		texts[i] = shorten(texts[i])
	}
	return someOf(texts)
}
