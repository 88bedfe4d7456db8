package gate

import (
	"cmp"
	"fmt"
	"time"
)

// What a base gate means where it says nothing. These are the strict values;
// a gate that is not base has no opinion instead, and only adds what it says.
const (
	defaultProfile  = "profile/restricted@1"
	defaultFreshFor = Duration(5 * time.Minute)
	defaultStaleFor = Duration(24 * time.Hour)
)

func defaultPacks() []string { return []string{"pack/supply-chain@1", "pack/workload@1"} }

// fillIn writes out what absent fields mean, so that whoever reads a gate
// reads all of it.
func (g *Gate) fillIn() {
	spec := &g.Spec
	for _, one := range []*Switch{&spec.Switches.Pin, &spec.Switches.Harden, &spec.Switches.Deny} {
		*one = cmp.Or(*one, On)
	}
	spec.Trust.NoMatch = cmp.Or(spec.Trust.NoMatch, "Deny")
	spec.Trust.Platforms = cmp.Or(spec.Trust.Platforms, "Index")
	if notation := spec.Trust.Notation; notation != nil {
		filled := *notation
		filled.BesideSigstore = cmp.Or(filled.BesideSigstore, "Both")
		spec.Trust.Notation = &filled
	}
	spec.Judge.Indeterminate = cmp.Or(spec.Judge.Indeterminate, "Deny")
	if spec.Base {
		g.fillBase()
	}
	if level := spec.Judge.PodSecurity; level != nil && level.Version == "" {
		filled := *level
		filled.Version = "latest"
		spec.Judge.PodSecurity = &filled
	}
}

func (g *Gate) fillBase() {
	spec := &g.Spec
	spec.Lock.Drift = cmp.Or(spec.Lock.Drift, "Deny")
	spec.Images.Undeclared = cmp.Or(spec.Images.Undeclared, "Deny")
	spec.Freshness.FreshFor = cmp.Or(spec.Freshness.FreshFor, defaultFreshFor)
	spec.Freshness.StaleFor = cmp.Or(spec.Freshness.StaleFor, defaultStaleFor)
	if spec.Switches.Harden.IsOn() {
		spec.Profile = cmp.Or(spec.Profile, defaultProfile)
	}
	if spec.Judge.PodSecurity == nil {
		spec.Judge.PodSecurity = &PodSecurity{Level: "restricted"}
	}
	if spec.Judge.Packs == nil {
		spec.Judge.Packs = defaultPacks()
	}
}

// fillIn writes out policy-controller's defaults.
func (p *ClusterImagePolicy) fillIn() {
	p.Spec.Mode = cmp.Or(p.Spec.Mode, "enforce")
	for i := range p.Spec.Authorities {
		p.Spec.Authorities[i].Name = cmp.Or(p.Spec.Authorities[i].Name, fmt.Sprintf("authority-%d", i))
	}
}
