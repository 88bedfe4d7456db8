package gate

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// Effective is what the gates of one application mean together for the stages
// that they share. What each gate decides alone (trust, rules, waivers, the
// deny switch) stays in Gates.
type Effective struct {
	// Gates that apply, by name, with absent fields filled in.
	Gates []Gate
	// Pin and Harden are on if any gate's switch is.
	Pin, Harden bool
	// Profile is the one that all gates agree on; "none" hardens nothing.
	Profile string
	// More is what all gates ask for beyond the profile.
	More Harden
	// LockMode is "Locked", "Resolve", or empty for the door's own default; see
	// [Effective.LockPolicy].
	LockMode string
	Drift    plugin.LockDrift
	// MaxBuildAge is the shortest that a gate asks for; zero when none does.
	MaxBuildAge time.Duration
	// FollowTags is set if a gate asks for it.
	FollowTags bool
	// ImageFields are all declared fields.
	ImageFields []plugin.ImageField
	// Undeclared is "Deny", "Warn" or "Ignore", the strictest.
	Undeclared string
	// Platforms are all that a gate requires.
	Platforms []string
	// Registries are what every gate with an opinion allows.
	Registries []Registry
	// TenantCredentials are what every gate with an opinion lists.
	TenantCredentials []TenantCredential
	// ChartHosts are those that every gate with an opinion allows.
	ChartHosts []string
	// Platform is true when every base gate says that the application is the
	// platform's own.
	Platform bool
	// ProtectedNamespaces are all that a gate names.
	ProtectedNamespaces []string
	// Namespaces are described by any gate; Owned by every base gate.
	Namespaces []Namespace
	// FreshFor and StaleFor are the shortest.
	FreshFor, StaleFor time.Duration
	// WaiverTerms are the shortest time, and all rules that no waiver covers.
	WaiverTerms WaiverTerms
	// Limits are the lowest.
	Limits plugin.Limits
}

// LockPolicy is the lock's use at a door: required says whether the door asks
// for a lock entry where the gates leave it open.
func (e Effective) LockPolicy(required bool) plugin.LockPolicy {
	switch e.LockMode {
	case "Locked":
		required = true
	case "Resolve":
		required = false
	}
	return plugin.LockPolicy{Required: required, Drift: e.Drift}
}

// Combine adds gates up: requirements add, permissions intersect, numbers take
// the stricter. docs/gate.md has the rule of every field. Gates that cannot be
// added up are an error that joins a *plugin.Refusal for each conflict, with
// the rule gate/conflict; so are no gates at all.
func Combine(gates []Gate) (Effective, error) {
	if len(gates) == 0 {
		return Effective{}, errors.New("combining gates: there is none, so nothing would be judged; load one with base: true")
	}
	filled := slices.Clone(gates)
	for i := range filled {
		filled[i].fillIn()
	}
	slices.SortFunc(filled, func(a, b Gate) int { return cmp.Compare(a.Metadata.Name, b.Metadata.Name) })
	var conflicts []error
	for i, gate := range filled {
		for _, other := range filled[i+1:] {
			for _, conflict := range between(gate, other) {
				conflicts = append(conflicts, conflict.refusal(""))
			}
		}
	}
	if len(conflicts) > 0 {
		return Effective{}, errors.Join(conflicts...)
	}
	return combine(filled)
}

