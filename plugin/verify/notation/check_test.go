package notation_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/notaryproject/notation-core-go/signature"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway/notary"
)

// formats are both kinds of envelopes; what holds for one has to for the other.
func formats() map[string]string {
	return map[string]string{"JWS": notary.JWS, "COSE": notary.COSE}
}

func TestCheck_AcceptsBothFormatsAndSaysWhoSigned(t *testing.T) {
	for name, format := range formats() {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.options.Format = format
			got, err := s.check()
			if err != nil {
				t.Fatal(err)
			}
			if got.Signer != "CN=builds,O=example,ST=WA,C=US" || len(got.Notes) > 0 || !got.Signed.IsZero() || !bytes.Contains(got.Payload, []byte(digest)) {
				t.Errorf("%+v", got)
			}
		})
	}
}

// spoilText changes a text in an envelope of JSON.
func spoilText(old, with string) func([]byte) []byte {
	return func(raw []byte) []byte { return bytes.Replace(raw, []byte(old), []byte(with), 1) }
}

// protectedOf changes the protected header of a JWS.
func protectedOf(t *testing.T, change func(header map[string]any)) func([]byte) []byte {
	return func(raw []byte) []byte {
		var envelope map[string]any
		must(t, 0, json.Unmarshal(raw, &envelope))
		text, _ := envelope["protected"].(string)
		var header map[string]any
		must(t, 0, json.Unmarshal(must2(t)(decode(text)), &header))
		change(header)
		envelope["protected"] = encode(must2(t)(json.Marshal(header)))
		return must2(t)(json.Marshal(envelope))
	}
}

// stricter are the rows that notation itself accepts. All others it answers as
// assay does. The first two are about another time than now, the third about a
// limit of ours; the fourth the specification forbids, and notation leaves it to
// plugins.
func stricter() map[string]bool {
	return map[string]bool{
		"a certificate that is not valid yet": true, "an expired signature": true, "more certificates than may be": true,
		"a critical attribute that nobody knows": true,
	}
}

