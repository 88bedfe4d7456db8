package gate

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// twoTeams is a folder with a gate for each of two teams, which choose their
// own policies.
const twoTeams = `
apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: team-a}
spec:
  base: true
  selector: {projects: [team-a]}
  trust: {policies: [keys-a]}
  judge: {policies: [rule-a], packs: []}
---
apiVersion: assay.dev/v1alpha1
kind: Gate
metadata: {name: team-b}
spec:
  base: true
  selector: {projects: [team-b]}
  trust: {policies: [keys-b]}
  judge: {policies: [rule-b], packs: []}
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: keys-a}
spec:
  images: [{glob: "**"}]
  authorities: [{key: {file: a.pub}}]
---
apiVersion: policy.sigstore.dev/v1beta1
kind: ClusterImagePolicy
metadata: {name: keys-b}
spec:
  images: [{glob: "**"}]
  authorities: [{keyless: {trustRootRef: root-b, identities: [{issuer: https://issuer.example.com, subject: b@example.com}]}}]
---
apiVersion: policy.sigstore.dev/v1alpha1
kind: TrustRoot
metadata: {name: root-b}
spec: {trustedRootFile: root.json}
---
apiVersion: assay.dev/v1alpha1
kind: Waivers
metadata: {name: team-a}
spec:
  gate: team-a
  waivers: [{rule: pss/restricted, image: registry.example.com/web, content: "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", owner: team-a, reason: r, reference: OPS-1, approver: platform@example.com, until: 2026-12-31}]
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: rule-a}
spec: {matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}, validations: [{expression: "true"}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata: {name: rule-b}
spec: {matchConstraints: {resourceRules: [{apiGroups: [""], apiVersions: [v1], operations: [CREATE], resources: [pods]}]}, validations: [{expression: "true"}]}
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata: {name: bind-b}
spec: {policyName: rule-b, validationActions: [Deny]}
`

// byTeam loads the folder and returns the digests of an application of team-a,
// of team-b, and of one that no gate covers.
func byTeam(t *testing.T, text string, files map[string]string) [3]string {
	t.Helper()
	folder := t.TempDir()
	for name, content := range map[string]string{"gate.yaml": text, "a.pub": "a key", "root.json": "a root"} {
		if changed, other := files[name]; other {
			content = changed
		}
		if err := os.WriteFile(filepath.Join(folder, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	digests, err := config.Digests()
	if err != nil {
		t.Fatal(err)
	}
	var got [3]string
	for i, project := range []string{"team-a", "team-b", "team-c"} {
		got[i] = digests.For(plugin.Application{Name: "shop", Project: project}, "shop")
	}
	return got
}

func TestDigests_ChangeForThoseWhomTheChangeConcernsAlone(t *testing.T) {
	before := byTeam(t, twoTeams, nil)
	if before[0] == before[1] || before[1] == before[2] {
		t.Fatalf("the digests are %v", before)
	}
	const a, b = 0, 1
	for name, test := range map[string]struct {
		was, is string
		file    string
		concern []int
	}{
		"a comment":           {was: "kind: Waivers", is: "kind: Waivers # of team-a"},
		"the style":           {was: "{name: keys-a}", is: `{"name": 'keys-a'}`},
		"lines":               {was: "\n---", is: "\n\n---"},
		"a gate":              {was: "judge: {policies: [rule-a], packs: []}", is: "judge: {policies: [rule-a], packs: []}\n  profile: none", concern: []int{a}},
		"an image policy":     {was: "subject: b@example.com", is: "subject: other@example.com", concern: []int{b}},
		"a key":               {file: "a.pub", concern: []int{a}},
		"a trust root":        {file: "root.json", concern: []int{b}},
		"a waiver":            {was: "2026-12-31", is: "2026-12-30", concern: []int{a}},
		"a policy":            {was: "metadata: {name: rule-a}\n", is: "metadata: {name: rule-a, labels: {x: other}}\n", concern: []int{a}},
		"a policy's binding":  {was: "validationActions: [Deny]", is: "validationActions: [Warn]", concern: []int{b}},
		"who is in which one": {was: "projects: [team-a]", is: "projects: [team-a, team-c]", concern: []int{a}},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if test.file != "" {
				files[test.file] = "another"
			} else if !strings.Contains(twoTeams, test.was) {
				t.Fatalf("%q is not there", test.was)
			}
			text := twoTeams
			if test.was != "" {
				text = strings.ReplaceAll(twoTeams, test.was, test.is)
			}
			after := byTeam(t, text, files)
			for i, team := range []string{"team-a", "team-b"} {
				concerned := len(test.concern) == 1 && test.concern[0] == i
				if (after[i] != before[i]) != concerned {
					t.Errorf("%s: concerned should be %v", team, concerned)
				}
			}
			if (after[2] != before[2]) != (len(test.concern) > 0) {
				t.Error("an application that nobody covers must follow every change, and no other")
			}
		})
	}
}

func TestDigests_FileThatIsGoneIsAnError(t *testing.T) {
	folder := written(t, nil)
	config, err := Load(folder)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(folder, "key.pub")); err != nil {
		t.Fatal(err)
	}
	if digests, err := config.Digests(); err == nil {
		t.Errorf("without the key they are %v", digests)
	}
}

func TestDigests_TheBuiltInGateHasOne(t *testing.T) {
	digests, err := Default().Digests()
	if err != nil {
		t.Fatal(err)
	}
	if first, again := digests.For(plugin.Application{Name: "a"}), digests.For(plugin.Application{Name: "b"}); first != again || !strings.HasPrefix(first, "sha256:") {
		t.Errorf("%s, then %s", first, again)
	}
}
