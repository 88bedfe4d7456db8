package plugin

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func encodings() map[string]Encoding {
	return map[string]Encoding{"json": JSONEncoding{}, "yaml": YAMLEncoding{}}
}

// awkward are strings that some reader takes for something else, or that are
// hard to write.
func awkward() []string {
	return []string{
		"", " ", "yes", "No", "on", "OFF", "y", "N", "true", "True", "null", "Null", "~", "0x1", "0o7", "012", "1e3", "1E3", "1_000",
		"12:30:45", "2001-01-01", "2001-01-01T00:00:00Z", ".inf", "-.Inf", ".nan", "NaN", "inf", "+1", "-1", "1.", ".5", "=", "<<", "-", "--", "---",
		"...", "- a", "a: b", "a #b", "#a", "&a", "*a", "!a", "|", ">", "%a", "@a", "`a`", "'a'", "\"a\"", "a\"b", "\\", "a\\nb", "{a}", "[a]", "a,b", "? a", ": a", "a:",
		" a", "a ", "a\tb", "\ta", "a\t", "a\nb", "a\nb\n", "a\nb\n\n", "\na", "\n", "\n\n", "a\n b", " a\nb", "a\n\nb", "a\n \nb", "a\n\t\nb", "a \nb ", "a\r\nb", "a\rb",
		"---\na", "a\n---\nb\n", "a\n...\nb\n", "\x00", "\x1b[31m", "\x7f", "\u0085", "\u00a0", "\u2028", "\u2029", "\ufeff", "\ufeffa\nb", "\ufffd", "\ufffe", "\uffff", "\ufffd\nb",
		"é", "日本\n語\n", "😀", "😀\na", "a\u0085b\nc", strings.Repeat("x", 700), strings.Repeat("long word ", 70), strings.Repeat("line\n", 100),
		"nginx:1.27@sha256:" + strings.Repeat("a", 64), "/bin/sh", "a::b", "http://example.com/x?y=z", "e3", "e+3", "a\n#b\n", "a\n- b: c\n", "# a\nb\n", "key: |\n  x\n", "\"q\"\nb",
	}
}

func TestEncodings_RoundTripAwkwardText(t *testing.T) {
	for name, encoding := range encodings() {
		for _, text := range awkward() {
			long := strings.Repeat("k", 2000) + text
			if name == "json" {
				long = strings.Repeat("k", 200) + text // in JSON, YAML reads keys of up to 1024 characters
			}
			object := Object{Fields: map[string]any{
				"s": text, text + "k": text, "list": []any{text, []any{text}, map[string]any{"a": text, text + "z": []any{text}}},
				"nested": map[string]any{"deep": map[string]any{"s": text}}, long: map[string]any{"a": text}, long + "l": []any{text}, long + "s": text,
			}}
			if text != "s" && text != "list" {
				object.Fields[text] = int64(1)
			}
			roundTrip(t, name, encoding, []Object{object})
		}
	}
}

func TestEncodings_RoundTripNumbersAndEmptyValues(t *testing.T) {
	values := []any{
		int64(0), int64(-1), int64(math.MaxInt64), int64(math.MinInt64), 0.0, math.Copysign(0, -1), 1.0, -1.5, 1e20, 1e21, 1e22, 1.5e300, 5e-324,
		1e-6, 1e-7, math.MaxFloat64, 0.1, 123456789.125, 1e19, true, false, nil, strings.Repeat("long word ", 900), map[string]any{}, []any{}, []any{nil}, []any{[]any{}}, []any{map[string]any{}},
		[]any{[]any{int64(1), []any{int64(2)}}, map[string]any{"a": []any{int64(1)}}}, map[string]any{"": nil},
	}
	for name, encoding := range encodings() {
		for _, value := range values {
			roundTrip(t, name, encoding, []Object{{Fields: map[string]any{"v": value, "l": []any{value, value}}}})
		}
	}
}

func TestEncodings_RoundTripRandomObjects(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for name, encoding := range encodings() {
		for range 400 {
			objects := make([]Object, 1+random.IntN(4))
			for i := range objects {
				objects[i] = Object{Fields: randomMap(random, 4)}
			}
			roundTrip(t, name, encoding, objects)
		}
	}
}

func randomMap(random *rand.Rand, depth int) map[string]any {
	fields := map[string]any{}
	for range random.IntN(5) {
		fields[randomText(random)] = randomValue(random, depth-1)
	}
	return fields
}

