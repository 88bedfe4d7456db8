package verify

import (
	"cmp"
	"errors"
	"fmt"
	"strings"

	sigstore "github.com/sigstore/sigstore-go/pkg/verify"
)

// plainWords are sigstore-go's reasons in words that say what to look at. The
// first that is part of the error counts.
func plainWords() [][2]string {
	const anotherImage = "it signs another image"
	return [][2]string{
		{"does not match digests in statement", anotherImage},
		{"does not match any digest in statement", anotherImage},
		{"artifact does not match digest", anotherImage},
		{"could not verify envelope", "its signature does not verify: made by another key, or altered"},
		{"could not verify message", "its signature does not verify: made by another key, or altered"},
		{"leaf certificate verification failed", "its certificate is not from the trusted authority, or was not valid when it signed"},
		{"expected key signature", "it is signed with a certificate, and the policy asks for a key"},
		{"bundle is signed with a public key", "it is signed by a key, and the policy asks for a certificate"},
		{"outside of public key validity window", "it is signed by a key, and the policy asks for a certificate"}, // keys of policies have no end
		{"not enough verified log entries", "it has no entry of the trusted transparency log"},
		{"unable to meet threshold", "its certificate has no timestamp of a trusted certificate log"},
		{"threshold not met for verified signed timestamps", "it has no timestamp of the trusted timestamp authority"},
		{"threshold not met for verified signed & log", "it has neither a timestamp nor a log entry that proves when it was signed"},
	}
}

// explain puts an error of sigstore-go into one line.
func explain(err error) error {
	var mismatch *sigstore.ErrNoMatchingCertificateIdentity
	if errors.As(err, &mismatch) {
		return fmt.Errorf("signed by another identity: %s", oneLine(errors.Join(mismatch.Unwrap()...)))
	}
	text := oneLine(err)
	for _, words := range plainWords() {
		if strings.Contains(text, words[0]) {
			return errors.New(words[1])
		}
	}
	return errors.New(text)
}

// whyNot is the reason for which a candidate failed. That it is signed in
// another way than the authority asks for comes before what that leads to: a
// key's signature has no certificate for the log to know.
func (a *authority) whyNot(found *candidate, wanted demands, err error) error {
	found.lock.Lock()
	byKey := found.byKey()
	found.lock.Unlock()
	switch {
	case found.attests != "" || byKey == wanted.key:
		return explain(err)
	case byKey:
		return errors.New("it is signed by a key, and the policy asks for a certificate of " + a.names())
	}
	return errors.New("it is signed with a certificate, and the policy asks for a key")
}

// names are the identities whom the authority trusts.
func (a *authority) names() string {
	texts := make([]string, len(a.identities))
	for i, identity := range a.identities {
		subject, issuer := identity.SubjectAlternativeName.SubjectAlternativeName, identity.Issuer.Issuer
		texts[i] = cmp.Or(subject, identity.SubjectAlternativeName.Regexp.String()) + " by " + cmp.Or(issuer, identity.Issuer.Regexp.String())
	}
	return oneLine(errors.New(strings.Join(texts, ", or ")))
}

// longestReason bounds what a signature's content can put into a report.
const longestReason = 400

// oneLine is the error's text without line breaks and control characters.
func oneLine(err error) string {
	text := strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ReplaceAll(err.Error(), "\n", "; "))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) > longestReason {
		text = strings.ToValidUTF8(text[:longestReason], "") + "..."
	}
	return text
}
