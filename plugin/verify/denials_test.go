package verify

import (
	"errors"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

var (
	errRegistryDown = errors.New("the registry is down")

	notSigned  = wanted{rule: ruleNotSigned, reason: "not signed"}
	notTrusted = func(reason string) wanted { return wanted{rule: ruleNotTrusted, reason: reason} }
	noAnswer   = func(reason string) wanted {
		return wanted{rule: ruleNoAnswer, level: plugin.Undetermined, reason: reason}
	}
)

func signed(w *world) plugin.Image {
	image := w.image("a")
	w.sign(image, builds())
	return image
}

func signedLegacy(w *world) plugin.Image {
	image := w.image("a")
	w.signLegacy(image, image, builds())
	return image
}

func TestVerify_UnsignedImageIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image { return w.image("a") }, signed, notSigned)
}

func TestVerify_LegacySignatureIsAccepted(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image { return w.image("a") }, signedLegacy, notSigned)
}

func TestVerify_BundleByAnotherKeyIsDenied(t *testing.T) {
	arrange := func(other bool) twin {
		return func(w *world) plugin.Image {
			trusted, signer := newKey(t, "ecdsa-p256"), newKey(t, "ecdsa-p256")
			if !other {
				signer = trusted
			}
			w.require(byKey(t, trusted))
			image := w.image("a")
			w.sign(image, throwaway.Signer{Key: signer})
			return image
		}
	}
	checkTwins(t, arrange(true), arrange(false), notTrusted("made by another key"))
}

func TestVerify_LegacySignatureByAnotherKeyIsDenied(t *testing.T) {
	arrange := func(other bool) twin {
		return func(w *world) plugin.Image {
			trusted, signer := newKey(t, "ecdsa-p256"), newKey(t, "ecdsa-p256")
			if !other {
				signer = trusted
			}
			w.require(byKey(t, trusted))
			image := w.image("a")
			w.signLegacy(image, image, throwaway.Signer{Key: signer})
			return image
		}
	}
	checkTwins(t, arrange(true), arrange(false), notTrusted("made by another key"))
}

func TestVerify_BundleCopiedFromAnotherImageIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image, other := w.image("a"), w.image("b")
		w.refer(image, w.statement(other.Digest, builds(), throwaway.SignPredicate), throwaway.SignPredicate)
		return image
	}, signed, notTrusted("it signs another image"))
}

func TestVerify_LegacySignatureCopiedFromAnotherImageIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image, other := w.image("a"), w.image("b")
		w.signLegacy(image, other, builds())
		return image
	}, signedLegacy, notTrusted("it signs another image"))
}

// The payload names the image, but is not what was signed.
func TestVerify_LegacyPayloadThatWasNotSignedIsDenied(t *testing.T) {
	arrange := func(swap bool) twin {
		return func(w *world) plugin.Image {
			image, other := w.image("a"), w.image("b")
			payload, _ := throwaway.Payload(repository, image.Digest)
			signedPayload := payload
			if swap {
				signedPayload, _ = throwaway.Payload(repository, other.Digest)
			}
			annotations, err := w.sigstore.LegacyAnnotations(builds(), signedPayload)
			if err != nil {
				t.Fatal(err)
			}
			w.legacy(image, payload, annotations)
			return image
		}
	}
	checkTwins(t, arrange(true), arrange(false), notTrusted("does not match"))
}

func TestVerify_LegacyPayloadOfAnotherTypeIsDenied(t *testing.T) {
	arrange := func(kind string) twin {
		return func(w *world) plugin.Image {
			image := w.image("a")
			payload := []byte(`{"critical":{"type":"` + kind + `","image":{"docker-manifest-digest":"` + image.Digest + `"}}}`)
			annotations, err := w.sigstore.LegacyAnnotations(builds(), payload)
			if err != nil {
				t.Fatal(err)
			}
			w.legacy(image, payload, annotations)
			return image
		}
	}
	checkTwins(t, arrange("atomic container signature"), arrange(payloadType), notTrusted("its payload is of type"))
}

// leaveOut signs without a log entry or without a timestamp, or with both, and
// with a certificate that ended an hour ago.
func signedBefore(legacy bool, without throwaway.Parts) twin {
	return func(w *world) plugin.Image {
		image := w.image("a")
		who := builds()
		who.At, who.LeaveOut = w.now.Add(-time.Hour), without
		if legacy {
			w.signLegacy(image, image, who)
		} else {
			w.sign(image, who)
		}
		return image
	}
}

