package main

import (
	"strings"
	"testing"
)

func TestReadBenchmarks_FastestRunCounts(t *testing.T) {
	best, err := readBenchmarks(strings.NewReader(`goos: linux
pkg: example.com/x
BenchmarkWarm/InProcess/Run-2   	  40	 104256867 ns/op	 28.34 cpu-ms/op	 9483043 B/op	 92394 allocs/op
BenchmarkWarm/InProcess/Run-2   	  40	  90000000 ns/op	 29.00 cpu-ms/op	 9483043 B/op	 92390 allocs/op
PASS
`))
	if err != nil {
		t.Fatal(err)
	}
	run := best["Warm/InProcess/Run"]
	if run["ns/op"] != 90000000 || run["cpu-ms/op"] != 28.34 || run["allocs/op"] != 92390 {
		t.Errorf("read %v", run)
	}
}

func TestGoTable_MissingBenchmarkIsAnError(t *testing.T) {
	var all strings.Builder
	for _, row := range goRows() {
		all.WriteString("Benchmark" + row.a + "-2 1 2000000 ns/op 2 allocs/op\nBenchmark" + row.b + "-2 1 1000000 ns/op 1 allocs/op\n")
	}
	table, err := goTable(strings.NewReader(all.String()))
	if err != nil || !strings.Contains(table, "| 2.00 |") || !strings.Contains(table, "| +1.0 ms |") {
		t.Errorf("table:\n%s\nerror: %v", table, err)
	}
	if _, err := goTable(strings.NewReader(strings.ReplaceAll(all.String(), "Helm_Render", "Other"))); err == nil {
		t.Error("a table without Helm was accepted")
	}
}