// Every row is a signature that is refused; its twin in newScene differs in that
// one thing and is accepted.
func TestCheck_Refuses(t *testing.T) {
	longAgo := notary.Validity{From: time.Now().AddDate(-2, 0, 0).UTC(), Until: time.Now().AddDate(-1, 0, 0).UTC()}
	whileValid := time.Now().AddDate(0, -18, 0).UTC()
	for name, row := range map[string]struct {
		arrange func(t *testing.T, s *scene)
		reason  string
	}{
		"another digest": {func(_ *testing.T, s *scene) {
			s.what.Digest = "sha256:" + strings.Repeat("0", 64)
		}, "it signs another image (sha256:0000"},
		"another media type": {func(_ *testing.T, s *scene) { s.what.MediaType = "application/vnd.oci.image.index.v1+json" }, "it signs the digest as"},
		"another size":       {func(_ *testing.T, s *scene) { s.what.Size = 1 }, "of 1 bytes"},
		"another authority": {func(t *testing.T, s *scene) {
			other, err := notary.NewAuthority("root", notary.Validity{})
			s.trust("ca/acme", must(t, other, err))
		}, "is not from an authority of the trust store"},
		"another subject": {func(_ *testing.T, s *scene) { s.leaf.Name = "somebody" }, "does not match the X.509 trusted identities"},
		"the wrong type of trust store": {func(_ *testing.T, s *scene) {
			s.replace(`"ca:acme", "signingAuthority:acme-sa"`, `"signingAuthority:acme-sa"`)
		}, "no trusted certificates"},
		"a signing authority where none is trusted": {func(_ *testing.T, s *scene) {
			s.replace(`, "signingAuthority:acme-sa"`, "")
			s.options.SigningAuthority = true
		}, "no trusted certificates"},
		"an expired certificate": {func(_ *testing.T, s *scene) {
			s.root = under(t, s, longAgo)
			s.leaf.Validity, s.options.At = longAgo, whileValid
		}, "was valid from"},
		"a certificate that is not valid yet": {func(_ *testing.T, s *scene) { s.now = time.Now().AddDate(-5, 0, 0) }, "was valid from"},
		"an expired signature": {func(_ *testing.T, s *scene) {
			s.options.Expiry = time.Now().Add(time.Hour)
			s.now = time.Now().Add(2 * time.Hour)
		}, "expiry: it was valid until"},
		"no timestamp where one is asked": {func(_ *testing.T, s *scene) { s.withStamps() }, "no timestamp countersignature"},
		"a timestamp of somebody else": {func(t *testing.T, s *scene) {
			s.withStamps()
			other, err := notary.NewAuthority("other", notary.Validity{})
			must(t, other, err)
			s.options.Stamps = s.stamps
			s.trust("tsa/acme-tsa", other)
		}, "timestamp countersignature"},
		"a timestamp after the certificate's end": {func(_ *testing.T, s *scene) {
			s.withStamps()
			s.root = under(t, s, longAgo)
			s.leaf.Validity, s.options.At = longAgo, whileValid
			s.options.Stamps, s.options.StampedAt = s.stamps, time.Now()
		}, "timestamp can be after certificate"},
		"a verification plugin": {func(_ *testing.T, s *scene) {
			s.options.Attributes = []signature.Attribute{{Key: "io.cncf.notary.verificationPlugin", Critical: true, Value: "com.example.plugin"}}
		}, `the verification plugin "com.example.plugin"`},
		"a critical attribute that nobody knows": {func(_ *testing.T, s *scene) {
			s.options.Attributes = []signature.Attribute{{Key: "com.example.must", Critical: true, Value: "x"}}
		}, `critical attribute "com.example.must"`},
		"a payload of another type":     {func(_ *testing.T, s *scene) { s.options.ContentType = "application/json" }, "payload content type"},
		"more certificates than may be": {func(_ *testing.T, s *scene) { s.config.Limits.Certificates = 1 }, "the limit certificates is 1"},
		"alg none": {func(t *testing.T, s *scene) {
			s.spoil = protectedOf(t, func(header map[string]any) { header["alg"] = "none" })
		}, "its signature does not verify"},
		"an altered payload": {func(t *testing.T, s *scene) {
			s.spoil = func(raw []byte) []byte {
				var envelope map[string]any
				must(t, 0, json.Unmarshal(raw, &envelope))
				envelope["payload"] = encode([]byte(`{"targetArtifact":{}}`))
				return must2(t)(json.Marshal(envelope))
			}
		}, "its signature does not verify"},
		"a JWS that calls itself COSE":  {func(_ *testing.T, s *scene) { s.format = notary.COSE }, "cannot be read as application/cose"},
		"a COSE that calls itself JWS":  {func(_ *testing.T, s *scene) { s.options.Format, s.format = notary.COSE, notary.JWS }, "cannot be read as application/jose+json"},
		"an envelope that nobody knows": {func(_ *testing.T, s *scene) { s.format = "application/pgp-signature" }, "cannot be read as application/pgp-signature"},
		"COSE garbage": {func(_ *testing.T, s *scene) {
			s.options.Format = notary.COSE
			s.spoil = func(raw []byte) []byte { return bytes.Repeat([]byte{0x9f}, len(raw)) }
		}, "cannot be read as application/cose"},
		"half an envelope":  {func(_ *testing.T, s *scene) { s.spoil = func(raw []byte) []byte { return raw[:len(raw)/2] } }, "cannot be read"},
		"an empty envelope": {func(_ *testing.T, s *scene) { s.spoil = func([]byte) []byte { return nil } }, "it"},
		"no certificates":   {func(_ *testing.T, s *scene) { s.spoil = spoilText(`"x5c"`, `"x5d"`) }, "its signature does not verify"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			row.arrange(t, s)
			got, err := s.check()
			if answer := s.upstream(); (answer == nil) != stricter()[name] {
				t.Errorf("notation says %v", answer)
			}
			var silent *plugin.StageError
			if err == nil || errors.As(err, &silent) || !strings.Contains(err.Error(), row.reason) {
				t.Fatalf("%+v, %v; want a refusal with %q", got, err, row.reason)
			}
		})
	}
	if _, err := newScene(t).check(); err != nil {
		t.Fatalf("the twin of all rows: %v", err)
	}
}

