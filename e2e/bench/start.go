package main

import (
	"context"
	"fmt"
	"strings"
)

const startHead = "| process | CPU, ms | memory, MiB | budget |\n|---|---|---|---|"

// startRuns is how often a process is started: each takes tens of milliseconds,
// of which the clock shows few.
const startRuns = 21

// startTable measures what a process costs before and beside its work.
func (b *bench) startTable(ctx context.Context) (string, error) {
	if err := b.write("one/configmap.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  a: b\n"); err != nil {
		return "", err
	}
	small := command{name: "assay check of one ConfigMap", argv: []string{b.assay, "check", b.dir + "/one", "--root", b.dir, "--namespace", "shop"}}
	lines := []string{startHead}
	for _, each := range []struct {
		command
		shown, budget string
		runs          int
	}{
		{command{name: "assay version", argv: []string{b.assay, "version"}}, "`assay version`", "60 ms", startRuns},
		{small, "`assay check` of one ConfigMap, default gate", "60 ms", startRuns},
		{b.check("w1/overlay"), "`assay check` of 110 objects and 20 images, kustomize", "100 MiB", b.runs},
		{b.check("w2"), "`assay check` of 110 objects and 20 images, Helm", "100 MiB", b.runs},
	} {
		var samples []sample
		for range each.runs {
			one, err := each.run(ctx)
			if err != nil {
				return "", err
			}
			samples = append(samples, one)
		}
		lines = append(lines, fmt.Sprintf("| %s | %.0f | %.0f | %s |", each.shown, median(samples, cpuOf)*1000, median(samples, memoryOf), each.budget))
	}
	return strings.Join(lines, "\n") + "\n", nil
}