func randomValue(random *rand.Rand, depth int) any {
	choice := random.IntN(8)
	if depth <= 0 {
		choice = 2 + random.IntN(6)
	}
	switch choice {
	case 0:
		return randomMap(random, depth)
	case 1:
		items := []any{}
		for range random.IntN(4) {
			items = append(items, randomValue(random, depth-1))
		}
		return items
	case 2:
		return int64(random.Uint64())
	case 3:
		if value := math.Float64frombits(random.Uint64()); !math.IsNaN(value) && !math.IsInf(value, 0) {
			return value
		}
		return 0.5
	case 4:
		return random.IntN(2) == 0
	case 5:
		return nil
	}
	return randomText(random)
}

func randomText(random *rand.Rand) string {
	texts := awkward()
	if random.IntN(2) == 0 {
		return texts[random.IntN(len(texts))]
	}
	letters := []rune("ab: -#\n\t\"'\\\x01é\u2028😀{}[],&*!|>%@`0x1.~?=")
	var out strings.Builder
	for range random.IntN(12) {
		out.WriteRune(letters[random.IntN(len(letters))])
	}
	return out.String()
}

func TestEncodings_RefuseWhatTheyCannotGiveBack(t *testing.T) {
	values := map[string]any{
		"invalid UTF-8": "a\xffb", "NaN": math.NaN(), "infinity": math.Inf(1), "foreign type": struct{}{}, "wide integer": uint64(math.MaxUint64),
		"typed map": map[string]string{"a": "b"}, "too deep": nest(maxDepth + 2),
	}
	for name, encoding := range encodings() {
		for what, value := range values {
			if data, err := encoding.Encode([]Object{{Fields: map[string]any{"v": value}}}); err == nil {
				t.Errorf("%s: %s was encoded as %.80s", name, what, data)
			}
		}
		if _, err := encoding.Encode([]Object{{Fields: map[string]any{"a\xff": "b"}}}); err == nil {
			t.Errorf("%s: a key that is not UTF-8 was encoded", name)
		}
		if _, err := encoding.Encode([]Object{{}}); err == nil {
			t.Errorf("%s: an object without fields was encoded", name)
		}
	}
}

func nest(depth int) any {
	var value any = int64(1)
	for range depth {
		value = []any{value}
	}
	return value
}

func TestJSONEncoding_DecodeRefuses(t *testing.T) {
	for what, text := range map[string]string{
		"a list": "[]\n", "a string": "\"a\"\n", "null": "null\n", "trailing garbage": "{}x\n", "two on a line": "{}{}\n", "no line break": "{}",
		"a duplicate key": `{"a":1,"a":2}` + "\n", "an escaped duplicate": `{"a":1,"\u0061":2}` + "\n", "unsorted keys": `{"b":1,"a":2}` + "\n",
		"white space": "{ }\n", "an empty line": "{}\n\n", "a wide number": `{"a":92233720368547758080}` + "\n", "a rounded float": `{"a":0.10000000000000000555}` + "\n",
		"half a pair": `{"a":"\ud800"}` + "\n", "invalid UTF-8": "{\"a\":\"\xff\"}\n", "raw control": "{\"a\":\"\x01\"}\n", "truncated": `{"a":` + "\n", "a byte order mark": "\ufeff{}\n",
		"too deep": `{"a":` + strings.Repeat("[", maxDepth+1) + strings.Repeat("]", maxDepth+1) + "}\n", "leading zero": `{"a":01}` + "\n", "a bare minus": `{"a":-}` + "\n",
	} {
		if objects, err := (JSONEncoding{}).Decode([]byte(text)); err == nil {
			t.Errorf("%s was decoded: %v", what, objects)
		}
	}
	if objects, err := (JSONEncoding{}).Decode([]byte(`{"a":1,"b":2}` + "\n")); err != nil || len(objects) != 1 {
		t.Errorf("the plain twin: %v, %v", objects, err)
	}
}

