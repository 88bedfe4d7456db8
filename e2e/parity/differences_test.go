//go:build e2e

package parity_test

import (
	"os"
	"strings"
	"testing"
)

// known is one row of docs/parity.md.
type known struct {
	row string
	// in is part of the case's name, about is what differs.
	in, about string
	// says is part of what either side says.
	says string
}

// knownDifferences are all that there are.
func knownDifferences() []known {
	return []known{
		{row: "`authorizer` asks the cluster's RBAC", in: "testdata/undecided/", about: "undecided-authorizer", says: "cannot be decided offline"},
		{row: "`authorizer` asks the cluster's RBAC", in: "testdata/undecided/", about: "undecided-authorizer-path", says: "cannot be decided offline"},
		{row: "a namespace is more than its name and labels", in: "testdata/undecided/", says: "describes a namespace's name and labels alone"},
		{row: "a Service is given its addresses", in: "testdata/types/", about: "types-service", says: "has(object.spec.clusterIP)"},
		{row: "an Event is in two groups", in: "testdata/versions/", about: "versions-events", says: "asked as events.k8s.io/v1"},
		{row: "a custom resource has other versions", in: "testdata/versions/", says: "the policy asks for another version than it is written in"},
		{row: "what is said of a workload is not said again of its Pods", in: "policies/namespace/system/", says: "the object goes into the namespace"},
		{row: "what is said of a workload is not said again of its Pods", in: "policies/workload/default-namespace/", says: "the object goes into the namespace"},
		{row: "a projected token needs an account's name", in: "policies/service-account/token-audience/", about: "invalid", says: "serviceAccountName is not set"},
	}
}

// listed remembers which rows were seen.
type listed map[string]bool

func (l listed) has(asked testCase, found difference) bool {
	for _, each := range knownDifferences() {
		if strings.Contains(asked.name, each.in) && (each.about == "" || each.about == found.about) &&
			(strings.Contains(found.server, each.says) || strings.Contains(found.assay, each.says)) {
			l[each.row] = true
			return true
		}
	}
	return false
}

// check fails for a row that was not seen, and for one that the page does not
// have.
func (l listed) check(t *testing.T) {
	t.Helper()
	page, err := os.ReadFile(root + "/docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, each := range knownDifferences() {
		if !l[each.row] {
			t.Errorf("the difference %q is gone: take it off the list and out of docs/parity.md", each.row)
		}
		if !strings.Contains(string(page), "\n| "+each.row+" |") {
			t.Errorf("docs/parity.md has no row for the difference %q", each.row)
		}
	}
}
