package verify

import (
	"bytes"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// The log is trusted and the certificate authority is not.
func TestVerify_UntrustedCertificateInATrustedLogIsDenied(t *testing.T) {
	for name, legacy := range map[string]bool{"bundle": false, "legacy": true} {
		t.Run(name, func(t *testing.T) {
			arrange := func(certificates string) twin {
				return func(w *world) plugin.Image {
					w.sigstore, _ = throwaway.New()
					w.trust("other", w.sigstore)
					authority := keyless()
					authority.CTLog.TrustRootRef = "other"
					authority.Keyless.TrustRootRef = certificates
					w.require(authority)
					return signedAs(legacy, issuer, subject)(w)
				}
			}
			checkTwins(t, arrange(rootName), arrange("other"), notTrusted("its certificate is not from the trusted authority"))
		})
	}
}

func TestVerify_CertificateWhereAKeyIsAskedForIsDenied(t *testing.T) {
	arrange := func(withKey bool) twin {
		return func(w *world) plugin.Image {
			key := newKey(t, "ecdsa-p256")
			w.require(byKey(t, key))
			image := w.image("a")
			who := builds()
			if withKey {
				who = throwaway.Signer{Key: key}
			}
			w.sign(image, who)
			return image
		}
	}
	checkTwins(t, arrange(false), arrange(true), notTrusted("asks for a key"))
}

func TestVerify_KeyWhereACertificateIsAskedForIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := w.image("a")
		w.sign(image, throwaway.Signer{Key: newKey(t, "ecdsa-p256")})
		return image
	}, signed, notTrusted("bundle"))
}

func TestVerify_KeyWithoutALogEntryIsDeniedWhenTheLogIsRequired(t *testing.T) {
	arrange := func(withLog bool) twin {
		return func(w *world) plugin.Image {
			key := newKey(t, "ecdsa-p256")
			authority := byKey(t, key)
			authority.CTLog = &gate.CTLog{TrustRootRef: rootName}
			w.require(authority)
			image := w.image("a")
			w.sign(image, throwaway.Signer{Key: key, LeaveOut: throwaway.Parts{Log: !withLog}})
			return image
		}
	}
	checkTwins(t, arrange(false), arrange(true), notTrusted("no entry of the trusted transparency log"))
}

func TestVerify_SignatureTagWithoutLayersIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := w.image("a")
		w.registry.manifests[repository+"@"+legacyTag(image.Digest)] = []byte(`{"layers":[]}`)
		return image
	}, signedLegacy, notSigned)
}

func TestVerify_BrokenLegacyAnnotationIsDenied(t *testing.T) {
	for annotation, reason := range map[string]string{
		annotationSignature:   "signature annotation",
		annotationCertificate: "certificate annotation",
		annotationLog:         "log annotation",
		annotationTimestamp:   "timestamp annotation",
	} {
		t.Run(annotation, func(t *testing.T) {
			arrange := func(broken bool) twin {
				return func(w *world) plugin.Image {
					if annotation == annotationTimestamp {
						w.require(stamped())
					}
					image := w.image("a")
					payload, _ := throwaway.Payload(repository, image.Digest)
					annotations, err := w.sigstore.LegacyAnnotations(builds(), payload)
					if err != nil {
						t.Fatal(err)
					}
					if broken {
						annotations[annotation] = "!"
					}
					w.legacy(image, payload, annotations)
					return image
				}
			}
			checkTwins(t, arrange(true), arrange(false), notTrusted(reason))
		})
	}
}

// As in the cluster, where neither is looked at unless it is asked for.
func TestVerify_BrokenLogAndTimestampDoNotMatterWhenNotRequired(t *testing.T) {
	w := newWorld(t)
	signer := newKey(t, "ecdsa-p256")
	w.require(byKey(t, signer))
	image := w.image("a")
	payload, _ := throwaway.Payload(repository, image.Digest)
	annotations, err := w.sigstore.LegacyAnnotations(throwaway.Signer{Key: signer}, payload)
	if err != nil {
		t.Fatal(err)
	}
	annotations[annotationLog], annotations[annotationTimestamp] = "!", "!"
	w.legacy(image, payload, annotations)
	checkAccepted(t, w.review(image), image.Digest)
}

// withBundleOf makes the registry say a size that is not the bundle's.
func withBundleOf(size int, stated int64) twin {
	return func(w *world) plugin.Image {
		w.config.Limits.BundleBytes = 1 << 20
		image := w.image("a")
		bundle := w.statement(image.Digest, builds(), throwaway.SignPredicate)
		if size > 0 {
			bundle = append(bundle, bytes.Repeat([]byte(" "), size)...)
		}
		w.refer(image, bundle, throwaway.SignPredicate)
		if stated > 0 {
			key := repository + "@" + w.registry.referrers[repository+"@"+image.Digest][0].Digest
			manifest := throwaway.BundleManifest(throwaway.Descriptor{Digest: image.Digest}, bundle, throwaway.SignPredicate)
			manifest.Layers[0].Size = stated
			w.registry.manifests[key] = w.json(manifest)
		}
		return image
	}
}

func TestVerify_BundleOfOneGigabyteIsDeniedUnread(t *testing.T) {
	checkTwins(t, withBundleOf(0, 1<<30), withBundleOf(0, 0), notTrusted("too large"))
	w := newWorld(t)
	image := withBundleOf(0, 1<<30)(w)
	w.review(image)
	if got := w.registry.counts["blob"]; got != 0 {
		t.Errorf("%d blobs were read, want none", got)
	}
}

func TestVerify_BundleLargerThanItsStatedSizeIsDenied(t *testing.T) {
	checkTwins(t, withBundleOf(1<<20, 10), withBundleOf(1<<10, 10), notTrusted("larger than the limit"))
}

func TestVerify_TooManyReferrersAreDenied(t *testing.T) {
	arrange := func(limit int64) twin {
		return func(w *world) plugin.Image {
			w.config.Limits.Referrers = limit
			image := signed(w)
			w.refer(image, []byte("garbage"), "")
			return image
		}
	}
	checkTwins(t, arrange(1), arrange(2), notTrusted("the limit referrers is 1"))
}

func TestVerify_TooManyLegacyLayersAreDenied(t *testing.T) {
	arrange := func(limit int64) twin {
		return func(w *world) plugin.Image {
			w.config.Limits.LegacySignatures = limit
			image := signedLegacy(w)
			w.signLegacy(image, image, builds())
			return image
		}
	}
	checkTwins(t, arrange(1), arrange(2), notTrusted("the limit legacySignatures is 1"))
}

func TestVerify_MissingBlobOfAListedBundleIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signed(w)
		clear(w.registry.blobs)
		return image
	}, signed, notTrusted("not found"))
}

func TestVerify_MissingManifestOfAListedBundleIsDenied(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signed(w)
		delete(w.registry.manifests, repository+"@"+w.registry.referrers[repository+"@"+image.Digest][0].Digest)
		return image
	}, signed, notTrusted("not found"))
}
