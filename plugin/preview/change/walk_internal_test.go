package change

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

// differences are the paths that differ, with what they were and are.
func differences(was, now any) []string {
	var out []string
	walker{func(d difference) { out = append(out, pathOf(d.path)+": "+exact(d.was)+" -> "+exact(d.now)) }}.walk(nil, was, now, false)
	return out
}

func parsed(t testing.TB, text string) any {
	t.Helper()
	objects, err := plugin.JSONEncoding{}.Decode([]byte(text + "\n"))
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return objects[0].Fields
}

func TestWalk_FindsTheFieldsThatDiffer(t *testing.T) {
	for name, test := range map[string]struct {
		was, now string
		want     []string
	}{
		"Equal":       {`{"a":{"b":[1,"x",null]}}`, `{"a":{"b":[1,"x",null]}}`, nil},
		"AScalar":     {`{"a":1}`, `{"a":2}`, []string{"a: 1 -> 2"}},
		"ItsType":     {`{"a":"1"}`, `{"a":1}`, []string{`a: "1" -> 1`}},
		"APoint":      {`{"a":1}`, `{"a":1.0}`, []string{"a: 1 -> 1.0"}},
		"Null":        {`{"a":null}`, `{}`, []string{"a: null -> "}},
		"AnEmptyMap":  {`{}`, `{"a":{}}`, []string{"a:  -> {}"}},
		"Filled":      {`{"a":{}}`, `{"a":{"b":1}}`, []string{"a.b:  -> 1"}},
		"AnotherKind": {`{"a":{"b":1}}`, `{"a":[1]}`, []string{`a: {"b":1} -> [1]`}},
		"AKeyWithADot": {`{"a":{"example.com/x":"1"}}`, `{"a":{"example.com/x":"2"}}`,
			[]string{`a["example.com/x"]: "1" -> "2"`}},
		"Arguments": {`{"args":["a","b"]}`, `{"args":["b","a"]}`, []string{`args: ["a","b"] -> ["b","a"]`}},
		"ByName": {`{"containers":[{"image":"x","name":"a"},{"image":"y","name":"b"}]}`, `{"containers":[{"image":"n","name":"new"},{"image":"x","name":"a"},{"image":"z","name":"b"}]}`,
			[]string{`containers[name=new].image:  -> "n"`, `containers[name=new].name:  -> "new"`, `containers[name=b].image: "y" -> "z"`}},
		"ByPort": {`{"ports":[{"containerPort":80},{"containerPort":53,"protocol":"UDP"},{"containerPort":53,"protocol":"TCP"}]}`, `{"ports":[{"containerPort":80,"hostPort":1},{"containerPort":53,"protocol":"UDP"}]}`,
			[]string{`ports[containerPort=80].hostPort:  -> 1`, `ports[containerPort=53,protocol=TCP].containerPort: 53 -> `, `ports[containerPort=53,protocol=TCP].protocol: "TCP" -> `}},
		"ByMountPath": {`{"volumeMounts":[{"mountPath":"/a","name":"v"},{"mountPath":"/b","name":"v"}]}`, `{"volumeMounts":[{"mountPath":"/a","name":"w"},{"mountPath":"/b","name":"v"}]}`,
			[]string{`volumeMounts[mountPath=/a].name: "v" -> "w"`}},
		"ANameToQuote": {`{"env":[{"name":"a]b","value":"1"}]}`, `{"env":[{"name":"a]b","value":"2"}]}`, []string{`env[name="a]b"].value: "1" -> "2"`}},
		"Doubles": {`{"env":[{"name":"a","value":"1"},{"name":"a","value":"2"}]}`, `{"env":[{"name":"a","value":"1"},{"name":"a","value":"3"}]}`,
			[]string{`env[1].value: "2" -> "3"`}},
		"TheOrderOfNames": {`{"env":[{"name":"a"},{"name":"b"}]}`, `{"env":[{"name":"b"},{"name":"a"}]}`, []string{`env: ["a","b"] -> ["b","a"]`}},
		"AnInsertedItem": {`{"rules":[{"verbs":["a"]},{"verbs":["b"]}]}`, `{"rules":[{"verbs":["new"]},{"verbs":["a"]},{"verbs":["b"]}]}`,
			[]string{`rules[0].verbs:  -> ["new"]`}},
		"ARemovedItem": {`{"rules":[{"verbs":["a"]},{"verbs":["old"]},{"verbs":["b"]}]}`, `{"rules":[{"verbs":["a"]},{"verbs":["b"]}]}`,
			[]string{`rules[1].verbs: ["old"] -> `}},
		"AChangedItem": {`{"rules":[{"verbs":["a"]},{"verbs":["old"]},{"verbs":["b"]}]}`, `{"rules":[{"verbs":["a"]},{"verbs":["new"]},{"verbs":["b"]}]}`,
			[]string{`rules[1].verbs: ["old"] -> ["new"]`}},
		"Lists": {`{"x":[[1],[2]]}`, `{"x":[[1],[3]]}`, []string{`x[1]: [2] -> [3]`}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := differences(parsed(t, test.was), parsed(t, test.now)); !slices.Equal(got, test.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
		})
	}
}

