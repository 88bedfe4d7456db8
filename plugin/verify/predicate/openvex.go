package predicate

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// vexDocument is what is read of OpenVEX 0.0.1 and 0.2.0.
type vexDocument struct {
	Context    any             `json:"@context"`
	Author     string          `json:"author"`
	Timestamp  string          `json:"timestamp"`
	Statements *[]vexStatement `json:"statements"`
}

type vexStatement struct {
	// Vulnerability is a name until 0.0.2, then an object.
	Vulnerability json.RawMessage `json:"vulnerability"`
	Timestamp     string          `json:"timestamp"`
	// Products are texts until 0.0.2, then objects.
	Products      []json.RawMessage `json:"products"`
	Subcomponents []json.RawMessage `json:"subcomponents"` // until 0.0.2
	Status        string            `json:"status"`
	Justification string            `json:"justification"`
	Impact        string            `json:"impact_statement"`
}

// vexProduct is a component in OpenVEX 0.2.0.
type vexProduct struct {
	ID            string            `json:"@id"`
	Identifiers   map[string]string `json:"identifiers"`
	Hashes        map[string]string `json:"hashes"`
	Subcomponents []json.RawMessage `json:"subcomponents"`
}

type vexVulnerability struct {
	ID      string   `json:"@id"`
	Name    string   `json:"name"`
	Aliases []string `json:"aliases"`
}

// vexClaim is one statement about this image.
type vexClaim struct {
	vulnerabilities []string
	// parts are the packages that it is about; none means all.
	parts []vexProduct
	// status is one of OpenVEX's four.
	status, reason string
	at             time.Time
	label, owner   string
}

// vexJustifications are OpenVEX's (section "Status justifications").
func vexJustifications() []string {
	return []string{
		"component_not_present", "vulnerable_code_not_present", "vulnerable_code_not_in_execute_path",
		"vulnerable_code_cannot_be_controlled_by_adversary", "inline_mitigations_already_exist",
	}
}

// claims reads a document. A document that cannot be read is an error; single
// statements that do not count are reasons.
func (e *exploitability) claims(ctx context.Context, subject Subject, statement Statement) (claims []vexClaim, reasons []string, err error) {
	data, err := e.unwrap(statement.Predicate)
	if err != nil {
		return nil, nil, err
	}
	var document vexDocument
	if err := e.read(data, &document); err != nil {
		return nil, nil, err
	}
	if context, is := document.Context.(string); !is || !isVEX(context) {
		return nil, nil, errors.New("its @context is not OpenVEX's (https://openvex.dev/ns)")
	}
	if document.Statements == nil || len(*document.Statements) == 0 {
		return nil, nil, errors.New("it has no statements")
	}
	if err := e.count("statements", len(*document.Statements)); err != nil {
		return nil, nil, err
	}
	for i, one := range *document.Statements {
		claim, err := e.claim(ctx, subject, statement, one, document)
		var unseen *unseenError
		switch {
		case errors.As(err, &unseen):
			return nil, nil, err
		case err != nil:
			reasons = append(reasons, fmt.Sprintf("statement %d: %v", i+1, err))
		default:
			claims = append(claims, claim)
		}
	}
	return claims, reasons, nil
}

// claim reads one statement.
func (e *exploitability) claim(ctx context.Context, subject Subject, from Statement, one vexStatement, document vexDocument) (vexClaim, error) {
	claim := vexClaim{status: one.Status, label: from.Label, owner: cmp.Or(from.Claims.Signer, document.Author)}
	var err error
	if claim.vulnerabilities, err = e.vulnerabilities(one.Vulnerability); err != nil {
		return claim, err
	}
	if claim.reason, err = one.why(); err != nil {
		return claim, err
	}
	if claim.at, err = readTime("timestamp", cmp.Or(one.Timestamp, document.Timestamp)); err != nil {
		return claim, err
	}
	made := terms{what: "it was made", at: subject.At, signed: from.Claims.Signed}
	if err := made.check(claim.at); err != nil {
		return claim, err
	}
	claim.parts, err = e.product(ctx, subject, from, one)
	return claim, err
}

