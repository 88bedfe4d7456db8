package verify

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/verify/throwaway"
)

// BenchmarkVerify is what it costs to find out anew whether one signature holds,
// with everything that the registry said in memory: what a stored answer would
// save (docs/adr/0014-facts-on-disk.md).
func BenchmarkVerify(b *testing.B) {
	for name, sign := range map[string]func(*world) (gate.Authority, throwaway.Signer){
		"bundle by a key": func(w *world) (gate.Authority, throwaway.Signer) {
			key := newKey(w.t, "ecdsa-p256")
			return byKey(w.t, key), throwaway.Signer{Key: key}
		},
		"bundle by an identity, in the log": func(*world) (gate.Authority, throwaway.Signer) { return keyless(), builds() },
		"bundle by an identity, stamped":    func(*world) (gate.Authority, throwaway.Signer) { return stamped(), builds() },
	} {
		b.Run(name, func(b *testing.B) {
			w := newWorld(b)
			authority, who := sign(w)
			w.require(authority)
			image := w.image("app")
			w.sign(image, who)
			verifier := w.verifier()
			b.ReportAllocs()
			for b.Loop() {
				if review := verifier.Verify(w.ctx, []plugin.Image{image})[0]; len(review.Evidence) != 1 {
					b.Fatalf("%+v", review.Findings)
				}
			}
		})
	}
}