func TestWalk_TheOrderOfASetIsNoise(t *testing.T) {
	for text, noise := range map[string]string{"finalizers": noiseOrder, "verbs": noiseOrder, "args": "", "command": ""} {
		found := 0
		walker{func(d difference) {
			found++
			if got := noiseOf(d); got != noise {
				t.Errorf("%s: got %q", text, got)
			}
		}}.walk(nil, parsed(t, `{"`+text+`":["a","b"]}`), parsed(t, `{"`+text+`":["b","a"]}`), false)
		if found != 1 {
			t.Errorf("%s: %d differences", text, found)
		}
	}
	walker{func(d difference) {
		if noiseOf(d) != "" {
			t.Errorf("got %+v", d)
		}
	}}.walk(nil, parsed(t, `{"verbs":["a","b"]}`), parsed(t, `{"verbs":["b","a","c"]}`), false)
}

func TestFieldName_CallsItemsByWhatTellsThemApart(t *testing.T) {
	fields := parsed(t, `{"spec":{"containers":[{"name":"a","ports":[{"containerPort":80}]}],"rules":[{"x":1}]}}`).(map[string]any)
	for path, want := range map[string]string{
		"spec.containers[0].image":                  "spec.containers[name=a].image",
		"spec.containers[0].ports[0].containerPort": "spec.containers[name=a].ports[containerPort=80].containerPort",
		"spec.containers[1].image":                  "spec.containers[1].image",
		"spec.rules[0].x":                           "spec.rules[0].x",
		"spec.gone[0].x":                            "spec.gone[0].x",
		`metadata.labels["a.b/c"]`:                  `metadata.labels["a.b/c"]`,
		"what is no path[":                          "what is no path[",
		"":                                          "",
	} {
		if got := fieldName(fields, path); got != want {
			t.Errorf("%s: got %s, want %s", path, got, want)
		}
	}
}

// FuzzWalk: there is a difference if and only if the values are not equal, the
// same in both directions, and none is told twice.
func FuzzWalk(f *testing.F) {
	for _, seed := range [][2]string{
		{`{"a":1}`, `{"a":2}`}, {`{"containers":[{"name":"a"},{"name":"b"}]}`, `{"containers":[{"name":"b"},{"name":"a"}]}`},
		{`{"rules":[{"v":[1]},{"v":[2]}]}`, `{"rules":[{"v":[2]},{"v":[1]}]}`}, {`{"a":{}}`, `{"a":null}`}, {`{"a":[]}`, `{"a":[{}]}`},
		{`{"kind":"Secret","apiVersion":"v1","data":{"a":"b"}}`, `{"kind":"Secret","apiVersion":"v1","data":{}}`},
		{`{"stringData":{}}`, `{"stringData":[{}]}`}, {`{"finalizers":["a","a","b"]}`, `{"finalizers":["b","a","a"]}`},
		{`{"env":[{"name":"a"},1]}`, `{"env":[1,{"name":"a"}]}`}, {`{}`, `{"":{"":[]}}`},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, was, now string) {
		var before, after map[string]any
		if json.Unmarshal([]byte(was), &before) != nil || json.Unmarshal([]byte(now), &after) != nil {
			t.Skip("not two objects")
		}
		there := differences(before, after)
		if (len(there) == 0) != equal(before, after) {
			t.Errorf("%s and %s: equal is %v, the differences are %q", was, now, equal(before, after), there)
		}
		if back := differences(after, before); (len(back) == 0) != (len(there) == 0) {
			t.Errorf("%s and %s: %q one way, %q the other", was, now, there, back)
		}
		if len(differences(before, before)) != 0 {
			t.Errorf("%s differs from itself", was)
		}
		if again := differences(before, after); !slices.Equal(again, there) {
			t.Errorf("%s and %s: %q, then %q", was, now, there, again)
		}
	})
}