// why is what the statement gives as its reason. A status that OpenVEX does not
// have, and a claim of harmlessness without a reason, are errors.
func (s vexStatement) why() (string, error) {
	switch s.Status {
	case statusAffected, statusInvestigation, statusFixed:
		return s.Status, nil
	case statusNotAffected:
	default:
		return "", fmt.Errorf("the status %q is none of OpenVEX's", shorten(s.Status))
	}
	if s.Justification == "" && strings.TrimSpace(s.Impact) == "" {
		return "", errors.New("not_affected needs a justification or an impact_statement")
	}
	if s.Justification != "" && !slices.Contains(vexJustifications(), s.Justification) {
		return "", fmt.Errorf("the justification %q is none of OpenVEX's", shorten(s.Justification))
	}
	words := slices.DeleteFunc([]string{s.Justification, shorten(s.Impact)}, func(word string) bool { return strings.TrimSpace(word) == "" })
	return strings.Join(words, ": "), nil
}

func (e *exploitability) vulnerabilities(raw json.RawMessage) ([]string, error) {
	var one vexVulnerability
	switch {
	case len(raw) == 0:
	case raw[0] == '"':
		if err := e.read(raw, &one.Name); err != nil {
			return nil, err
		}
	default:
		if err := e.read(raw, &one); err != nil {
			return nil, err
		}
	}
	names := slices.DeleteFunc(append([]string{one.Name}, one.Aliases...), func(name string) bool { return name == "" })
	if len(names) == 0 {
		return nil, errors.New("it names no vulnerability")
	}
	return names, nil
}

// products reads components, as texts or objects.
func (e *exploitability) products(list []json.RawMessage) ([]vexProduct, error) {
	products := make([]vexProduct, len(list))
	for i, raw := range list {
		var err error
		if len(raw) > 0 && raw[0] == '"' {
			err = e.read(raw, &products[i].ID)
		} else {
			err = e.read(raw, &products[i])
		}
		if err != nil {
			return nil, err
		}
	}
	return products, e.count("products", len(products))
}

// product finds the image among the statement's products, and returns the
// packages in it that the statement is about.
func (e *exploitability) product(ctx context.Context, subject Subject, from Statement, one vexStatement) ([]vexProduct, error) {
	products, err := e.products(one.Products)
	if err != nil {
		return nil, err
	}
	reason := errors.New("it names no product")
	for _, product := range products {
		digests := product.digests()
		if len(digests) == 0 {
			reason = fmt.Errorf("its product %s names no digest, so it may be another image", shorten(product.ID))
			continue
		}
		if reason = aboutAll(ctx, subject, from, digests); reason == nil {
			return e.products(append(product.Subcomponents, one.Subcomponents...))
		}
		var unseen *unseenError
		if errors.As(reason, &unseen) {
			return nil, reason
		}
	}
	return nil, reason
}

// aboutAll asks that each digest is the image's.
func aboutAll(ctx context.Context, subject Subject, from Statement, digests []string) error {
	for _, digest := range digests {
		if err := subject.names(ctx, from, []string{digest}); err != nil {
			return err
		}
	}
	return nil
}

func (p vexProduct) names() []string { return []string{p.ID, p.Identifiers["purl"]} }

func (p vexProduct) digests() []string {
	var found []string
	for _, name := range append(p.names(), "sha256:"+strings.ToLower(p.Hashes["sha-256"])) {
		for _, digest := range []string{name, parsePURL(name).digest(), digestOf(name)} {
			if isDigest(digest) {
				found = append(found, digest)
			}
		}
	}
	return found
}

// about reports whether the claim is about that vulnerability in that package.
func (c vexClaim) about(found vulnerability) bool {
	sameID := slices.ContainsFunc(append([]string{found.id}, found.aliases...), func(id string) bool { return slices.Contains(c.vulnerabilities, id) })
	if !sameID || len(c.parts) == 0 {
		return sameID
	}
	in := parsePURL(found.purl)
	return slices.ContainsFunc(c.parts, func(part vexProduct) bool {
		return slices.ContainsFunc(part.names(), func(name string) bool { return parsePURL(name).covers(in) })
	})
}
