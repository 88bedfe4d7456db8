package policy

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"k8s.io/apiserver/pkg/admission"

	"github.com/assay-gitops/assay/plugin"
)

func TestKyverno_TheLibrariesAnswer(t *testing.T) {
	for _, expression := range []string{
		`image("ghcr.io/a/b:1").registry() == "ghcr.io" && image("nginx").repository() == "library/nginx" && image("nginx").tag() == "latest"`,
		`parseImageReference("a/b@sha256:` + strings.Repeat("0", 64) + `").containsDigest() && isImage("a/b") && !isImage("A B")`,
		`sha256("x") == "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881" && md5("x").size() == 32 && sha1("x").size() == 40`,
		`json.unmarshal('{"a": [1]}').a[0] == 1`,
		`yaml.parse("a: b").a == "b"`,
		`math.round(1.25, 1) == 1.3 && math.greatest([1, 2]) == 2`,
		`transform.listObjToMap([{"k": "a"}], [{"v": "b"}], "k", "v") == {"a": "b"} && listObjToMap([{"k": "a"}], [{"v": "b"}], "k", "v")["a"] == "b"`,
		`parseServiceAccount("system:serviceaccount:a:b").Name == "b" && user.parseServiceAccount("system:serviceaccount:a:b").Namespace == "a"`,
		`time.toCron(timestamp("2026-06-01T10:30:00Z")) == "30 10 1 6 1"`,
		`time.truncate(timestamp("2026-06-01T10:30:00Z"), duration("1h")) == timestamp("2026-06-01T10:00:00Z")`,
		`gzip.decompress(gzip.compress("text")) == "text"`,
		`object.data.key.orValue("x") == "value" && object.?nothing.orValue("x") == "x"`,
		`lists.range(3) == [0, 1, 2] && base64.encode(b"x") == "eA==" && cel.bind(a, 1, a + 1) == 2`,
		`quantity("1Gi").isGreaterThan(quantity("1Mi")) && ip("10.0.0.1").family() == 4 && semver("1.2.3").major() == 1 && url("https://a").getHost() == "a"`,
		`"a-b".split("-").size() == 2 && sets.contains([1, 2], [1]) && regex.replace("ab", "a", "c") == "cb" && "a%d".format([1]) == "a1"`,
		`exceptions.allowedImages.size() == 0 && !("x" in exceptions.allowedValues)`,
	} {
		text := kyvernoText{validation: quoted(expression)}.String()
		if found := judgeWith(t, policyConfig(t, text, nil), sealed(t, labelled)); len(found) != 0 {
			t.Errorf("%s: %+v", expression, found)
		}
		twin := kyvernoText{validation: quoted("!(" + expression + ")")}.String()
		if finding := one(t, judgeWith(t, policyConfig(t, twin, nil), sealed(t, labelled))); strings.Contains(finding.Message, "could not be evaluated") {
			t.Errorf("twin: %s: %+v", expression, finding)
		}
	}
}

