//go:build e2e

package parity_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// counts is what the test prints.
type counts struct{ cases, denied, messages, podSecurity, undecided, differ, invalid int }

func TestParity_TheJudgeSaysWhatTheAPIServerSays(t *testing.T) {
	from, err := readCorpus()
	if err != nil {
		t.Fatal(err)
	}
	assay, err := newJudge(from)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeoutCause(t.Context(), controlplane.Slowly, errors.New("the policies are not in force"))
	defer cancel()
	begun := time.Now()
	if err := shared.install(ctx, from); err != nil {
		t.Fatal(err)
	}
	if err := shared.inForce(ctx); err != nil {
		t.Fatal(err)
	}
	t.Logf("%d policies, %d bindings, %d params and %d namespaces are in force after %.1f s", len(from.policies), len(from.bindings), len(from.params), len(from.namespaces), time.Since(begun).Seconds())
	count := counts{}
	list := listed{}
	for _, asked := range from.cases {
		asking := time.Now()
		server, err := shared.settled(ctx, asked)
		if err != nil {
			t.Fatalf("%s: %v", asked.name, err)
		}
		if spent := time.Since(asking); spent > time.Second {
			t.Logf("%s took the API server %.1f s", asked.name, spent.Seconds())
		}
		ours := judge(ctx, assay, asked)
		count.add(server, ours)
		if server.other != "" { // no policy was asked
			if !list.has(asked, difference{about: "invalid", server: server.other}) {
				t.Errorf("%s: no policy refused it, the API server did: %s", asked.name, server.other)
			}
			continue
		}
		for _, each := range compare(server, ours) {
			count.differ++
			if !list.has(asked, each) {
				t.Errorf("%s: %s", asked.name, each)
			}
		}
	}
	t.Logf("%+v, in %.1f s", count, time.Since(begun).Seconds())
	list.check(t)
	if count.cases < 100 || count.denied < 50 || count.messages < 50 {
		t.Error("the corpus is too small for what it is meant to show")
	}
}

func (c *counts) add(server, ours answer) {
	c.cases++
	if server.denied {
		c.denied++
	}
	for _, messages := range server.said {
		c.messages += len(messages)
	}
	c.podSecurity += len(server.said[podSecurityName])
	c.undecided += len(ours.undecided)
	if server.other != "" {
		c.invalid++
	}
}

// settled submits until the API server has learned of the kinds of all params.
func (s *server) settled(ctx context.Context, asked testCase) (last answer, err error) {
	err = controlplane.Until(ctx, func(ctx context.Context) error {
		if last, err = s.submit(ctx, asked); err != nil {
			return controlplane.Final(err)
		}
		for _, text := range slices.Concat(slices.Collect(maps.Values(last.said))...) {
			if strings.Contains(text, "failed to find resource referenced by paramKind") || strings.Contains(text, "not yet synced") || strings.Contains(text, "paramKind kind") {
				return errors.New(text)
			}
		}
		return nil
	})
	return last, err
}
