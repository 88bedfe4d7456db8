package examples_test

import (
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

func TestGates_LoadWithoutAWarning(t *testing.T) {
	for _, folder := range []string{"gates/starter", "gates/audit"} {
		config, err := gate.Load(folder)
		if err != nil {
			t.Errorf("%s: %v", folder, err)
			continue
		}
		if len(config.Gates) != 1 || !config.Gates[0].Spec.Base {
			t.Errorf("%s: %d gates, want one base gate", folder, len(config.Gates))
		}
		for _, warning := range config.Warnings {
			t.Errorf("%s: %s: %s", folder, warning.Rule, warning.Message)
		}
	}
}

// Every reason why the audit gate denies nobody is a switch.
func TestGates_AuditDiffersFromAStrictGateInItsSwitches(t *testing.T) {
	config, err := gate.Load("gates/audit")
	if err != nil {
		t.Fatal(err)
	}
	switches := config.Gates[0].Spec.Switches
	if switches.Pin.IsOn() || switches.Harden.IsOn() || switches.Deny.IsOn() {
		t.Errorf("switches %+v", switches)
	}
}

func TestGates_NoneIsTakenFromAHostileFolder(t *testing.T) {
	if _, err := gate.Load("hostile/renders-gate"); err == nil {
		t.Error("a hostile folder loads as a gate")
	}
}

func TestGates_StarterSelectsByProject(t *testing.T) {
	config, err := gate.Load("gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	for project, want := range map[string]bool{"team-a": true, "": true, "team-b": false} {
		gates, err := config.Select(plugin.Application{Name: "shop", Project: project}, "overlays/prod")
		if covered := err == nil && len(gates) == 1; covered != want {
			t.Errorf("project %q: %d gates, %v", project, len(gates), err)
		}
	}
}

func TestGates_StarterCoversTheImagesThatAreSigned(t *testing.T) {
	config, err := gate.Load("gates/starter")
	if err != nil {
		t.Fatal(err)
	}
	policies := config.PoliciesOf(config.Gates[0])
	for reference, want := range map[string]int{
		"registry.example.com/shop/web:1.4.2":     1,
		"registry.example.com/shop/api:2.1.0":     1,
		"registry.example.com/shop/worker:2.1.0":  1,
		"registry.example.com/shop/migrate:2.1.0": 1,
		"registry.example.com/shop/cache:7.2.0":   1,
		"registry.example.com/tools/debug:0.3.0":  0,
	} {
		covering := 0
		for _, policy := range policies {
			for _, pattern := range policy.Spec.Images {
				expression, err := pattern.Expression()
				if err != nil {
					t.Fatal(err)
				}
				if expression.MatchString(reference) {
					covering++
				}
			}
		}
		if covering != want {
			t.Errorf("%s is covered by %d patterns, want %d", reference, covering, want)
		}
	}
}
