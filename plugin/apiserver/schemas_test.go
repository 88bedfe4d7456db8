package apiserver

import "testing"

func TestBuiltinSchemas_EverySchemaAndReferenceIsThere(t *testing.T) {
	table := BuiltinSchemas()
	if len(table.Kinds) < 80 || len(table.texts) < 500 {
		t.Fatalf("%d kinds and %d schemas", len(table.Kinds), len(table.texts))
	}
	var check func(at string, each *OpenSchema)
	check = func(at string, each *OpenSchema) {
		if each == nil {
			return
		}
		if each.Ref != "" && table.texts[each.Ref] == "" {
			t.Errorf("%s refers to %s, which is not there", at, each.Ref)
		}
		for _, one := range append(each.AllOf, each.Items, each.AdditionalProperties) {
			check(at, one)
		}
		for _, one := range each.Properties {
			check(at, one)
		}
	}
	for name := range table.texts {
		check(name, table.Schema(name))
	}
	for kind, name := range table.Kinds {
		if table.Schema(name) == nil {
			t.Errorf("%s has no schema %s", kind, name)
		}
	}
}

func TestBuiltinSchemas_ADamagedFileIsAnError(t *testing.T) {
	for name, packed := range map[string][]byte{"empty": nil, "cut off": builtinPacked[:len(builtinPacked)/2], "text": []byte("v1.37.2")} {
		if _, err := readSchemas(packed); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := readSchemas(builtinPacked); err != nil {
		t.Errorf("twin: %v", err)
	}
}

// BenchmarkSchema_Unpack is what the first object of a process costs.
func BenchmarkSchema_Unpack(b *testing.B) {
	for b.Loop() {
		if _, err := readSchemas(builtinPacked); err != nil {
			b.Fatal(err)
		}
	}
}
