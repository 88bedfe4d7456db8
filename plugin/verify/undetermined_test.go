package verify

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

func TestVerify_RegistryWithoutAnAnswerIsUndetermined(t *testing.T) {
	for kind, arrange := range map[string]twin{"referrers": signed, "manifest": signed, "blob": signed, "tag": signedLegacy} {
		t.Run(kind, func(t *testing.T) {
			checkTwins(t, func(w *world) plugin.Image {
				image := arrange(w)
				w.registry.faults[kind] = &plugin.StageError{Stage: "registry", Subject: repository, Cause: errors.New("429 too many requests")}
				return image
			}, arrange, noAnswer("429 too many requests"))
		})
	}
}

// What was refused for sure does not hide what could not be looked at.
func TestVerify_OneUnreadableAndOneRefusedSignatureAreUndetermined(t *testing.T) {
	w := newWorld(t)
	image := w.image("a")
	w.sign(image, throwaway.Signer{Issuer: issuer, Subject: "https://other.example.com"})
	w.registry.faults["tag"] = errors.New("500 internal error")
	checkRefused(t, w.review(image), noAnswer("500 internal error"))
}

func TestVerify_AuthorityThatVouchesOutweighsOneWithoutAnAnswer(t *testing.T) {
	w := newWorld(t)
	elsewhere := keyless()
	elsewhere.Name, elsewhere.Source = "elsewhere", []gate.SignatureSource{{OCI: "signatures.example.com/team-a"}}
	w.require(elsewhere, keyless())
	image := signed(w)
	broken := &partly{memory: w.registry, repository: "signatures.example.com/team-a"}
	verifier, err := New(w.config, broken)
	if err != nil {
		t.Fatal(err)
	}
	checkAccepted(t, verifier.Verify(w.ctx, []plugin.Image{image})[0], image.Digest)
}

// partly is a registry that does not answer for one repository.
type partly struct {
	*memory
	repository string
}

func (p *partly) Referrers(ctx context.Context, repository, digest string) ([]registry.Descriptor, error) {
	if repository == p.repository {
		return nil, fmt.Errorf("asking %s: timeout", repository)
	}
	return p.memory.Referrers(ctx, repository, digest)
}

func TestVerify_CancelledContextIsUndetermined(t *testing.T) {
	checkTwins(t, func(w *world) plugin.Image {
		image := signed(w)
		ctx, cancel := context.WithCancel(w.ctx)
		cancel()
		w.ctx = ctx
		return image
	}, signed, noAnswer("context canceled"))
}

func TestVerify_ExpiredTrustRootIsUndetermined(t *testing.T) {
	arrange := func(expired bool) twin {
		return func(w *world) plugin.Image {
			until := w.now.AddDate(1, 0, 0)
			if expired {
				until = w.now.AddDate(0, 0, -1)
			}
			w.sigstore, _ = throwaway.NewValid(w.now.AddDate(-1, 0, 0), until)
			w.trust("old", w.sigstore)
			authority := keyless()
			authority.Keyless.TrustRootRef, authority.CTLog.TrustRootRef = "old", "old"
			w.require(authority)
			return signed(w)
		}
	}
	checkTwins(t, arrange(true), arrange(false), noAnswer("TrustRoot old: all of its authorities are past their validity"))
}

// The file says that the authorities ended, their certificates do not.
func TestVerify_RetiredTrustRootIsUndetermined(t *testing.T) {
	arrange := func(ended bool) twin {
		return func(w *world) plugin.Image {
			until := w.now.AddDate(1, 0, 0)
			if ended {
				until = w.now.AddDate(0, 0, -1)
			}
			file, err := w.sigstore.TrustedRootUntil(until)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(w.config.Dir, "root.json"), file, 0o644); err != nil {
				t.Fatal(err)
			}
			w.config.TrustRoots[0] = gate.TrustRoot{
				Metadata: gate.Metadata{Name: rootName}, At: plugin.Origin{File: "gate.yaml", Line: 1},
				Spec: gate.TrustRootSpec{TrustedRootFile: "root.json"},
			}
			return signed(w)
		}
	}
	checkTwins(t, arrange(true), arrange(false), noAnswer("all of its authorities are past their validity"))
}

func TestVerify_ExpiredTimestampAuthorityIsUndetermined(t *testing.T) {
	arrange := func(expired bool) twin {
		return func(w *world) plugin.Image {
			until := w.now.AddDate(1, 0, 0)
			if expired {
				until = w.now.AddDate(0, 0, -1)
			}
			stamps, _ := throwaway.NewValid(w.now.AddDate(-1, 0, 0), until)
			w.trust("stamps", stamps)
			authority := stamped()
			authority.RFC3161Timestamp.TrustRootRef = "stamps"
			if !expired {
				authority.RFC3161Timestamp.TrustRootRef = rootName
			}
			w.require(authority)
			return signed(w)
		}
	}
	checkTwins(t, arrange(true), arrange(false), noAnswer("TrustRoot stamps"))
}