// under makes a root that was valid then, and trusts it.
func under(t testing.TB, s *scene, valid notary.Validity) *notary.Authority {
	t.Helper()
	root, err := notary.NewAuthority("old root", valid)
	s.trust("ca/acme", must(t, root, err))
	return root
}

// What newScene's twin does not show: each is accepted, and was refused above
// with one thing changed.
func TestCheck_Accepts(t *testing.T) {
	longAgo := notary.Validity{From: time.Now().AddDate(-2, 0, 0).UTC(), Until: time.Now().AddDate(-1, 0, 0).UTC()}
	whileValid := time.Now().AddDate(0, -18, 0).UTC().Truncate(time.Second)
	expired := func(s *scene) {
		s.root = under(s.t, s, longAgo)
		s.leaf.Validity, s.options.At = longAgo, whileValid
	}
	for name, row := range map[string]struct {
		arrange func(s *scene)
		signed  time.Time
	}{
		"an expired certificate with a timestamp of its time": {func(s *scene) {
			expired(s)
			s.withStamps()
			s.options.Stamps, s.options.StampedAt = s.stamps, whileValid
		}, whileValid},
		"the same after the certificate's end": {func(s *scene) {
			expired(s)
			s.withStamps()
			s.verification(`{"level": "strict", "verifyTimestamp": "afterCertExpiry"}`)
			s.options.Stamps, s.options.StampedAt = s.stamps, whileValid
		}, whileValid},
		"no timestamp while the certificate lasts": {func(s *scene) {
			s.withStamps()
			s.verification(`{"level": "strict", "verifyTimestamp": "afterCertExpiry"}`)
		}, time.Time{}},
		"an expired certificate at a time when it was valid": {func(s *scene) {
			expired(s)
			s.now = whileValid
		}, time.Time{}},
		"a signing authority": {func(s *scene) {
			s.options.SigningAuthority, s.options.At = true, time.Now().Add(-time.Hour).Truncate(time.Second)
		}, time.Now().Add(-time.Hour).UTC().Truncate(time.Second)},
		"a signature that lasts": {func(s *scene) { s.options.Expiry = time.Now().Add(time.Hour) }, time.Time{}},
		"an attribute that nobody has to know": {func(s *scene) {
			s.options.Attributes = []signature.Attribute{{Key: "com.example.may", Value: "x"}}
		}, time.Time{}},
		"anybody, where the policy says so": {func(s *scene) {
			s.leaf.Name = "somebody"
			s.replace(`x509.subject: C=US, ST=WA, O=example, CN=builds`, "*")
		}, time.Time{}},
	} {
		for format, mediaType := range formats() {
			t.Run(name+" as "+format, func(t *testing.T) {
				if format == "COSE" && strings.Contains(name, "nobody") {
					mediaType = notary.JWS // COSE has no attributes beside the critical ones
				}
				s := newScene(t)
				s.options.Format = mediaType
				row.arrange(s)
				got, err := s.check()
				if err != nil {
					t.Fatal(err)
				}
				if answer := s.upstream(); answer != nil && name != "an expired certificate at a time when it was valid" { // notation has no other time than now
					t.Errorf("notation says %v", answer)
				}
				if off := got.Signed.Sub(row.signed); off > 5*time.Second || off < -5*time.Second {
					t.Errorf("signed at %s, want %s", got.Signed, row.signed)
				}
			})
		}
	}
}

// A check that is only logged accepts, and says so.
func TestCheck_LoggedFailuresAreNotes(t *testing.T) {
	for name, override := range map[string]string{"override": `{"level": "strict", "override": {"expiry": "log"}}`, "permissive": `{"level": "permissive"}`} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			s.verification(override)
			s.options.Expiry = time.Now().Add(time.Hour)
			s.now = time.Now().Add(2 * time.Hour)
			got, err := s.check()
			if err != nil || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "expiry: it was valid until") {
				t.Fatalf("%+v, %v", got, err)
			}
			s.now = time.Now()
			if got, err := s.check(); err != nil || len(got.Notes) != 0 {
				t.Errorf("the twin: %+v, %v", got, err)
			}
		})
	}
}
