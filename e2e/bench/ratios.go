package main

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// goRow is one line of the table of Go benchmarks: two of them compared.
type goRow struct {
	what, against string
	// a and b are names of benchmarks.
	a, b string
	// difference shows a minus b in milliseconds, else their ratio is shown.
	difference bool
	budget     string
	// timeOnly is set where one of them works in another process, whose CPU and
	// allocations nobody counts.
	timeOnly bool
}

func goRows() []goRow {
	return []goRow{
		{"rendering 110 objects, kustomize", "the library's build alone", "Kustomize_Render", "Kustomize_LibraryAlone", false, "1.1", false},
		{"rendering 110 objects, kustomize", "the library's build, printed", "Kustomize_Render", "Kustomize_LibraryPrinted", false, "", false},
		{"rendering 110 objects, Helm", "the library, and parsing what it prints", "Helm_Render", "Helm_LibraryAlone", false, "1.1", false},
		{"rendering in a worker, kustomize", "rendering in the process", "Workers_Render", "Kustomize_Render", true, "", true},
		{"a warm run of 110 objects and 20 images", "the rendering alone, from memory", "Warm/InProcess/Run", "Warm/InProcess/Rendering", true, "10 ms", false},
		{"the same with workers", "the rendering alone, from memory", "Warm/Isolated/Run", "Warm/Isolated/Rendering", true, "10 ms", false},
		{"a run after a commit", "the rendering alone", "Changed/InProcess/Run", "Changed/InProcess/Rendering", true, "10 ms", false},
		{"the same with workers", "the rendering in the process", "Changed/Isolated/Run", "Changed/InProcess/Rendering", true, "10 ms", true},
		{"a line of the audit log, 110 objects and 20 images", "the warm run that it is about", "Audit/Line", "Audit/Run", false, "1 ms", false},
		{"2,000 objects that are rendered text", "200 objects", "Stream/2000", "Stream/200", false, "10 (linear)", false},
	}
}

const goHead = "| what | against | time | CPU | allocations | budget |\n|---|---|---|---|---|---|"

// goTable reads the output of `go test -bench` and compares. Of several runs
// the fastest counts: what else runs on the machine only makes them slower.
func goTable(from io.Reader) (string, error) {
	best, err := readBenchmarks(from)
	if err != nil {
		return "", err
	}
	lines := []string{goHead}
	for _, row := range goRows() {
		a, b := best[row.a], best[row.b]
		if a == nil || b == nil {
			return "", fmt.Errorf("reading the Go benchmarks: there is no result of %s or of %s", row.a, row.b)
		}
		lines = append(lines, fmt.Sprintf("| %s | %s | %s | %s | %s | %s |", row.what, row.against,
			row.compare(a, b, "ns/op", 1e6), row.compare(a, b, "cpu-ms/op", 1), row.allocations(a, b), row.budget))
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// compare shows one unit, of which scale are a millisecond.
func (r goRow) compare(a, b map[string]float64, unit string, scale float64) string {
	switch {
	case b[unit] == 0, r.timeOnly && unit != "ns/op":
		return ""
	case r.difference:
		return fmt.Sprintf("%+.1f ms", (a[unit]-b[unit])/scale)
	}
	return fmt.Sprintf("%.2f", a[unit]/b[unit])
}

func (r goRow) allocations(a, b map[string]float64) string {
	switch {
	case r.timeOnly:
		return ""
	case r.difference:
		return fmt.Sprintf("%+.0f", a["allocs/op"]-b["allocs/op"])
	}
	return fmt.Sprintf("%.2f", a["allocs/op"]/b["allocs/op"])
}

// benchmarkLine is a name, the number of processors, and values with units.
var benchmarkLine = regexp.MustCompile(`^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+(.+)$`)

func readBenchmarks(from io.Reader) (map[string]map[string]float64, error) {
	best := map[string]map[string]float64{}
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		found := benchmarkLine.FindStringSubmatch(lines.Text())
		if found == nil {
			continue
		}
		name, fields := found[1], strings.Fields(found[2])
		if best[name] == nil {
			best[name] = map[string]float64{}
		}
		for i := 0; i+1 < len(fields); i += 2 {
			value, err := strconv.ParseFloat(fields[i], 64)
			if err != nil {
				return nil, fmt.Errorf("reading the Go benchmarks: %q: %w", lines.Text(), err)
			}
			if known, again := best[name][fields[i+1]]; !again || value < known {
				best[name][fields[i+1]] = value
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading the Go benchmarks: %w", err)
	}
	return best, nil
}
