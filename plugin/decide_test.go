package plugin

import (
	"context"
	"encoding/base64"
	"fmt"
	"runtime"
	"strings"
	"testing"
)

// allocated is how many bytes a run takes from the heap in all.
func allocated(run func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	run()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// doubles are objects of one identity, and a judge that finds fault with each.
func doubles(count int, object func(int) Object) *Pipeline {
	objects := []Object{deployment("app", "nginx:1.27")}
	var findings []Finding
	for i := range count {
		objects = append(objects, object(i))
		findings = append(findings, Finding{Rule: "x/y", Level: Warn, Object: objects[1].ID(), Message: "twice"})
	}
	p := passing()
	p.Renderer, p.Gates[0].Judges[0] = renders(objects...), says(findings...)
	return p
}

func sizedConfigMap(int) Object {
	return Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "twice"}, "data": map[string]any{"k": strings.Repeat("x", 2000)},
	}}
}

func shortSecretObject(i int) Object {
	return secretObject(map[string]any{fmt.Sprint(i): base64.StdEncoding.EncodeToString([]byte{byte(i), byte(i >> 8)})}, nil)
}

func TestRun_CostsOfManyDoublesGrowWithTheirNumber(t *testing.T) {
	for name, object := range map[string]func(int) Object{"ConfigMaps": sizedConfigMap, "Secrets": shortSecretObject} {
		t.Run(name, func(t *testing.T) {
			cost := func(count int) uint64 {
				p := doubles(count, object)
				return allocated(func() { expect(t, p.Run(t.Context(), Source{}), Allowed, "x/y") })
			}
			cost(10) // what is made once
			if few, many := cost(200), cost(800); many > 6*few {
				t.Errorf("200 objects of one name take %d bytes, 800 take %d: more than four times as much", few, many)
			}
		})
	}
}

func TestContents_EachTextIsHashedOnce(t *testing.T) {
	var objects []Object
	for i := range 20_000 {
		objects = append(objects, sizedConfigMap(i))
	}
	contents := newContents(objects)
	for i := range objects {
		if contents.of(t.Context(), objects[0].ID(), fmt.Sprintf("data.k%d", i)) == "" {
			t.Fatal("no hash")
		}
	}
	if len(contents.known) != 1 {
		t.Errorf("%d hashes of the same objects", len(contents.known))
	}
	single := newContents(objects[:1])
	if one, other := single.of(t.Context(), objects[0].ID(), "data.k"), single.of(t.Context(), objects[0].ID(), "kind"); one == other || len(single.known) != 2 {
		t.Errorf("two fields have the hashes %s and %s", one, other)
	}
}

// stopping ends its context when it is asked for the n-th time whether it has
// ended, which a run does many times once it decides.
type stopping struct {
	context.Context

	after int
}

func (s *stopping) Err() error {
	if s.after--; s.after < 0 {
		return context.Canceled
	}
	return nil
}

func TestRun_StoppedWhileDecidingIsUndetermined(t *testing.T) {
	p := doubles(100, sizedConfigMap)
	p.Gates[0].Decider = decider{}
	judge := p.Gates[0].Judges[0]
	p.Gates[0].Judges[0] = judgeFunc(func(ctx context.Context, sealed Sealed) []Finding {
		return append(judge.Judge(ctx, sealed), Finding{Rule: "a/b", Object: sealed.Objects[0].ID(), Message: "denied"})
	})
	expect(t, p.Run(t.Context(), Source{}), Denied, "a/b")
	verdict := p.Run(&stopping{t.Context(), 40}, Source{})
	expect(t, verdict, Unanswered, "decide/no-answer", "a/b")
	if verdict.complete {
		t.Error("the run is complete")
	}
	p.Gates[0].Decider = nil
	expect(t, p.Run(&stopping{t.Context(), 40}, Source{}), Denied, "a/b", "decide/no-answer")
}

func TestSecrets_HideWhereverAValueStands(t *testing.T) {
	for _, test := range []struct {
		values     []string
		text, want string
	}{
		{[]string{"abc"}, "xabcx abc", "x***x ***"},
		{[]string{"abc", "abcdef"}, "abcdef abcde", "*** ***de"},
		{[]string{"abc", "cde"}, "1abcde2", "1***2"},
		{[]string{"bcde", "abc"}, "abcde", "***"},
		{[]string{"abc", "abd", "abcx", "aba"}, "abcy abcx", "***y ***"},
		{[]string{"a\"b\n"}, `it is a\"b\n or a"b` + "\n", "it is *** or ***"},
		{[]string{"a", "ab"}, "a ab aab é a", "*** *** aab é ***"},
		{[]string{"a"}, "éa a1 a", "éa a1 ***"},
		{nil, "abc", "abc"},
	} {
		values := map[string]bool{}
		for _, value := range test.values {
			values[value] = true
		}
		if got := newSecrets(values).hide(test.text); got != test.want {
			t.Errorf("%q in %q: %q, want %q", test.values, test.text, got, test.want)
		}
	}
	if got := (*secrets)(nil).hide("abc"); got != "abc" {
		t.Errorf("nothing to hide: %q", got)
	}
}
