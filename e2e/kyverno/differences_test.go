//go:build e2e

package kyverno_test

import (
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// row is one comparison.
type row struct {
	test, policy, resource, theirs, ours, why string
}

func (r row) String() string {
	return fmt.Sprintf("%s | %s | %s | kyverno: %s | assay: %s (%s)", r.test, r.policy, r.resource, r.theirs, r.ours, r.why)
}

// agrees compares verdicts: what Kyverno skips does not reject the object, and
// what it cannot evaluate does.
func (r row) agrees() bool {
	rejects := map[string]bool{fail: true, failed: true, refused: true}
	if r.ours == indeterminate || r.ours == refused {
		return r.theirs == r.ours
	}
	return r.theirs != "" && rejects[r.theirs] == rejects[r.ours]
}

// difference is one entry of docs/parity.md.
type difference struct {
	name string
	// tests and answers are globs (path.Match).
	tests  []string
	theirs string
	ours   string
	seen   bool
}

func differences() []*difference {
	return []*difference{
		{
			name: "what only the cluster, the network or a registry knows is indeterminate", ours: indeterminate,
			tests: []string{
				"cli/test/cel-http-get-mock", "cli/test/mock-*", "cli/test-context-*", "cli/test-validating-policy/allowed-base-images",
				"cli/test-validating-policy/policy-with-cm", "cli/test-validating-policy/restrict-image-registries",
				"validating-policies/context/api-call/*", "validating-policies/context/configmap", "validating-policies/context/globalreference*",
				"validating-policies/context/image-data*", "validating-policies/context/resource/get", "namespaced-validating-policies/context/image-data",
			},
		},
		{
			name: "a policy that posts is refused", ours: refused,
			tests: []string{"cli/test/cel-http-post-mock", "cli/test/cel-http-post-mock-deny", "validating-policies/context/*/post", "validating-policies/context/api-call/http-post"},
		},
		{name: "an exception from a policy that is not there is refused", ours: refused, tests: []string{"validating-policies/exceptions/wrong-exception"}},
		{
			name: "only Kubernetes objects are judged", ours: refused,
			tests: []string{"cli/test-validating-policy/envoy-*", "cli/test-validating-policy/http-*", "cli/test-validating-policy/json-*"},
		},
		{name: "a deletion is not judged", ours: pass, theirs: fail, tests: []string{"cli/test-validating-policy/operation-delete"}},
	}
}

type tally struct {
	equal       int
	messages    int
	listed      map[string]int
	unexplained []row
	differences []*difference
}

func newTally() *tally { return &tally{listed: map[string]int{}, differences: differences()} }

func (c *tally) add(r row) {
	if r.agrees() {
		c.equal++
		return
	}
	for _, each := range c.differences {
		matches := slices.ContainsFunc(each.tests, func(glob string) bool { found, _ := path.Match(glob, r.test); return found })
		if matches && each.ours == r.ours && (each.theirs == "" || each.theirs == r.theirs) {
			each.seen = true
			c.listed[each.name]++
			return
		}
	}
	c.unexplained = append(c.unexplained, r)
}

// The fewest answers and messages that agree in the release: less is a test
// that was not found.
const (
	leastEqual    = 93
	leastMessages = 3
)

// report fails on what is not listed, on what is listed and gone, and when
// fewer comparisons were made than there are.
func (c *tally) report(t *testing.T) {
	t.Helper()
	for _, each := range c.unexplained {
		t.Errorf("not listed: %s", each)
	}
	page, err := os.ReadFile("../../docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range c.differences {
		if !each.seen {
			t.Errorf("the difference %q is listed for %v and no longer there", each.name, each.tests)
		}
	}
	for name := range c.listed {
		if !strings.Contains(string(page), "\n| "+name+" |") {
			t.Errorf("docs/parity.md has no row for the difference %q", name)
		}
	}
	if c.equal < leastEqual || c.messages < leastMessages {
		t.Errorf("%d answers and %d messages agree, want at least %d and %d", c.equal, c.messages, leastEqual, leastMessages)
	}
	total := c.equal + len(c.unexplained)
	for _, name := range slices.Sorted(maps.Keys(c.listed)) {
		total += c.listed[name]
		t.Logf("%4d differ: %s", c.listed[name], name)
	}
	t.Logf("%4d of %d agree, %d of them with the message", c.equal, total, c.messages)
}