func TestVerify_ExpiredCertificateWithoutTimestampIsDenied(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			arrange := func(without throwaway.Parts) twin {
				return func(w *world) plugin.Image {
					authority := keyless()
					authority.CTLog = nil
					if !legacy { // a root without a log: nothing proves the time
						w.config.TrustRoots[0].Spec.SigstoreKeys.TLogs = nil
					}
					if without == (throwaway.Parts{Log: true}) {
						authority = stamped()
					}
					w.require(authority)
					return signedBefore(legacy, without)(w)
				}
			}
			checkTwins(t, arrange(throwaway.Parts{Log: true, Timestamp: true}), arrange(throwaway.Parts{Log: true}), notTrusted("was not valid when it signed"))
		})
	}
}

func TestVerify_MissingLogEntryIsDeniedWhenTheLogIsRequired(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, signedBefore(legacy, throwaway.Parts{Log: true}), signedBefore(legacy, throwaway.Parts{}), notTrusted("no entry of the trusted transparency log"))
		})
	}
}

func TestVerify_MissingTimestampIsDeniedWhenOneIsRequired(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			arrange := func(without throwaway.Parts) twin {
				return func(w *world) plugin.Image {
					w.require(stamped())
					return signedBefore(legacy, without)(w)
				}
			}
			checkTwins(t, arrange(throwaway.Parts{Timestamp: true}), arrange(throwaway.Parts{}), notTrusted("no timestamp of the trusted timestamp authority"))
		})
	}
}

func TestVerify_MissingCertificateTimestampIsDenied(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, signedBefore(legacy, throwaway.Parts{SCT: true}), func(w *world) plugin.Image {
				authority := keyless()
				authority.Keyless.InsecureIgnoreSCT = true
				w.require(authority)
				return signedBefore(legacy, throwaway.Parts{SCT: true})(w)
			}, notTrusted("no timestamp of a trusted certificate log"))
		})
	}
}

func signedAs(legacy bool, issuer, subject string) twin {
	return func(w *world) plugin.Image {
		image := w.image("a")
		who := throwaway.Signer{Issuer: issuer, Subject: subject}
		if legacy {
			w.signLegacy(image, image, who)
		} else {
			w.sign(image, who)
		}
		return image
	}
}

func TestVerify_WrongIssuerIsDenied(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, signedAs(legacy, "https://other.example.com", subject), signedAs(legacy, issuer, subject), notTrusted("https://other.example.com"))
		})
	}
}

func TestVerify_WrongSubjectIsDenied(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, signedAs(legacy, issuer, subject+"-other"), signedAs(legacy, issuer, subject), notTrusted(subject+"-other"))
		})
	}
}

func TestVerify_CertificateOfAnotherAuthorityIsDenied(t *testing.T) {
	arrange := func(foreign bool) twin {
		return func(w *world) plugin.Image {
			if foreign {
				w.sigstore, _ = throwaway.New()
			}
			return signed(w)
		}
	}
	checkTwins(t, arrange(true), arrange(false), notTrusted("no entry of the trusted transparency log"))
}

func TestVerify_ProvenanceInPlaceOfASignatureIsDenied(t *testing.T) {
	const provenance = "https://slsa.dev/provenance/v1"
	for name, hint := range map[string]string{"annotated": provenance, "not annotated": "", "annotated as a signature": throwaway.SignPredicate} {
		t.Run(name, func(t *testing.T) {
			want := wanted{rule: ruleNotSigned, reason: "it is an attestation (" + provenance + ")"}
			checkTwins(t, func(w *world) plugin.Image {
				image := w.image("a")
				w.refer(image, w.statement(image.Digest, builds(), provenance), hint)
				return image
			}, signed, want)
		})
	}
}

func TestVerify_GarbageBundleIsDenied(t *testing.T) {
	for name, content := range map[string]string{"not JSON": "garbage", "empty": "", "another object": `{"kind":"Secret"}`, "null": "null"} {
		t.Run(name, func(t *testing.T) {
			checkTwins(t, func(w *world) plugin.Image {
				image := w.image("a")
				w.refer(image, []byte(content), "")
				return image
			}, signed, notTrusted("it cannot be read as a bundle"))
		})
	}
}
