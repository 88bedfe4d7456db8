package policy

import (
	"slices"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

// scopedAction is an action for some of Gatekeeper's enforcement points.
type scopedAction struct {
	Action            string `json:"action"`
	EnforcementPoints []struct {
		Name string `json:"name"`
	} `json:"enforcementPoints"`
}

// The enforcement points that admission has: Gatekeeper's webhook, and the
// ValidatingAdmissionPolicy that it makes of a template in CEL.
const (
	pointWebhook = "validation.gatekeeper.sh"
	pointPolicy  = "vap.k8s.io"
)

// actionLevel is what admission does with a violation; the strictest of
// several actions. inForce is false for a constraint that is scoped to points
// which are not admission's.
func (f constraintFile) actionLevel(cel bool) (level plugin.Level, inForce bool, err error) {
	written := f.Spec.EnforcementAction
	if written != "scoped" {
		if written == "" {
			written = "deny"
		}
		if len(f.Spec.ScopedEnforcementActions) > 0 {
			return plugin.Deny, true, apiserver.Refuse(f.at, "constraint %s: scopedEnforcementActions means nothing beside enforcementAction %q; write scoped", f.id(), written)
		}
		level, known := levelOfAction(written)
		if !known {
			err = apiserver.Refuse(f.at, "constraint %s: enforcementAction %q is none of deny, warn, dryrun, scoped", f.id(), written)
		}
		return level, true, err
	}
	if len(f.Spec.ScopedEnforcementActions) == 0 {
		return plugin.Deny, true, apiserver.Refuse(f.at, "constraint %s: enforcementAction scoped needs scopedEnforcementActions", f.id())
	}
	level = plugin.Info
	for _, scoped := range f.Spec.ScopedEnforcementActions {
		admission, err := f.admits(scoped, cel)
		if err != nil {
			return plugin.Deny, true, err
		}
		action, known := levelOfAction(scoped.Action)
		if !known {
			return plugin.Deny, true, apiserver.Refuse(f.at, "constraint %s: scoped action %q is none of deny, warn, dryrun", f.id(), scoped.Action)
		}
		if admission {
			level, inForce = min(level, action), true
		}
	}
	return level, inForce, nil
}

// admits reports whether one of the action's points is admission's.
func (f constraintFile) admits(scoped scopedAction, cel bool) (admission bool, err error) {
	if len(scoped.EnforcementPoints) == 0 {
		return false, apiserver.Refuse(f.at, "constraint %s: the scoped action %q names no enforcementPoints", f.id(), scoped.Action)
	}
	for _, point := range scoped.EnforcementPoints {
		if !slices.Contains([]string{"*", pointWebhook, pointPolicy, "audit.gatekeeper.sh", "gator.gatekeeper.sh"}, point.Name) {
			return false, apiserver.Refuse(f.at, "constraint %s: there is no enforcement point %q", f.id(), point.Name)
		}
		admission = admission || point.Name == "*" || point.Name == pointWebhook || point.Name == pointPolicy && cel
	}
	return admission, nil
}

// levelOfAction is what an action does to the verdict. plugin.Level is ordered:
// the lower, the stricter.
func levelOfAction(action string) (level plugin.Level, known bool) {
	switch action {
	case "deny":
		return plugin.Deny, true
	case "warn":
		return plugin.Warn, true
	case "dryrun":
		return plugin.Info, true // audited, and let in
	}
	return plugin.Deny, false
}
