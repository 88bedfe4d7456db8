package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/bundle"
	"github.com/sigstore/sigstore-go/pkg/root"
	"github.com/sigstore/sigstore-go/pkg/verify"
	"github.com/sigstore/sigstore/pkg/cryptoutils"
	"github.com/sigstore/sigstore/pkg/signature"
)

// attester is a key, and where its attestations go.
type attester struct {
	root.BaseTrustedMaterial
	verifier  signature.Verifier
	key, file string
}

// PublicKeyVerifier trusts the key alone.
func (a *attester) PublicKeyVerifier(string) (root.TimeConstrainedVerifier, error) {
	return root.NewExpiringKey(a.verifier, time.Time{}, time.Time{}), nil
}

func newAttester(t *testing.T) *attester {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	text, err := cryptoutils.MarshalPrivateKeyToPEM(key)
	must(t, err)
	folder := t.TempDir()
	a := &attester{key: filepath.Join(folder, "cosign.key"), file: filepath.Join(folder, "verdict.json")}
	must(t, os.WriteFile(a.key, text, 0o600))
	a.verifier, err = signature.LoadDefaultVerifier(key.Public())
	must(t, err)
	return a
}

func (a *attester) flags() []string { return []string{"--attest", a.file, "--attest-key", a.key} }

// verified is what the attestation says of these manifests; the error is why it
// says nothing.
func (a *attester) verified(t *testing.T, manifests string) (summary map[string]any, err error) {
	t.Helper()
	text, err := os.ReadFile(a.file)
	if err != nil {
		return nil, err
	}
	var entity bundle.Bundle
	must(t, entity.UnmarshalJSON(text))
	verifier, err := verify.NewVerifier(a, verify.WithNoObserverTimestamps())
	must(t, err)
	result, err := verifier.Verify(&entity, verify.NewPolicy(verify.WithArtifact(strings.NewReader(manifests)), verify.WithKey()))
	if err != nil {
		return nil, err
	}
	if got, want := result.Statement.PredicateType, "https://slsa.dev/verification_summary/v1"; got != want {
		t.Errorf("predicate type %s, want %s", got, want)
	}
	encoded, err := json.Marshal(result.Statement.Predicate)
	must(t, err)
	must(t, json.Unmarshal(encoded, &summary))
	return summary, nil
}

func (w *world) judged(t *testing.T, command string, more ...string) ended {
	t.Helper()
	w.settle()
	return in(t, "", append([]string{command, filepath.Join(w.dir, "app"), "-g", filepath.Join(w.dir, "gate"), "--project", "team-a"}, more...)...)
}

func TestAttest_SaysOfTheManifestsThatTheyPassed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	a := newAttester(t)
	rendered := w.judged(t, "render")
	if got := w.judged(t, "check", append(a.flags(), "--revision", "abc", "--attest-resource", "https://git.example.com/team-a/app")...); got.code != exitAllowed {
		t.Fatalf("check ends with %d:\n%s%s", got.code, got.out, got.err)
	}
	summary, err := a.verified(t, rendered.out)
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]any{"verificationResult": "PASSED", "resourceUri": "https://git.example.com/team-a/app", "slsaVersion": "1.1"} {
		if summary[field] != want {
			t.Errorf("%s is %v, want %v", field, summary[field], want)
		}
	}
	encoded, err := json.Marshal(summary)
	must(t, err)
	for _, part := range []string{w.digest.DigestStr(), `"assay_gates":["base"]`, `"inputAttestations":[{"digest"`, `"policy":{"digest":{"sha256":"`} {
		if !strings.Contains(string(encoded), part) {
			t.Errorf("there is no %s in %s", part, encoded)
		}
	}
	if summary, err := a.verified(t, rendered.out+"\n"); err == nil {
		t.Errorf("of other manifests it says %v", summary)
	}
	for _, format := range []string{"yaml", "json"} {
		got := w.judged(t, "render", append(a.flags(), "--output", format)...)
		if _, err := a.verified(t, got.out); err != nil || got.code != exitAllowed {
			t.Errorf("render -o %s ends with %d: %v", format, got.code, err)
		}
	}
}