func combine(gates []Gate) (Effective, error) {
	limits, err := combineLimits(gates)
	if err != nil {
		return Effective{}, err
	}
	effective := Effective{Gates: gates, Limits: limits, LockMode: lockMode(gates), Drift: drift(gates), Platform: platformOwned(gates)}
	undeclared := 0
	profile := ""
	for _, gate := range gates {
		spec := gate.Spec
		effective.Pin = effective.Pin || spec.Switches.Pin.IsOn()
		effective.Harden = effective.Harden || spec.Switches.Harden.IsOn()
		profile = cmp.Or(profile, spec.Profile)
		effective.More = effective.More.and(spec.Harden)
		effective.ImageFields = append(effective.ImageFields, imageFields(spec.Images.Fields)...)
		effective.Platforms = append(effective.Platforms, spec.Images.Platforms...)
		effective.ProtectedNamespaces = append(effective.ProtectedNamespaces, spec.ProtectedNamespaces...)
		effective.FollowTags = effective.FollowTags || spec.Lock.FollowTags
		effective.MaxBuildAge = shorter(effective.MaxBuildAge, spec.Lock.MaxBuildAge)
		effective.FreshFor = shorter(effective.FreshFor, spec.Freshness.FreshFor)
		effective.StaleFor = shorter(effective.StaleFor, spec.Freshness.StaleFor)
		undeclared = max(undeclared, strictness(spec.Images.Undeclared))
	}
	effective.Profile = cmp.Or(profile, defaultProfile)
	if effective.More.ReadOnlyRootFilesystem {
		effective.More.EmptyDirSize = cmp.Or(effective.More.EmptyDirSize, defaultEmptyDirSize)
	}
	effective.Undeclared = levels()[cmp.Or(undeclared, len(levels())-1)]
	effective.FreshFor = cmp.Or(effective.FreshFor, time.Duration(defaultFreshFor))
	effective.StaleFor = cmp.Or(effective.StaleFor, time.Duration(defaultStaleFor))
	effective.ImageFields = unique(effective.ImageFields)
	effective.Platforms = unique(effective.Platforms)
	effective.ProtectedNamespaces = sorted(effective.ProtectedNamespaces)
	effective.Registries = combineRegistries(gates)
	effective.TenantCredentials = combineTenantCredentials(gates)
	effective.ChartHosts = combineHosts(gates)
	effective.Namespaces = combineNamespaces(gates)
	effective.WaiverTerms = combineWaiverTerms(gates)
	return effective, nil
}

// levels are ordered: the later, the stricter. The first is no opinion.
func levels() []string { return []string{"", "Ignore", "Warn", "Deny"} }

// strictness of an unknown word is the strictest.
func strictness(word string) int {
	if index := slices.Index(levels(), word); index >= 0 {
		return index
	}
	return len(levels()) - 1
}

func drift(gates []Gate) plugin.LockDrift {
	strictest := 0
	for _, gate := range gates {
		strictest = max(strictest, strictness(gate.Spec.Lock.Drift))
	}
	switch levels()[strictest] {
	case "Ignore":
		return plugin.DriftIgnore
	case "Warn":
		return plugin.DriftWarn
	}
	return plugin.DriftDeny
}

// lockMode is Locked if a gate says so. A base gate that says nothing means
// the door's default, which may be Locked, so Resolve needs every base gate.
func lockMode(gates []Gate) string {
	said, open := "", false
	for _, gate := range gates {
		switch mode := gate.Spec.Lock.Mode; {
		case mode == "Resolve":
			said = mode
		case mode != "":
			return "Locked"
		case gate.Spec.Base:
			open = true
		}
	}
	if open {
		return ""
	}
	return said
}

// platformOwned needs a base gate, and all of them to agree.
func platformOwned(gates []Gate) bool {
	bases := 0
	for _, gate := range gates {
		if !gate.Spec.Base {
			continue
		}
		if !gate.Spec.Platform {
			return false
		}
		bases++
	}
	return bases > 0
}

// shorter ignores durations that nobody gave.
func shorter(current time.Duration, given Duration) time.Duration {
	if current == 0 || given != 0 && time.Duration(given) < current {
		return time.Duration(given)
	}
	return current
}

// combineLimits takes the lowest. A base gate that leaves a limit out means
// its default.
func combineLimits(gates []Gate) (plugin.Limits, error) {
	lowest := map[string]int64{}
	for _, limit := range plugin.LimitTable() {
		for _, gate := range gates {
			value, given := gate.Spec.Limits[limit.Name]
			if !given && gate.Spec.Base {
				value, given = limit.Default, true
			}
			if old, known := lowest[limit.Name]; given && (!known || value < old) {
				lowest[limit.Name] = value
			}
		}
	}
	for _, gate := range gates {
		for _, name := range slices.Sorted(maps.Keys(gate.Spec.Limits)) {
			if _, known := lowest[name]; !known {
				return plugin.Limits{}, fmt.Errorf("combining gates: gate %q sets limit %s, which does not exist; docs/limits.md lists them", gate.Metadata.Name, name)
			}
		}
	}
	limits, err := plugin.NewLimits(lowest)
	if err != nil {
		return plugin.Limits{}, fmt.Errorf("combining gates: %w", err)
	}
	return limits, nil
}

func imageFields(fields []ImageField) []plugin.ImageField {
	out := make([]plugin.ImageField, 0, len(fields))
	for _, field := range fields {
		out = append(out, plugin.ImageField(field))
	}
	return out
}

func unique[T comparable](list []T) []T {
	var out []T
	for _, item := range list {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

func sorted(list []string) []string { return slices.Compact(slices.Sorted(slices.Values(list))) }
