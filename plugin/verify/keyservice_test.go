package verify

import (
	"errors"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// A key service that gives no answer is told apart from one that was asked for
// something it does not have, in every build: what serves the keys is given.
func TestCompiler_KeyServiceWithoutAnAnswerIsNoDenial(t *testing.T) {
	text, err := newKey(t, "ecdsa-p256").PublicPEM()
	if err != nil {
		t.Fatal(err)
	}
	for name, row := range map[string]struct {
		answer string
		err    error
		level  plugin.Level // Info: it loads
	}{
		"no answer": {"", &plugin.StageError{Stage: "asking", Subject: "hashivault://team-a", Hint: "wait", Cause: errors.New("down")}, plugin.Undetermined},
		"refused":   {"", errors.New("it names no key"), plugin.Deny},
		"no key":    {"", nil, plugin.Deny},
		"twin":      {text, nil, plugin.Info},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			asked := ""
			compiler := compiler{clock: w.config.Clock, service: func(uri string) ([]byte, error) {
				asked = uri
				return []byte(row.answer), row.err
			}}
			authority := byKey(t, newKey(t, "ecdsa-p256"))
			authority.Key.Data, authority.Key.KMS = "", "hashivault://team-a"
			compiled, err := compiler.policy(policies(authority)[0])
			if asked != "hashivault://team-a" {
				t.Errorf("the service was asked for %q", asked)
			}
			if row.level == plugin.Info {
				if err != nil || len(compiled.authorities[0].keys) != 1 {
					t.Errorf("%d keys, %v", len(compiled.authorities[0].keys), err)
				}
				return
			}
			findings := plugin.FindingsFromError("gate", err)
			if len(findings) != 1 || findings[0].Level != row.level {
				t.Fatalf("findings %+v, want one of level %s", findings, row.level)
			}
			if !strings.Contains(findings[0].Message, policyLine+"ClusterImagePolicy signed: authority key: ") {
				t.Errorf("message %q", findings[0].Message)
			}
			if row.level == plugin.Undetermined && findings[0].Hint != "wait" {
				t.Errorf("hint %q", findings[0].Hint)
			}
		})
	}
}
