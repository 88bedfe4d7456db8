package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// signatureTwins holds one signature that must not count against one that
// does, in both formats.
func signatureTwins(t *testing.T, bad func(w *world) throwaway.Signer, want answer) {
	t.Helper()
	t.Parallel()
	for format, sign := range map[string]func(w *world, who throwaway.Signer){
		"bundle": (*world).sign,
		"legacy": func(w *world, who throwaway.Signer) { must(w.t, w.sigstore.SignLegacy(w.t.Context(), w.digest, who)) },
	} {
		t.Run(format, func(t *testing.T) {
			twins(t, func(w *world, isBad bool) {
				who := trusted()
				if isBad {
					who = bad(w)
				}
				sign(w, who)
			}, want)
		})
	}
}

func TestBadInput_UnsignedImageIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		if !bad {
			w.sign(trusted())
		}
	}, denied("image/not-signed", "web.yaml"))
}

func TestBadInput_SignedByAnotherKeyIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		key, err := throwaway.NewKey()
		must(w.t, err)
		public, err := key.PublicPEM()
		must(w.t, err)
		w.write("gate/images.yaml", fmt.Sprintf("apiVersion: policy.sigstore.dev/v1beta1\nkind: ClusterImagePolicy\nmetadata: {name: release}\nspec:\n  images: [{glob: \"%s/**\"}]\n  authorities:\n  - key:\n      data: |\n        %s\n",
			w.server.Host(), strings.ReplaceAll(strings.TrimSpace(public), "\n", "\n        ")))
		if bad {
			key, err = throwaway.NewKey()
			must(w.t, err)
		}
		w.sign(throwaway.Signer{Key: key})
	}, denied("image/not-trusted", "made by another key"))
}

func TestBadInput_SignatureCopiedFromAnotherImageIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		subject := w.digest
		if bad {
			subject = w.push("team-a/app:other", "other")
		}
		statement, err := throwaway.Statement(subject.DigestStr(), throwaway.SignPredicate, nil)
		must(w.t, err)
		bundle, err := w.sigstore.Bundle(trusted(), statement)
		must(w.t, err)
		must(w.t, w.sigstore.PushBundle(w.t.Context(), w.digest, bundle, throwaway.SignPredicate))
	}, denied("image/not-trusted", "it signs another image"))
}

func TestBadInput_CertificateExpiredWithoutATimestampIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.authority = "rfc3161timestamp: {trustRootRef: example}"
		who := trusted()
		who.At = time.Now().Add(-time.Hour)
		who.LeaveOut = throwaway.Parts{Log: true, Timestamp: bad}
		w.sign(who)
	}, denied("image/not-trusted", "timestamp"))
}

func TestBadInput_WrongIssuerIsDenied(t *testing.T) {
	signatureTwins(t, func(*world) throwaway.Signer {
		who := trusted()
		who.Issuer = "https://other.example.com"
		return who
	}, denied("image/not-trusted", "https://other.example.com", trustedIssuer))
}

func TestBadInput_WrongSubjectIsDenied(t *testing.T) {
	signatureTwins(t, func(*world) throwaway.Signer {
		who := trusted()
		who.Subject = strings.Replace(who.Subject, "team-a", "team-b", 1)
		return who
	}, denied("image/not-trusted", "https://git.example.com/team-b/app"))
}

func TestBadInput_UnanchoredExpressionRefusesTheGate(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		expression := `^https://git\.example\.com/team-a/app/.*$`
		if bad {
			expression = `https://git\.example\.com/team-a/app/`
		}
		w.identity = fmt.Sprintf("{issuer: %q, subjectRegExp: '%s'}", trustedIssuer, expression)
	}, denied("gate/images.yaml:10", "subjectRegExp", "^"))
}

func TestBadInput_BundleOfOneGigabyteIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			blobs, config := failing(ociserver.Fault{Zeros: 1 << 30}, "/blobs/"), configOf(w)
			w.server.SetFault(func(r *http.Request) *ociserver.Fault {
				if strings.HasSuffix(r.URL.Path, config) {
					return nil // the image's own configuration
				}
				return blobs(r)
			})
		}
	}, denied("image/not-trusted", "bundleBytes"))
}

// configOf is the digest of the image's configuration.
func configOf(w *world) string {
	w.t.Helper()
	response, err := http.Get("http://" + w.server.Host() + "/v2/team-a/app/manifests/" + w.digest.DigestStr())
	must(w.t, err)
	defer response.Body.Close()
	var manifest struct{ Config struct{ Digest string } }
	must(w.t, json.NewDecoder(response.Body).Decode(&manifest))
	return manifest.Config.Digest
}

// referrers answers with so many referrers that are bills of materials, none of
// which is there, after the registry's own list.
func referrers(w *world, count int) func(*http.Request) *ociserver.Fault {
	path := "/v2/team-a/app/referrers/" + w.digest.DigestStr()
	response, err := http.Get("http://" + w.server.Host() + path)
	must(w.t, err)
	defer response.Body.Close()
	var index struct {
		SchemaVersion int               `json:"schemaVersion"`
		MediaType     string            `json:"mediaType"`
		Manifests     []json.RawMessage `json:"manifests"`
	}
	must(w.t, json.NewDecoder(response.Body).Decode(&index))
	for i := range count {
		digest := throwaway.Digest(fmt.Append(nil, i))
		index.Manifests = append(index.Manifests, fmt.Appendf(nil,
			`{"mediaType":"application/vnd.oci.image.manifest.v1+json","size":3,"digest":%q,"artifactType":"application/vnd.example.sbom"}`, digest))
	}
	var body bytes.Buffer
	must(w.t, json.NewEncoder(&body).Encode(index))
	return failing(ociserver.Fault{Header: http.Header{"Content-Type": {index.MediaType}}, Body: body.Bytes()}, "/referrers/")
}

func TestBadInput_TenThousandReferrersAreNotRead(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		count := 10
		if bad {
			count = 10_000
		}
		w.server.SetFault(referrers(w, count))
	}, denied("limit referrers"))
}

func TestBadInput_ProvenanceInPlaceOfASignatureIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		kind := throwaway.SignPredicate
		if bad {
			kind = "https://slsa.dev/provenance/v1"
		}
		must(w.t, w.sigstore.Attest(w.t.Context(), w.digest, trusted(), kind, nil))
	}, denied("image/not-signed", "it is an attestation (https://slsa.dev/provenance/v1)"))
}

func TestBadInput_ExpiredTrustRootIsUndetermined(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		now := time.Now()
		until := now.AddDate(1, 0, 0)
		if bad {
			until = now.Add(-time.Hour)
		}
		made, err := throwaway.NewValid(now.AddDate(-2, 0, 0), until)
		must(w.t, err)
		w.sigstore = made // the registry is open: it needs no credential
		w.trust(made)
		w.sign(trusted())
	}, undetermined("verify/no-answer", "trust root"))
}

func TestBadInput_MissingTrustRootRefusesTheGate(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.root = ""
		}
	}, denied("gate/images.yaml:", "trustRootRef", "example"))
}

func TestBadInput_MissingTrustRootFileRefusesTheGate(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		if bad {
			w.root = "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata: {name: example}\nspec: {trustedRootFile: none.json}\n"
		}
	}, denied("gate/root.yaml:", "none.json"))
}
