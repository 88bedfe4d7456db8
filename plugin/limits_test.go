package plugin

import (
	"reflect"
	"strings"
	"testing"
)

func TestLimits_TableCoversEveryFieldOnce(t *testing.T) {
	var limits Limits
	names, fields := map[string]bool{}, map[*int64]bool{}
	for _, limit := range LimitTable() {
		if names[limit.Name] || fields[limit.field(&limits)] || limit.Default < 1 || limit.Unit == "" || limit.What == "" {
			t.Errorf("row %s is there twice or incomplete", limit.Name)
		}
		names[limit.Name], fields[limit.field(&limits)] = true, true
	}
	typ := reflect.TypeFor[Limits]()
	for i := range typ.NumField() {
		name := typ.Field(i).Name
		if !names[strings.ToLower(name[:1])+name[1:]] && !names[strings.Replace(name, "YAML", "yaml", 1)] {
			t.Errorf("field %s has no row of its name", name)
		}
	}
	if typ.NumField() != len(names) {
		t.Errorf("%d fields, %d rows", typ.NumField(), len(names))
	}
}

func TestNewLimits(t *testing.T) {
	limits, err := NewLimits(map[string]int64{"fileBytes": 5})
	if err != nil || limits.FileBytes != 5 || limits.TreeBytes != DefaultLimits().TreeBytes {
		t.Errorf("%+v, %v", limits, err)
	}
	for _, overrides := range []map[string]int64{{"fileBytes": 0}, {"fileBytes": -1}, {"filebytes": 5}, {"": 1}} {
		if limits, err := NewLimits(overrides); err == nil {
			t.Errorf("%v gives %+v", overrides, limits)
		}
	}
}
