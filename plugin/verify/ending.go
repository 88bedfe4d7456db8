package verify

import (
	"fmt"
	"slices"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/assay-gitops/assay/plugin"
)

// How long before its end a trust root is warned about: metadata that its mirror
// signs anew every few days; and a root of a mirror, and authorities, which
// people renew.
const (
	warnBefore     = 3 * 24 * time.Hour
	warnLongBefore = 30 * 24 * time.Hour
)

// EndingRoots are warnings about the trust roots that the gate's trust rules use
// and that end soon: the copy of a mirror's, or all certificate authorities, or
// all timestamp authorities, of one.
func (v *Verifier) EndingRoots() []plugin.Finding {
	now := v.config.Clock()
	used := map[string]bool{}
	for _, policy := range slices.Concat(v.policies, v.witnesses) {
		for i := range policy.authorities {
			parts := policy.authorities[i].parts
			for _, part := range []*trustRoot{parts.certificates, parts.logs, parts.stamps} {
				if part != nil {
					used[part.name] = true
				}
			}
		}
	}
	var warnings []plugin.Finding
	for _, name := range sortedNames(v.roots) {
		if message := v.roots[name].ending(now); used[name] && message != "" {
			warnings = append(warnings, plugin.Finding{
				Rule: "gate/trust-root", Level: plugin.Warn, Gate: v.config.Gate, Origin: v.rootAt(name), Message: fmt.Sprintf("TrustRoot %s: %s", name, message), Hint: endingHint,
			})
		}
	}
	return warnings
}

const endingHint = "renew it in time: take the instance's present trusted_root.json, or check that its mirror can be reached and is kept up to date"

// rootAt is where a trust root is declared; nowhere for the embedded one.
func (v *Verifier) rootAt(name string) plugin.Origin {
	for _, declared := range v.config.TrustRoots {
		if declared.Metadata.Name == name {
			return declared.At
		}
	}
	return plugin.Origin{}
}

// ending says what of the root ends soon, and when; empty for nothing.
func (t *trustRoot) ending(now time.Time) string {
	if t.mirrored != nil {
		if t.mirrored.Unusable(now) != "" {
			return "" // no answer says so where it is needed
		}
		if message := t.mirrored.Ending(now); message != "" {
			return message
		}
	}
	for _, kind := range []struct {
		name string
		end  time.Time
	}{{"certificate authorities", t.authoritiesEnd()}, {"timestamp authorities", t.stampsEnd()}} {
		if left := kind.end.Sub(now); !kind.end.IsZero() && left < warnLongBefore {
			return fmt.Sprintf("the last of its %s ends in %s, on %s; what is signed after that cannot be verified by it", kind.name, InWords(left), kind.end.UTC().Format(time.DateOnly))
		}
	}
	return ""
}

// Ending says that the copy's metadata expires soon: what its mirror cannot sign
// anew in time, or what people sign. It is empty where nothing does.
func (m *Mirrored) Ending(now time.Time) string {
	left := m.Ends.Sub(now)
	if left >= warnBefore/3 && (left >= warnBefore || m.Trouble == "") && (left >= warnLongBefore || m.Role != "root") {
		return ""
	}
	message := fmt.Sprintf("the %s of its copy expires in %s", m.Role, InWords(left))
	if m.Trouble != "" {
		message += ", and it cannot be renewed: " + m.Trouble
	}
	return message
}

// InWords is a time that is left, in days or hours.
func InWords(left time.Duration) string {
	switch {
	case left < 0:
		return "no time: it has ended"
	case left >= 48*time.Hour:
		return fmt.Sprintf("%d days", int(left.Hours()/24))
	}
	return fmt.Sprintf("%d hours", int(left.Hours()))
}

// authoritiesEnd is when the last certificate authority ends; zero without one,
// or where one does not say.
func (t *trustRoot) authoritiesEnd() time.Time {
	var last time.Time
	for _, authority := range t.material.FulcioCertificateAuthorities() {
		fulcio, ok := authority.(*root.FulcioCertificateAuthority)
		if !ok || fulcio.Root == nil {
			return time.Time{}
		}
		if end := endOf(fulcio.ValidityPeriodEnd, fulcio.Root.NotAfter); end.After(last) {
			last = end
		}
	}
	return last
}

// stampsEnd is that for the timestamp authorities.
func (t *trustRoot) stampsEnd() time.Time {
	var last time.Time
	for _, authority := range t.material.TimestampingAuthorities() {
		stamps, ok := authority.(*root.SigstoreTimestampingAuthority)
		if !ok || stamps.Root == nil {
			return time.Time{}
		}
		if end := endOf(stamps.ValidityPeriodEnd, stamps.Root.NotAfter); end.After(last) {
			last = end
		}
	}
	return last
}
