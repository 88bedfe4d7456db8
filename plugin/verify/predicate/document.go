package predicate

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	kjson "sigs.k8s.io/json"

	"github.com/assay-gitops/assay/plugin"
)

// maxDepth is how deep an attested document may nest. Real ones stay below 20.
const maxDepth = 200

// clockSkew is how far ahead of our clock a document's times may be.
const clockSkew = 5 * time.Minute

// reader reads attested documents within the gate's limits.
type reader struct{ limits plugin.Limits }

// read decodes a JSON document strictly: within the limits, UTF-8, names of
// fields as they are spelt, and none twice among those that are read.
func (r reader) read(data []byte, into any) error {
	switch {
	case int64(len(data)) > r.limits.BundleBytes:
		return fmt.Errorf("it has %d bytes, the limit bundleBytes is %d", len(data), r.limits.BundleBytes)
	case len(bytes.TrimSpace(data)) == 0:
		return errors.New("it is empty")
	case !utf8.Valid(data):
		return errors.New("it is not UTF-8")
	}
	if err := checkDepth(data); err != nil {
		return err
	}
	strict, err := kjson.UnmarshalStrict(data, into, kjson.DisallowDuplicateFields)
	if err != nil {
		return fmt.Errorf("it cannot be read: %w", err)
	}
	if len(strict) > 0 {
		return fmt.Errorf("it can be read in two ways: %w", strict[0])
	}
	return nil
}

// checkDepth counts brackets outside of texts; that the rest is JSON is the
// decoder's business.
func checkDepth(data []byte) error {
	depth, inText := 0, false
	for i := 0; i < len(data); i++ {
		switch next := data[i]; {
		case inText && next == '\\':
			i++
		case next == '"':
			inText = !inText
		case inText:
		case next == '{' || next == '[':
			if depth++; depth > maxDepth {
				return fmt.Errorf("it is nested more than %d levels deep", maxDepth)
			}
		case next == '}' || next == ']':
			depth--
		}
	}
	return nil
}

// count refuses more items than the limit allows.
func (r reader) count(what string, items int) error {
	if int64(items) > r.limits.AttestedItems {
		return fmt.Errorf("it has more than %d %s (limit attestedItems)", r.limits.AttestedItems, what)
	}
	return nil
}

// unwrap takes a document out of the shapes in which cosign attests text: the
// predicate is a text, or has it under Data (cosign's custom predicate).
func (r reader) unwrap(predicate []byte) ([]byte, error) {
	predicate = bytes.TrimSpace(predicate)
	if !bytes.HasPrefix(predicate, []byte(`"`)) {
		var custom struct {
			Data json.RawMessage `json:"Data"`
		}
		if err := r.read(predicate, &custom); err != nil {
			return nil, err
		}
		if custom.Data == nil {
			return predicate, nil
		}
		predicate = bytes.TrimSpace(custom.Data)
	}
	if !bytes.HasPrefix(predicate, []byte(`"`)) {
		return predicate, nil
	}
	var text string
	if err := r.read(predicate, &text); err != nil {
		return nil, err
	}
	return []byte(text), nil
}

// readTime reads a time of a document (RFC 3339). Go's zero time, which
// programs write that know none, is none.
func readTime(field, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is %q, which is no time", field, shorten(text))
	}
	return at.UTC(), nil
}

// terms are what a document's age is judged by.
type terms struct {
	// what happened at that time: "it was made".
	what   string
	maxAge time.Duration
	// at is now.
	at time.Time
	// signed is the earliest proven time of the signature; zero when there is
	// none.
	signed time.Time
}

// check refuses a document without a time, from the future, from after its
// signature, and one that is too old.
func (t terms) check(made time.Time) error {
	switch {
	case made.IsZero():
		return fmt.Errorf("it does not say when %s", t.what)
	case made.After(t.at.Add(clockSkew)):
		return fmt.Errorf("%s on %s, which is in the future", t.what, stamp(made))
	case !t.signed.IsZero() && made.After(t.signed.Add(clockSkew)):
		return fmt.Errorf("%s on %s by its own word, and it was signed before that, on %s", t.what, stamp(made), stamp(t.signed))
	case t.maxAge > 0 && t.at.Sub(made) > t.maxAge:
		return fmt.Errorf("%s on %s, longer ago than %s", t.what, stamp(made), inDays(t.maxAge))
	}
	return nil
}

func stamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// inDays writes whole days as days.
func inDays(age time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case age == day:
		return "a day"
	case age%day == 0:
		return fmt.Sprintf("%d days", age/day)
	}
	return age.String()
}

// longestText bounds what a document can put into a message.
const longestText = 120

// shorten makes a document's text fit for a message: one line, without control
// characters, of bounded length.
func shorten(text string) string {
	if len(text) > longestText {
		text = text[:longestText] + "..."
	}
	clean := bytes.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == utf8.RuneError {
			return ' '
		}
		return r
	}, []byte(text))
	return string(clean)
}
