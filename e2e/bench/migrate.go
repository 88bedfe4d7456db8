package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"strings"
)

const migrateHead = "| moving 100 Applications | against | wall | CPU | memory, MiB | renderings | budget |\n|---|---|---|---|---|---|---|"

// migrateTable measures `assay migrate` of a hundred Applications, five of them
// charts: each is rendered both ways for the proof, and once more for what is
// added. The peer renders each twice, by a process of kustomize or Helm.
func (b *bench) migrateTable(ctx context.Context) (string, error) {
	p, err := b.repositoryOf(ctx, 100)
	if err != nil {
		return "", err
	}
	moving := command{name: "assay migrate", argv: []string{b.assay, "migrate", p.dir + "/argocd", "--root", p.dir, "--branch", "main"}}
	renderings, err := b.moved(ctx, p)
	if err != nil {
		return "", err
	}
	peers, name, found := b.buildEach(p)
	if !found {
		one, err := moving.run(ctx)
		if err != nil {
			return "", err
		}
		return fmt.Sprintf("%s\n| all are proven |  | %.2f s | %.2f s | %.0f | %d | 60 s |\n", migrateHead, wallOf(one), cpuOf(one), memoryOf(one), renderings), nil
	}
	result, err := compare(ctx, moving, peers, max(1, b.runs/2))
	if err != nil {
		return "", err
	}
	lines := []string{
		migrateHead,
		fmt.Sprintf("| all are proven |  | %.2f s | %.2f s | %.0f | %d | 60 s |", median(result.a, wallOf), median(result.a, cpuOf), median(result.a, memoryOf), renderings),
		fmt.Sprintf("| the same | %s | %.2f | %.2f | %.0f / %.0f |  | 1 |", name, result.ratio(wallOf), result.ratio(cpuOf), median(result.a, memoryOf), median(result.b, memoryOf)),
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// moved counts the renderings of the proof, and sees to it that all were proven.
func (b *bench) moved(ctx context.Context, p previewed) (int, error) {
	report := exec.CommandContext(ctx, b.assay, "migrate", p.dir+"/argocd", "--root", p.dir, "--branch", "main", "--output", "json")
	report.Stderr = os.Stderr
	out, err := report.Output()
	if err != nil {
		return 0, fmt.Errorf("moving %d Applications: %w", p.applications, err)
	}
	var counted struct {
		Counts struct{ Proven, Writable, Renderings int }
	}
	if err := json.Unmarshal(out, &counted); err != nil {
		return 0, fmt.Errorf("reading the report of assay migrate: %w", err)
	}
	if counted.Counts.Proven != p.applications || counted.Counts.Writable != p.applications {
		return 0, fmt.Errorf("of %d Applications %d are proven, and %d may be written", p.applications, counted.Counts.Proven, counted.Counts.Writable)
	}
	return counted.Counts.Renderings, nil
}
