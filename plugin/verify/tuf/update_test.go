package tuf_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin/registry"
	"github.com/assay-gitops/assay/plugin/verify/tuf"
)

func TestUpdate_ReadsTheTarget(t *testing.T) {
	r := newRepository(t, "one")
	made := r.update(t, nil)
	if string(made.TrustedRoot) != "one" || made.Versions["timestamp"] != 1 {
		t.Errorf("read %q at %v", made.TrustedRoot, made.Versions)
	}
	if role, _ := made.Ends(); role != "root" {
		t.Errorf("of equal ends the root's counts, not %s's", role)
	}
}

func TestUpdate_AsksOnlyForWhatIsNew(t *testing.T) {
	r := newRepository(t, "one")
	known := r.update(t, nil)
	r.asked = nil
	if again := r.update(t, known); string(again.TrustedRoot) != "one" {
		t.Errorf("read %q", again.TrustedRoot)
	}
	if want := []string{"2.root.json", "timestamp.json"}; !slices.Equal(r.asked, want) {
		t.Errorf("asked for %v, want %v", r.asked, want)
	}
	r.publish(t, "two")
	if again := r.update(t, known); string(again.TrustedRoot) != "two" || string(known.TrustedRoot) != "one" {
		t.Errorf("read %q, and the known copy is %q", again.TrustedRoot, known.TrustedRoot)
	}
}

func TestUpdate_FollowsTheChainOfRoots(t *testing.T) {
	r := newRepository(t, "one")
	first := r.mirror()
	known := r.update(t, nil)
	for _, role := range []string{"root", "timestamp", "root", "snapshot", "targets"} {
		if err := r.Rotate(role); err != nil {
			t.Fatal(err)
		}
	}
	r.publish(t, "two")
	for name, from := range map[string]*tuf.Copy{"from the first root": nil, "from a copy": known} {
		made, err := tuf.Update(t.Context(), r, first, from, time.Now())
		if err != nil || made.Versions["root"] != 6 || string(made.TrustedRoot) != "two" {
			t.Errorf("%s: %v, %v", name, made, err)
		}
	}
}

// The key of the timestamp was replaced because somebody else had it and gave
// out version 1000; what it signed counts no longer.
func TestUpdate_ANewKeyEndsAFastForwardAttack(t *testing.T) {
	r := newRepository(t, "one")
	r.Version = 1000
	r.publish(t, "attack")
	known := r.update(t, nil)
	r.Version = 1
	r.publish(t, "two")
	if _, err := tuf.Update(t.Context(), r, r.mirror(), known, time.Now()); !errors.Is(err, tuf.ErrRolledBack) {
		t.Errorf("twin: without new keys it is a rollback: %v", err)
	}
	for _, role := range []string{"timestamp", "snapshot"} {
		if err := r.Rotate(role); err != nil {
			t.Fatal(err)
		}
	}
	r.publish(t, "two")
	if made := r.update(t, known); string(made.TrustedRoot) != "two" {
		t.Errorf("read %q", made.TrustedRoot)
	}
}

func TestUpdate_AnOlderStateIsRefused(t *testing.T) {
	r := newRepository(t, "one")
	older := r.Files()
	r.publish(t, "two")
	known := r.update(t, nil)
	r.Offer(older)
	_, err := tuf.Update(t.Context(), r, r.mirror(), known, time.Now())
	if !errors.Is(err, tuf.ErrRolledBack) || !strings.Contains(err.Error(), "version 1 must be >= 2") {
		t.Errorf("an older state: %v", err)
	}
	if made := r.update(t, nil); string(made.TrustedRoot) != "one" {
		t.Errorf("twin: who never saw the newer state takes the older one, got %q", made.TrustedRoot)
	}
}

// The known copy has ended, and still tells that the offered one is older.
func TestUpdate_AnEndedCopyStillRefusesAnOlderState(t *testing.T) {
	r := newRepository(t, "one")
	older := r.Files()
	r.Ends["timestamp"] = time.Now().Add(time.Hour)
	r.publish(t, "two")
	known := r.update(t, nil)
	r.Offer(older)
	_, err := tuf.Update(t.Context(), r, r.mirror(), known, time.Now().Add(2*time.Hour))
	if !errors.Is(err, tuf.ErrRolledBack) {
		t.Errorf("an older state: %v", err)
	}
}

