//go:build e2e

package refresh_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/e2e/controlplane"
)

// metric is the sum of a metric's values.
func metric(ctx context.Context, address, name string) (float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return 0, err
	}
	sum := 0.0
	for line := range strings.Lines(string(text)) {
		if rest, is := strings.CutPrefix(line, name); is && (rest[0] == ' ' || rest[0] == '{') {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			if err != nil {
				return 0, err
			}
			sum += value
		}
	}
	return sum, nil
}

// until waits until a metric has a value.
func until(t *testing.T, address, name string, want func(float64) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), controlplane.Slowly)
	defer cancel()
	must(t, controlplane.Until(ctx, func(ctx context.Context) error {
		value, err := metric(ctx, address, name)
		if err == nil && !want(value) {
			err = fmt.Errorf("%s is %v", name, value)
		}
		return err
	}))
}

func atLeast(least float64) func(float64) bool {
	return func(value float64) bool { return value >= least }
}

// judgeRate fails if the patches were more in a second than the rate, or not those of
// these Applications, each once.
func judgeRate(t *testing.T, patches []patch, rate int, names []string) {
	t.Helper()
	count := map[string]int{}
	for i, each := range patches {
		count[each.name]++
		if each.code != http.StatusOK {
			t.Errorf("the patch of %s was answered with %d", each.name, each.code)
		}
		if i >= rate && each.at.Sub(patches[i-rate].at) < time.Second {
			t.Errorf("%d patches within %s, up to that of %s", rate+1, each.at.Sub(patches[i-rate].at), each.name)
		}
	}
	for name, times := range count {
		if times != 1 {
			t.Errorf("%s was asked %d times", name, times)
		}
	}
	if got := slices.Sorted(maps.Keys(count)); !slices.Equal(got, slices.Sorted(slices.Values(names))) {
		t.Errorf("%d Applications were asked, want %d", len(got), len(names))
	}
}

func TestThousandApplications_AChangedGateReachesThoseConcernedAtTheRate(t *testing.T) {
	s := newScene(t)
	const rate = 20
	concerned := s.applications("team-a", 300)
	s.applications("team-b", 700)
	begun := time.Now()
	_, metrics := s.refresher(t.Name(), rate)
	until(t, metrics, "assay_refresh_applications", atLeast(1000))
	until(t, metrics, "assay_refresh_records", atLeast(1000))
	if found := shared.patches(t, begun); len(found) > 0 {
		t.Fatalf("without a change, %d were asked", len(found))
	}
	go s.takesUp(t.Context())
	s.write("team-a", "  profile: none\n")
	until(t, metrics, "assay_refresh_held", atLeast(300)) // the sidecars have the old one
	if found := shared.patches(t, begun); len(found) > 0 {
		t.Fatalf("before the sidecars have the gate, %d were asked", len(found))
	}
	changed := time.Now()
	s.served()
	until(t, metrics, "assay_refresh_asked_total", atLeast(300))
	took := time.Since(changed)
	until(t, metrics, "assay_refresh_concerned", func(value float64) bool { return value == 0 })
	found := shared.patches(t, begun)
	judgeRate(t, found, rate, concerned)
	t.Logf("300 of 1,000 were asked in %s, %.1f a second", took.Round(time.Second), float64(len(found)-1)/found[len(found)-1].at.Sub(found[0].at).Seconds())
}

func TestTwoRefreshers_AskTogetherNoFasterThanOne(t *testing.T) {
	s := newScene(t)
	const rate = 10
	names := s.applications("team-a", 120)
	begun := time.Now()
	first, one := s.refresher("first", rate)
	until(t, one, "assay_refresh_leading", atLeast(1))
	until(t, one, "assay_refresh_records", atLeast(120))
	_, two := s.refresher("second", rate)
	until(t, two, "assay_refresh_leading", func(value float64) bool { return value == 0 })
	go s.takesUp(t.Context())
	s.write("team-a", "  profile: none\n")
	s.served()
	until(t, one, "assay_refresh_asked_total", atLeast(40))
	if leads, err := metric(t.Context(), two, "assay_refresh_leading"); err != nil || leads != 0 {
		t.Errorf("the second leads beside the first: %v, %v", leads, err)
	}
	first.Stop() // it gives the lease back
	until(t, two, "assay_refresh_leading", atLeast(1))
	ctx, cancel := context.WithTimeout(t.Context(), controlplane.Slowly)
	defer cancel()
	must(t, controlplane.Until(ctx, func(context.Context) error {
		if len(shared.patches(t, begun)) < len(names) {
			return errors.New("not all were asked yet")
		}
		return nil
	}))
	until(t, two, "assay_refresh_concerned", func(value float64) bool { return value == 0 })
	judgeRate(t, shared.patches(t, begun), rate, names)
}

func TestOnce_AsksAndEnds(t *testing.T) {
	s := newScene(t)
	names := s.applications("team-a", 3)
	s.applications("team-b", 2)
	s.write("team-a", "  profile: none\n")
	s.served()
	begun := time.Now()
	args, env, _ := s.command(10, "--once")
	ctx, cancel := context.WithTimeout(t.Context(), controlplane.Slowly)
	defer cancel()
	program := exec.CommandContext(ctx, args[0], args[1:]...)
	program.Env = append(os.Environ(), env...)
	if out, err := program.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	judgeRate(t, shared.patches(t, begun), 10, names)
}
