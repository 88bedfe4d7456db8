package change_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

func limits(t testing.TB, overrides map[string]int64) plugin.Limits {
	t.Helper()
	made, err := plugin.NewLimits(overrides)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// many are ConfigMaps with a value each.
func many(count int, value string) world {
	var out strings.Builder
	for i := range count {
		fmt.Fprintf(&out, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m%05d, namespace: shop}\ndata: {a: %s, b: same}\n---\n", i, value)
	}
	return world{manifests: out.String()}
}

func TestLimits_ObjectsBeyondThemAreCounted(t *testing.T) {
	in := input()
	in.Base, in.Head = many(12, "old").judged(t), many(12, "new").judged(t)
	in.Options.Limits = limits(t, map[string]int64{"diffObjects": 10})
	if app := change.Compare(in); len(app.Objects) != 10 || app.Omitted != 2 || app.Status != change.Changed {
		t.Errorf("%d objects are listed, %d omitted", len(app.Objects), app.Omitted)
	} else if summary := change.Summarise(change.Header{}, []change.Application{app}).Summary; summary.Objects.Changed != 12 {
		t.Errorf("%d objects are counted", summary.Objects.Changed)
	}
	in.Options.Limits = limits(t, map[string]int64{"diffObjects": 12})
	if app := change.Compare(in); len(app.Objects) != 12 || app.Omitted != 0 {
		t.Errorf("%d objects are listed, %d omitted", len(app.Objects), app.Omitted)
	}
}

func TestLimits_FieldsBeyondThemAreCounted(t *testing.T) {
	in := input()
	in.Base, in.Head = many(12, "old").judged(t), many(12, "new").judged(t)
	in.Options.Limits = limits(t, map[string]int64{"diffFields": 5})
	if app := change.Compare(in); len(app.Objects) != 12 || app.Omitted != 7 {
		t.Errorf("%d objects are listed, %d fields omitted", len(app.Objects), app.Omitted)
	}
	in.Options.Limits = limits(t, map[string]int64{"diffBytes": 40}) // "data.a", "old" and "new" with their quotes are 16
	if app := change.Compare(in); len(app.Objects) != 12 || app.Omitted != 9 {
		t.Errorf("%d objects are listed, %d fields omitted", len(app.Objects), app.Omitted)
	}
}

func TestLimits_WhatRollsIsToldOfObjectsBeyondThem(t *testing.T) {
	head := replaced(t, deployment, "blue", "green")
	both := func(text string) world {
		return world{manifests: text + "\n---\n" + replaced(t, text, "name: web,", "name: api,")}
	}
	in := input()
	in.Base, in.Head = both(deployment).judged(t), both(head).judged(t)
	in.Options.Limits = limits(t, map[string]int64{"diffObjects": 1})
	if app := change.Compare(in); len(app.Objects) != 1 || len(app.Rollouts) != 2 || app.Rollouts[0].Name != "api" {
		t.Errorf("got %+v", app.Rollouts)
	}
}

func TestLimits_WhatChangesIsShownBeforeWhatIsAddedWhole(t *testing.T) {
	base, head := many(3, "old"), many(9, "new")
	in := input()
	in.Base, in.Head = base.judged(t), head.judged(t)
	in.Options.Limits = limits(t, map[string]int64{"diffObjects": 4})
	app := change.Compare(in)
	if app.Omitted != 5 || app.Objects[0].Status != change.Changed || app.Objects[2].Status != change.Changed || app.Objects[3].Status != change.Added {
		t.Errorf("got %+v", app.Objects)
	}
}

func TestLimits_ALongTextShowsWhereItDiffers(t *testing.T) {
	lines := strings.Repeat("    the same line\n", 20_000)
	manifest := func(value string) world {
		return world{manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: long, namespace: shop}\ndata:\n  file: |\n" + lines + "    " + value + "\n" + lines}
	}
	field := fieldOf(t, objectOf(t, compare(t, manifest("before"), manifest("after")), "ConfigMap", "long"), "data.file")
	text := strings.Join(field.Lines, "\n")
	if want := "@@ -19998,7 +19998,7 @@\n the same line\n the same line\n the same line\n-before\n+after\n the same line"; !strings.HasPrefix(text, want) || len(field.Lines) != 9 || field.Cut {
		t.Errorf("got %+v", field)
	}
}

func TestLimits_ATextThatDiffersEverywhereIsCutAndSaysSo(t *testing.T) {
	manifest := func(value string) world {
		return world{manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: long, namespace: shop}\ndata:\n  file: |\n" + strings.Repeat("    "+value+"\n", 20_000)}
	}
	app := compare(t, manifest("before"), manifest("after"))
	field := fieldOf(t, objectOf(t, app, "ConfigMap", "long"), "data.file")
	if size := len(strings.Join(field.Lines, "\n")); !field.Cut || size > 3*(64<<10) || size < 64<<10 {
		t.Errorf("cut %v, %d bytes are shown", field.Cut, size)
	}
}

// TestCompare_ItsWorkGrowsWithWhatDiffers counts allocations instead of time:
// twice the objects, or a list twice as long, may not cost four times as much.
func TestCompare_ItsWorkGrowsWithWhatDiffers(t *testing.T) {
	list := func(count int, value string) world {
		var out strings.Builder
		out.WriteString("apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: long, namespace: shop}\nrules:\n")
		for i := range count {
			fmt.Fprintf(&out, "- {apiGroups: [\"\"], resources: [r%d, %s], verbs: [get]}\n", i, value)
		}
		return world{manifests: out.String()}
	}
	hashed := func(count int, value string) world {
		var out strings.Builder
		for i := range count {
			fmt.Fprintf(&out, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: m%05d-%s, namespace: shop}\ndata: {a: %s}\n---\n", i, strings.Repeat(value[:1], 10), value)
		}
		return world{manifests: out.String()}
	}
	for name, made := range map[string]func(int, string) world{"Objects": many, "Items": list, "GeneratedNames": hashed} {
		work := func(count int) float64 {
			in := input()
			in.Base, in.Head = made(count, "big").judged(t), made(count, "fat").judged(t)
			return testing.AllocsPerRun(1, func() { change.Compare(in) })
		}
		if small, large := work(300), work(600); large > 2.3*small {
			t.Errorf("%s: %v allocations for twice as much as what took %v", name, large, small)
		}
	}
}
