package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const hardenHead = "| hardening 1,000 objects | CPU, ms | against writing them | allocations an object | budget |\n|---|---|---|---|---|"

// hardenTable runs the Go benchmark of hardening on one processor. What writing
// the same objects costs, which every run pays, is what it is compared with.
func hardenTable(ctx context.Context) (string, error) {
	command := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "Harden", "-benchmem", "-count", "5", "./plugin/harden")
	command.Env, command.Stderr = append(os.Environ(), "GOMAXPROCS=1"), os.Stderr
	results, err := command.Output()
	if err != nil {
		return "", fmt.Errorf("measuring hardening: %w\n%s", err, results)
	}
	best, err := readBenchmarks(bytes.NewReader(results))
	if err != nil {
		return "", err
	}
	return hardenRows(best)
}

func hardenRows(best map[string]map[string]float64) (string, error) {
	const objects, milliseconds = 1000, "cpu-ms/op"
	lines := []string{hardenHead}
	for _, row := range []struct{ what, benchmark string }{
		{"by a profile", "Harden/Profile"}, {"with all that `spec.harden` can ask for", "Harden/Everything"},
	} {
		a, b := best[row.benchmark], best["Harden/Encode"]
		if a[milliseconds] == 0 || b[milliseconds] == 0 {
			return "", fmt.Errorf("reading the Go benchmarks: %s or Harden/Encode has no CPU", row.benchmark)
		}
		lines = append(lines, fmt.Sprintf("| %s | %.0f | %.1f | %.0f | 50 ms |",
			row.what, a[milliseconds], a[milliseconds]/b[milliseconds], a["allocs/op"]/objects))
	}
	return strings.Join(lines, "\n") + "\n", nil
}
