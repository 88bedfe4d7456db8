package main

import (
	"strings"
	"testing"
)

func TestHardenRows_SayCPUAndRatio(t *testing.T) {
	results := `BenchmarkHarden/Profile 49 23484180 ns/op 9.0 cpu-ms/op 5582883 B/op 50065 allocs/op
BenchmarkHarden/Everything 16 67171852 ns/op 36.6 cpu-ms/op 18731616 B/op 169801 allocs/op
BenchmarkHarden/Encode 216 9476894 ns/op 3.6 cpu-ms/op 1048576 B/op 1 allocs/op
`
	rows := func(results string) (string, error) {
		best, err := readBenchmarks(strings.NewReader(results))
		if err != nil {
			t.Fatal(err)
		}
		return hardenRows(best)
	}
	table, err := rows(results)
	if err != nil || !strings.Contains(table, "| 9 | 2.5 | 50 |") || !strings.Contains(table, "| 37 | 10.2 | 170 |") {
		t.Errorf("table:\n%s\nerror: %v", table, err)
	}
	for name, broken := range map[string]string{
		"no such benchmark": strings.ReplaceAll(results, "Encode", "Other"), "no CPU": strings.ReplaceAll(results, "cpu-ms/op", "x/op"), "nothing": "",
	} {
		if table, err := rows(broken); err == nil {
			t.Errorf("%s: a table was made:\n%s", name, table)
		}
	}
}
