// Package origin has what a GitOps tool deploys from, for the end-to-end tests:
// Git repositories, and registries with signed images. All of it is on loopback
// and ends with the test that made it.
package origin

import "testing"

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