func TestKyverno_TheClockIsTheRuns(t *testing.T) {
	judge := judgeOf(t, policyConfig(t, kyvernoText{validation: quoted(`time.now() < timestamp("2026-07-01T00:00:00Z")`)}.String(), nil))
	before, after := sealed(t, labelled), sealed(t, labelled)
	before.At, after.At = time.Date(2026, 6, 30, 23, 59, 59, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	if found := judge.Judge(t.Context(), before); len(found) != 0 {
		t.Errorf("before: %+v", found)
	}
	one(t, judge.Judge(t.Context(), after))
}

func TestKyverno_NobodyWritesTheNameOfTheClock(t *testing.T) {
	for _, expression := range []string{`@now != null`, `@range(1) == [0]`, `@orValue(1, 2) == 1`} {
		if _, err := NewCompiler().Compile(policyConfig(t, kyvernoText{validation: quoted(expression)}.String(), nil)); err == nil {
			t.Errorf("%s compiles", expression)
		}
	}
}

func TestKyverno_CostsAreBounded(t *testing.T) {
	costly := "[0,1,2,3,4,5,6,7,8,9].all(a, [0,1,2,3,4,5,6,7,8,9].all(b, [0,1,2,3,4,5,6,7,8,9].all(c, [0,1,2,3,4,5,6,7,8,9].all(d, " +
		"[0,1,2,3,4,5,6,7,8,9].all(e, [0,1,2,3,4,5,6,7,8,9].all(f, a+b+c+d+e+f >= 0))))))"
	for name, test := range map[string]struct {
		policy kyvernoText
		says   string
	}{
		"one expression": {kyvernoText{validation: quoted(costly)}, "cost limit"},
		"a variable":     {kyvernoText{validation: quoted("variables.v"), spec: "variables: [{name: v, expression: '" + costly + "'}]"}, "cost limit"},
		"a condition":    {kyvernoText{spec: "matchConditions: [{name: v, expression: '" + costly + "'}]"}, "cost limit"},
	} {
		t.Run(name, func(t *testing.T) {
			found := judgeWith(t, policyConfig(t, test.policy.String(), nil), sealed(t, unlabelled))
			if len(found) == 0 || found[0].Level != plugin.Deny || !strings.Contains(found[len(found)-1].Message, test.says) {
				t.Errorf("%+v", found)
			}
		})
	}
}

func TestKyverno_TheCostsOfAPolicysExpressionsAddUp(t *testing.T) {
	config := policyConfig(t, kyvernoText{validation: quoted("[1,2,3].all(a, a > 0)") + ", " + quoted("[1,2,3].all(a, a > 0)")}.String(), nil)
	files, err := readKyverno(config.Documents)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := (&kyvernoCompiler{}).policy(files.policies[0], false)
	if err != nil {
		t.Fatal(err)
	}
	v := newView(sealed(t, unlabelled), nil)
	for budget, want := range map[int64]int{1: 1, 1000: 0} {
		evaluation, err := newKyvernoEvaluation(compiled, &kyvernoSubject{view: v, subject: v.subjects[0]}, admission.Create)
		if err != nil {
			t.Fatal(err)
		}
		evaluation.budget = budget
		failures := evaluation.run(t.Context())
		if len(failures) != want || want > 0 && (!failures[0].erred || !strings.Contains(failures[0].message, "more than one object may")) {
			t.Errorf("with a budget of %d: %+v", budget, failures)
		}
	}
}

func TestKyverno_WhatAnObjectBlowsUpIsBounded(t *testing.T) {
	inflated := func(bytes_ int) string {
		var out bytes.Buffer
		writer := gzip.NewWriter(&out)
		if _, err := writer.Write(make([]byte, bytes_)); err != nil || writer.Close() != nil {
			t.Fatal(err)
		}
		return base64.StdEncoding.EncodeToString(out.Bytes())
	}
	object := func(kind string, value any) string {
		return fmt.Sprintf("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web, namespace: team-a}\ndata: {%s: %q}\n", kind, value)
	}
	unzip := policyConfig(t, kyvernoText{validation: quoted(`gzip.decompress(base64.decode(object.data.zip)).size() > 0`)}.String(), nil)
	if finding := one(t, judgeWith(t, unzip, sealed(t, object("zip", inflated(inflatedBytes+1))))); !strings.Contains(finding.Message, "more than") {
		t.Errorf("%+v", finding)
	}
	if found := judgeWith(t, unzip, sealed(t, object("zip", inflated(1000)))); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
	count := policyConfig(t, kyvernoText{validation: quoted(`lists.range(int(object.data.count)).size() > 0`)}.String(), nil)
	for _, length := range []string{"4000000000", "-1"} {
		if finding := one(t, judgeWith(t, count, sealed(t, object("count", length)))); !strings.Contains(finding.Message, "not between") {
			t.Errorf("%s: %+v", length, finding)
		}
	}
	if found := judgeWith(t, count, sealed(t, object("count", "10"))); len(found) != 0 {
		t.Errorf("twin: %+v", found)
	}
}

func TestKyverno_AFunctionThatPanicsDenies(t *testing.T) {
	text := kyvernoText{validation: quoted(`listObjToMap([object.data.key], [object.data.key], "k", "v").size() == 0`)}.String()
	if finding := one(t, judgeWith(t, policyConfig(t, text, nil), sealed(t, labelled))); finding.Level != plugin.Deny || !strings.Contains(finding.Message, "could not be evaluated") {
		t.Errorf("%+v", finding)
	}
}
