package notation_test

import (
	"bytes"
	"testing"

	"github.com/assay-gitops/assay/plugin/verify/notation"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// FuzzCheck: whatever the bytes are, nothing is accepted but what the trusted
// signer signed. What is not signed, such as the name of the signing program,
// may differ.
func FuzzCheck(f *testing.F) {
	s := newScene(f)
	statement := s.load()[0]
	for _, format := range formats() {
		s.options.Format = format
		envelope, _ := s.sign()
		f.Add(format == notary.COSE, envelope.Raw)
	}
	f.Add(false, []byte(`{"payload":"e30","protected":"e30","header":{"x5c":[""]},"signature":""}`))
	f.Add(true, []byte{0xd2, 0x84, 0x40, 0xa0, 0x40, 0x40})
	f.Fuzz(func(t *testing.T, isCOSE bool, raw []byte) {
		mediaType := notary.JWS
		if isCOSE {
			mediaType = notary.COSE
		}
		got, err := ask(t.Context(), statement, notation.Envelope{MediaType: mediaType, Raw: raw})
		if err == nil && (got.Signer != "CN=builds,O=example,ST=WA,C=US" || !bytes.Contains(got.Payload, []byte(digest))) {
			t.Fatalf("accepted %+v", got)
		}
	})
}

// FuzzLoad: a document is read or refused, and what was read covers something.
func FuzzLoad(f *testing.F) {
	s := newScene(f)
	f.Add([]byte(s.policy))
	f.Add([]byte(`{"version": "1.0", "trustPolicies": [{"name": "a", "registryScopes": ["*"]}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		config := s.config
		config.Data, config.Store = data, s.store
		statements, err := notation.Load(config)
		if err == nil && len(statements) == 0 {
			t.Fatal("a document without statements is accepted")
		}
	})
}