func TestYAMLEncoding_DecodeRefuses(t *testing.T) {
	for what, text := range map[string]string{
		"a list": "- a\n", "a string": "a\n", "null": "null\n", "an empty document": "a: b\n---\n", "a duplicate key": "a: b\na: c\n", "an alias": "a: &x {}\nb: *x\n",
		"an anchor": "a: &x b\n", "a merge": "a: b\n<<: {}\n", "a tag": "a: !!str b\n", "a date": "a: 2001-01-01\n", "a binary": "a: !!binary aGk=\n", "yes": "a: yes\n",
		"octal": "a: 012\n", "hex": "a: 0x1\n", "base 60": "a: 12:30\n", "tilde": "a: ~\n", "a comment": "a: b # c\n", "unsorted keys": "b: c\na: b\n", "an integer key": "1: a\n",
		"a document end": "a: b\n...\n", "garbage behind": "a: b\n---\n{", "infinity": "a: .inf\n", "a directive": "%YAML 1.1\n---\na: b\n",
		"a bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "deep": strings.Repeat("[", 100_000), "CRLF": "a: b\r\n",
	} {
		if objects, err := (YAMLEncoding{}).Decode([]byte(text)); err == nil {
			t.Errorf("%s was decoded: %v", what, objects)
		}
	}
	if objects, err := (YAMLEncoding{}).Decode([]byte("a: b\n---\na: c\n")); err != nil || len(objects) != 2 {
		t.Errorf("the plain twin: %v, %v", objects, err)
	}
}

func TestYAMLEncoding_ReadsWell(t *testing.T) {
	object := Object{Fields: map[string]any{
		"apiVersion": "v1", "kind": "ConfigMap", "metadata": map[string]any{"name": "a", "annotations": map[string]any{"on": "yes"}},
		"data": map[string]any{"run.sh": "#!/bin/sh\nexec app\n", "empty": ""}, "list": []any{int64(1), map[string]any{"a": "b", "c": []any{"d"}}, []any{}},
	}}
	const want = `apiVersion: v1
data:
  empty: ""
  run.sh: |
    #!/bin/sh
    exec app
kind: ConfigMap
list:
- 1
- a: b
  c:
  - d
- []
metadata:
  annotations:
    "on": "yes"
  name: a
`
	got, err := YAMLEncoding{}.Encode([]Object{object})
	if err != nil || string(got) != want {
		t.Errorf("got %v\n%s\nwant\n%s", err, got, want)
	}
}

func FuzzDecodeManifests(f *testing.F) {
	for _, seed := range []string{
		`{"apiVersion":"v1","kind":"Pod"}` + "\n", "a: b\n---\nc: |\n  x\n  y\n", `{"a":"\u2028"}` + "\n", `{"a":1.0e+21}` + "\n", "a: \"\\u0085\"\n",
		"? \"" + strings.Repeat("k", 200) + "\"\n: b\n", "a:\n- - b\n  - c\n", "[[[[", "{{{{", "a: &a [*a]\n", "a: |-\n  b\n\n  c\n",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, encoding := range encodings() {
			objects, err := encoding.Decode(data)
			if err != nil {
				continue
			}
			again, err := encoding.Encode(objects)
			if err != nil || string(again) != string(data) {
				t.Errorf("%s: %v: %q was decoded, and encodes to %q", name, err, data, again)
			}
		}
		parsed, err := parseJSON(data)
		var other any
		if err == nil && json.Unmarshal(data, &other) != nil {
			t.Errorf("encoding/json refuses %q, which reads as %v", data, parsed)
		}
	})
}

func BenchmarkEncodings(b *testing.B) {
	objects := make([]Object, 110)
	for i := range objects {
		objects[i] = deployment("app", "registry.example.com/team-a/app:1.0")
	}
	for name, encoding := range encodings() {
		data, err := encoding.Encode(objects)
		if err != nil {
			b.Fatal(err)
		}
		b.Run(name+"/encode", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encoding.Encode(objects); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/decode", func(b *testing.B) {
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := encoding.Decode(data); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func deployment(name string, images ...string) Object {
	var containers []any
	for i, image := range images {
		containers = append(containers, map[string]any{
			"name": fmt.Sprintf("c%d", i), "image": image, "args": []any{"--port=8080", "--verbose"},
			"resources": map[string]any{"limits": map[string]any{"cpu": "1", "memory": "128Mi"}},
		})
	}
	return Object{Fields: map[string]any{
		"apiVersion": "apps/v1", "kind": "Deployment", "metadata": map[string]any{"name": name, "labels": map[string]any{"app": name}},
		"spec": map[string]any{"replicas": int64(2), "template": map[string]any{"spec": map[string]any{"containers": containers}}},
	}}
}