func TestAttest_DeniedApplicationFailed(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := newAttester(t)
	if got := w.judged(t, "check", a.flags()...); got.code != exitDenied {
		t.Fatalf("an unsigned image: check ends with %d:\n%s", got.code, got.out)
	}
	w.sign(trusted())
	rendered := w.judged(t, "render", "--lenient")
	if summary, err := a.verified(t, rendered.out); err != nil || summary["verificationResult"] != "FAILED" {
		t.Errorf("the attestation says %v, %v; want FAILED", summary["verificationResult"], err)
	}
}

func TestAttest_WithoutAnAnswerNothingIsAttested(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*world){
		"the registry is silent": func(w *world) { must(w.t, w.server.Close()) },
		"nothing is rendered":    func(w *world) { w.write("app/web.yaml", "# nothing\n") },
	} {
		w := newWorld(t)
		w.sign(trusted())
		spoil(w)
		a := newAttester(t)
		got := w.judged(t, "check", a.flags()...)
		if _, err := os.Stat(a.file); got.code == exitAllowed || !errors.Is(err, fs.ErrNotExist) || !strings.Contains(got.err, "no attestation was written") {
			t.Errorf("%s: check ends with %d, %v:\n%s", name, got.code, err, got.err)
		}
	}
}

func TestAttest_TheSameTimeGivesTheSameStatement(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	statements := map[string]bool{}
	for _, at := range []string{"2026-11-23T10:00:00Z", "2026-11-23T11:00:00+01:00"} {
		a := newAttester(t)
		w.authority = "ctlog: {trustRootRef: example}"
		if got := w.judged(t, "check", append(a.flags(), "--at", at)...); got.code != exitAllowed {
			t.Fatalf("check ends with %d:\n%s%s", got.code, got.out, got.err)
		}
		text, err := os.ReadFile(a.file)
		must(t, err)
		var made struct {
			Envelope struct{ Payload string } `json:"dsseEnvelope"`
		}
		must(t, json.Unmarshal(text, &made))
		statements[made.Envelope.Payload] = true
	}
	if len(statements) != 1 {
		t.Errorf("%d statements of one time", len(statements))
	}
}

func TestAttest_WrongUseIsToldBeforeAnythingIsJudged(t *testing.T) {
	t.Setenv("SIGSTORE_ID_TOKEN", "")
	t.Setenv("ACTIONS_ID_TOKEN_REQUEST_URL", "")
	w := newWorld(t)
	w.sign(trusted())
	a := newAttester(t)
	for name, test := range map[string]struct {
		flags []string
		want  string
	}{
		"a lenient verdict":    {append(a.flags(), "--lenient"), "--lenient lets pass what the gate denies"},
		"a key alone":          {[]string{"--attest-key", a.key}, "it goes with --attest FILE"},
		"no key, no identity":  {[]string{"--attest", a.file}, "there is neither a key nor an identity token"},
		"no such key":          {[]string{"--attest", a.file, "--attest-key", a.key + "x"}, "reading --attest-key: "},
		"no such services":     {append(a.flags(), "--attest-services", a.key+"x"), "no such file"},
		"services not JSON":    {append(a.flags(), "--attest-services", a.key), "reading the signing config"},
		"no time":              {append(a.flags(), "--at", "yesterday"), "write a time such as"},
		"a key service's key":  {[]string{"--attest", a.file, "--attest-key", "ourkms://key"}, "key"},
		"a resource of no URI": {append(a.flags(), "--attest-resource", "http://[::1"), "--attest-resource"},
	} {
		t.Run(name, func(t *testing.T) {
			got := w.judged(t, "check", test.flags...)
			if got.code != exitUsage || got.out != "" || !strings.Contains(got.err, test.want) {
				t.Errorf("check ends with %d, want %s:\n%s%s", got.code, test.want, got.out, got.err)
			}
		})
	}
	if got := w.judged(t, "check", a.flags()...); got.code != exitAllowed || got.err != "wrote "+a.file+": the verdict, attested\n" {
		t.Errorf("the twin ends with %d:\n%s", got.code, got.err)
	}
}
