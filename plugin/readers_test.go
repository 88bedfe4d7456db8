package plugin

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
	sigsyaml "sigs.k8s.io/yaml"
)

// roundTrip demands that the objects come back from our decoder and from the
// readers of the ecosystem.
func roundTrip(t *testing.T, name string, encoding Encoding, objects []Object) {
	t.Helper()
	data, err := encoding.Encode(objects)
	if err != nil {
		t.Fatalf("%s: Encode: %v", name, err)
	}
	decoded, err := encoding.Decode(data)
	if err != nil {
		t.Fatalf("%s: Decode: %v\n%s", name, err, data)
	}
	for i := range objects {
		if !same(decoded[i].Fields, objects[i].Fields) {
			t.Fatalf("%s: object %d\n got %#v\nwant %#v\n%s", name, i, decoded[i].Fields, objects[i].Fields, data)
		}
	}
	if len(decoded) != len(objects) {
		t.Fatalf("%s: %d objects, want %d", name, len(decoded), len(objects))
	}
	otherReaders(t, name, data, objects)
}

// otherReaders demands that YAML 1.1 and 1.2 readers find the same text.
func otherReaders(t *testing.T, name string, data []byte, objects []Object) {
	t.Helper()
	separator := "\n"
	if name == "yaml" {
		separator = "\n" + yamlSeparator
	}
	documents := strings.Split(strings.TrimSuffix(string(data), "\n"), separator)
	if len(documents) != len(objects) {
		t.Fatalf("%d documents, want %d\n%s", len(documents), len(objects), data)
	}
	for i, document := range documents {
		want, err := json.Marshal(objects[i].Fields)
		if err != nil {
			t.Fatal(err)
		}
		document += "\n"
		var got any
		if err := sigsyaml.Unmarshal([]byte(document), &got); err != nil {
			t.Fatalf("sigs.k8s.io/yaml: %v\n%s", err, document)
		}
		sameJSON(t, "sigs.k8s.io/yaml", got, want, document)
		got = nil
		if err := yaml.Unmarshal([]byte(document), &got); err != nil {
			t.Fatalf("go.yaml.in/yaml/v3: %v\n%s", err, document)
		}
		sameJSON(t, "go.yaml.in/yaml/v3", got, want, document)
	}
}

func sameJSON(t *testing.T, reader string, got any, want []byte, document string) {
	t.Helper()
	text, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	var a, b any
	if err := json.Unmarshal(text, &a); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(want, &b); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(a, b) {
		t.Fatalf("%s reads\n %s\nwant\n %s\nfrom\n%s", reader, text, want, document)
	}
}

// same is reflect.DeepEqual that tells -0.0 from 0.0.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) && fmt.Sprintf("%#v", a) == fmt.Sprintf("%#v", b)
}
