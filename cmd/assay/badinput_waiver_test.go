package main

import (
	"cmp"
	"fmt"
	"strings"
	"testing"
	"time"
)

// waiver is a waiver of the world's image, which nobody has signed, as YAML in
// the gate; each test changes one thing of it.
func (w *world) waiver(replace ...string) string {
	w.t.Helper()
	text := fmt.Sprintf(`  waivers:
  - rule: image/not-signed
    image: %s
    content: %s
    owner: team-a@example.com
    reason: the release is being signed
    reference: https://tickets.example.com/1
    approver: platform@example.com
    until: %s
`, w.digest.Context().Name(), w.digest.DigestStr(), inDays(20))
	return strings.NewReplacer(replace...).Replace(text)
}

func inDays(days int) string { return time.Now().UTC().AddDate(0, 0, days).Format(time.DateOnly) }

func TestBadInput_WaiverOfARuleThatIsNeverWaivedIsRefused(t *testing.T) {
	for name, test := range map[string]struct {
		never string
		says  []string
	}{
		"listed": {"image/not-signed", []string{"gate/gate.yaml:13", `"image/not-signed" is among the rules`, "take the waiver out"}},
		"area":   {"image/*", []string{"gate/gate.yaml:13", "no waiver covers"}},
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				never := "secret/*"
				if bad {
					never = test.never
				}
				w.spec = w.waiver() + fmt.Sprintf("  waiverTerms: {never: [%q]}\n", never)
			}, denied(test.says...))
		})
	}
}

func TestBadInput_WaiverOfSelfIsRefused(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.spec = w.waiver()
		if bad {
			w.spec = w.waiver("rule: image/not-signed", "rule: self/namespace")
		}
	}, denied("gate/gate.yaml:13", "belongs to self, which no waiver covers", "platform: true"))
}

func TestBadInput_WaiverWithoutAnOwnerIsRefused(t *testing.T) {
	for name, line := range map[string]string{
		"owner": "    owner: team-a@example.com\n", "reason": "    reason: the release is being signed\n",
		"reference": "    reference: https://tickets.example.com/1\n", "approver": "    approver: platform@example.com\n",
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.spec = w.waiver()
				if bad {
					w.spec = w.waiver(line, "")
				}
			}, denied("gate/gate.yaml:13", "spec.waivers[0]."+name+": is required"))
		})
	}
}

func TestBadInput_WaiverThatIsTooLongIsDenied(t *testing.T) {
	for name, test := range map[string]struct {
		terms      string
		days, most int
	}{"180 days": {"", 182, 170}, "fewer, as the gate says": {"  waiverTerms: {maxDays: 30}\n", 32, 20}} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				days := test.most
				if bad {
					days = test.days
				}
				w.spec = w.waiver("until: "+inDays(20), "until: "+inDays(days)) + test.terms
			}, denied("image/not-signed", "waiver/too-long", "so it does not hold", "gate/gate.yaml:13"))
		})
	}
}

func TestBadInput_WaiverForNothingCoversNothing(t *testing.T) {
	for name, test := range map[string]struct{ from, to, says string }{
		"a rule that does not exist": {"rule: image/not-signed", "rule: image/unsigned", "image/not-signed"},
		"another content":            {"", "", "what it was approved for has changed"},
		"another image":              {"/team-a/app\n", "/team-a/other\n", "nobody vouches for it"},
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.spec = w.waiver()
				if bad {
					w.spec = w.waiver(cmp.Or(test.from, w.digest.DigestStr()), cmp.Or(test.to, "sha256:"+strings.Repeat("0", 64)))
				}
			}, denied("image/not-signed", test.says))
		})
	}
}

func TestBadInput_ApplicationThatAsksForAWaiverIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		if !bad {
			w.spec = w.waiver()
		}
		w.write("app/web.yaml", strings.Replace(deploymentOf(w.image), "metadata: {name: web}", `metadata: {name: web, annotations: {assay.dev/waiver-request: "image/not-signed: it moves"}}`, 1))
	}, denied("image/not-signed", "waiver/requested", `requested, not granted: "it moves"`))
}