func TestUpdate_WhatHasEndedIsRefused(t *testing.T) {
	for _, role := range []string{"root", "timestamp", "snapshot", "targets"} {
		t.Run(role, func(t *testing.T) {
			r := newRepository(t, "one")
			r.Ends[role] = time.Now().Add(time.Hour)
			if err := r.Rotate("root"); err != nil {
				t.Fatal(err)
			}
			r.publish(t, "two")
			known := r.update(t, nil)
			if ends, _ := known.Ends(); ends != role {
				t.Errorf("it ends by its %s, want its %s", ends, role)
			}
			for name, from := range map[string]*tuf.Copy{"cold": nil, "with a copy": known} {
				_, err := tuf.Update(t.Context(), r, r.mirror(), from, time.Now().Add(2*time.Hour))
				if err == nil || !strings.Contains(err.Error(), "expired") {
					t.Errorf("%s: %v", name, err)
				}
			}
		})
	}
}

func TestUpdate_WhatIsNotSignedByItIsRefused(t *testing.T) {
	r, other := newRepository(t, "one"), newRepository(t, "one")
	mirror := r.mirror()
	mirror.Root = other.Root()
	if _, err := tuf.Update(t.Context(), r, mirror, nil, time.Now()); err == nil {
		t.Error("the mirror of another root was believed")
	}
	for _, path := range []string{"timestamp.json", "1.snapshot.json", "1.targets.json"} {
		r.broken = func(asked string) ([]byte, error) {
			if asked == path {
				return other.Files()[path], nil
			}
			return nil, nil
		}
		if _, err := tuf.Update(t.Context(), r, r.mirror(), nil, time.Now()); err == nil {
			t.Errorf("%s of another repository was believed", path)
		}
	}
	r.broken = func(asked string) ([]byte, error) {
		if strings.HasSuffix(asked, ".trusted_root.json") {
			return []byte("two"), nil
		}
		return nil, nil
	}
	if _, err := tuf.Update(t.Context(), r, r.mirror(), nil, time.Now()); err == nil {
		t.Error("a target with other bytes was believed")
	}
	r.broken = nil
	r.update(t, nil) // the twin
}

func TestUpdate_GarbageIsRefused(t *testing.T) {
	for name, garbage := range map[string][]byte{
		"nothing": {}, "no JSON": []byte("<html>"), "null": []byte("null"), "empty object": []byte("{}"), "a list": []byte("[]"),
		"deep": bytes.Repeat([]byte("["), 100_000), "signed null": []byte(`{"signatures":[],"signed":null}`),
	} {
		r := newRepository(t, "one")
		for _, path := range []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"} {
			r.broken = func(asked string) ([]byte, error) {
				if asked == path {
					return garbage, nil
				}
				return nil, nil
			}
			if made, err := tuf.Update(t.Context(), r, r.mirror(), nil, time.Now()); err == nil {
				t.Errorf("%s as %s gave %v", name, path, made.Versions)
			}
		}
	}
}

func TestUpdate_NoAnswerIsNoCopy(t *testing.T) {
	down := errors.New("the mirror is down")
	for _, path := range []string{"2.root.json", "timestamp.json", "1.snapshot.json", "1.targets.json"} {
		r := newRepository(t, "one")
		r.broken = func(asked string) ([]byte, error) {
			if asked == path {
				return nil, down
			}
			return nil, nil
		}
		if _, err := tuf.Update(t.Context(), r, r.mirror(), nil, time.Now()); !errors.Is(err, down) {
			t.Errorf("%s: %v", path, err)
		}
	}
	r := newRepository(t, "one")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tuf.Update(ended, r, r.mirror(), nil, time.Now()); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	r.broken = func(asked string) ([]byte, error) {
		if asked == "timestamp.json" {
			return nil, registry.ErrNotFound
		}
		return nil, nil
	}
	if _, err := tuf.Update(t.Context(), r, r.mirror(), nil, time.Now()); !errors.Is(err, registry.ErrNotFound) {
		t.Errorf("a mirror without a timestamp: %v", err)
	}
}

func TestUpdate_ANamelessTargetIsRefused(t *testing.T) {
	r := newRepository(t, "one")
	mirror := r.mirror()
	mirror.Target = "other.json"
	_, err := tuf.Update(t.Context(), r, mirror, nil, time.Now())
	if err == nil || !strings.Contains(err.Error(), "reading other.json: the repository has no such target") {
		t.Errorf("a target that is not there: %v", err)
	}
}
