package gate

import (
	"slices"
	"strings"
	"testing"
)

func TestDefault_IsStrictAndTrustsNobody(t *testing.T) {
	config := Default()
	if len(config.Gates) != 1 || len(config.ImagePolicies) != 0 || len(config.Warnings) != 0 {
		t.Fatalf("%+v", config)
	}
	spec := config.Gates[0].Spec
	if !spec.Base || spec.Platform || !spec.Switches.Pin.IsOn() || !spec.Switches.Harden.IsOn() || !spec.Switches.Deny.IsOn() {
		t.Errorf("%+v", spec)
	}
	if spec.Profile != "profile/restricted@1" || *spec.Judge.PodSecurity != (PodSecurity{Level: "restricted", Version: "latest"}) || !slices.Equal(spec.Judge.Packs, []string{"pack/supply-chain@1", "pack/workload@1"}) {
		t.Errorf("%+v", spec)
	}
	if spec.Trust.NoMatch != "Deny" || spec.Lock.Mode != "" {
		t.Errorf("%+v", spec)
	}
	if !strings.Contains(DefaultYAML(), "kind: Gate") {
		t.Error("the text is not the gate's")
	}
}

func TestDefault_IsWhatABaseGateWithoutWordsMeans(t *testing.T) {
	silent, err := Parse("gate.yaml", []byte(gateText("default", "  base: true")))
	if err != nil {
		t.Fatal(err)
	}
	one, errOne := Combine(silent.Gates)
	other, errOther := Combine(Default().Gates)
	one.Gates[0].At = other.Gates[0].At
	if errOne != nil || errOther != nil || Explain(silent).Gates[0].Mode != "enforcing" {
		t.Fatal(errOne, errOther)
	}
	if got, want := Explain(silent).Gates[0].Lines, Explain(Default()).Gates[0].Lines; !slices.Equal(got, want) {
		t.Errorf("%q\nwant\n%q", got, want)
	}
}

func TestExplain_PutsTheConfigurationIntoWords(t *testing.T) {
	words := Explain(mustParse(t, fullText(t)))
	gate, policy := words.Gates[0], words.Policies[0]
	if gate.Applies != "projects team-a, team-a-* and namespaces team-a" || gate.Mode != "enforcing" || !gate.Base {
		t.Errorf("%+v", gate)
	}
	for _, want := range []string{
		"trust: team-a; an image that none covers: deny",
		"hardens with profile/restricted@1",
		"pod security: restricted (v1.34), which no label lowers",
		"packs: self (always on), pack/workload@1",
		"rule workload/probes: warn",
		"images.lock.yaml: Locked",
		"registry registry.example.com:5000/team-a/, may be private, with dockerConfig config.json, bytes from mirror.example.com/copies",
		"images must have the platforms linux/amd64, linux/arm64",
		"images are also in spec.image.repository of example.com/Engine",
		"places that look like images and are declared nowhere: warn",
		"rules that cannot be decided offline: warn",
		"protected namespaces: platform",
		"limit renderSeconds: 20",
		"chart dependencies from charts.example.com",
		"waiver for image/not-signed of registry.example.com/team-a/legacy until 2026-12-31: the build moves next month (owner team-a, approved by platform@example.com)",
		"waiver for pss/restricted of deployment/team-a/agent until 2026-12-31: it watches the host (owner team-a, approved by platform@example.com)",
		"break glass for shop at 4b825dc642cb6eb9a060e54bf8d69288fbee4904, 2026-11-23T08:00:00Z to 2026-11-23T20:00:00Z: the registry of signatures is down (approved by platform@example.com)",
	} {
		if !slices.Contains(gate.Lines, want) {
			t.Errorf("no line %q in\n%s", want, strings.Join(gate.Lines, "\n"))
		}
	}
	if want := `authority-1: signed by /^https://github\.com/team-a/[a-z]+/\.github/workflows/release\.yml@refs/tags/.*$/, as told by https://token.actions.githubusercontent.com (trust root private)`; policy.Authorities[1] != want {
		t.Error(policy.Authorities[1])
	}
	if policy.Authorities[0] != "key: signed with the key in the policy" || policy.Images[0] != "registry.example.com:5000/team-a/**" || policy.Warns {
		t.Errorf("%+v", policy)
	}
	if words.Roots[0] != "private (trusted_root.json)" || words.Documents[0] != "ValidatingAdmissionPolicy no-latest" {
		t.Errorf("%+v", words)
	}
}

func TestExplain_NamesTheSwitchesThatAreOff(t *testing.T) {
	for switches, want := range map[Switches]string{
		{}:                                 "enforcing",
		{Pin: Off, Harden: Off, Deny: Off}: "audit",
		{Harden: Off}:                      "off: harden",
		{Pin: Off, Deny: Off}:              "off: pin, deny",
	} {
		if got := switches.words(); got != want {
			t.Errorf("%+v: %s", switches, got)
		}
	}
}
