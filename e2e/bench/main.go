// Command bench measures assay as a whole process against the library calls
// alone and against chains of the tools that people use today, run in turn,
// and prints a table of ratios for docs/benchmarks.md.
//
//	go run ./e2e/bench -assay bin/assay          what is on PATH is compared
//	go run ./e2e/bench -only harden              one table, of a Go benchmark that it runs itself
//	go run ./e2e/bench -only flux                the controller for Flux, beside an API server (make bench-flux)
//	go run ./e2e/bench -serve                    keep the workload up, and print the command to profile (-only diff: of a preview)
//	e2e/bench/peers .cache/peers                 build the peers that can be had
//
// Machines differ and are shared: trust the ratios and the counts, not the
// seconds.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"sigs.k8s.io/kustomize/api/krusty"
	"sigs.k8s.io/kustomize/api/resmap"
	"sigs.k8s.io/kustomize/kyaml/filesys"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if len(os.Args) == 3 && os.Args[1] == "kustomize-library" {
		exitOn(kustomizeLibrary(os.Args[2]))
		return
	}
	var o options
	flag.StringVar(&o.assay, "assay", "bin/assay", "the assay binary")
	flag.IntVar(&o.runs, "runs", 5, "pairs of runs that count")
	flag.StringVar(&o.out, "out", "", "write the tables to this file between its markers, besides standard output")
	flag.BoolVar(&o.serve, "serve", false, "measure nothing: keep the applications and their registry up until interrupted")
	flag.StringVar(&o.only, "only", "", "measure one table alone: bench, evidence, judge, diff, migrate, door, harden or flux; without it all but the last, which needs the servers of e2e/servers")
	gobench := flag.String("gobench", "", "measure nothing: compare the results of Go benchmarks in this `file`")
	flag.Parse()
	if *gobench != "" {
		exitOn(compareGo(*gobench, o.out))
		return
	}
	if o.only == "flux" {
		os.Exit(measureFlux(ctx, o))
	}
	exitOn(measure(ctx, o))
}

// compareGo prints the table of the Go benchmarks.
func compareGo(path, out string) error {
	results, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading the Go benchmarks: %w", err)
	}
	defer results.Close()
	table, err := goTable(results)
	if err != nil {
		return err
	}
	fmt.Print(table)
	if out == "" {
		return nil
	}
	return replaceBetween(out, "<!-- gobench -->", "<!-- /gobench -->", table)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// kustomizeLibrary is the library call alone, as a process: build and print.
func kustomizeLibrary(dir string) error {
	resources, err := kustomizeBuild(dir)
	if err != nil {
		return err
	}
	text, err := resources.AsYaml()
	if err != nil {
		return err
	}
	_, err = os.Stdout.Write(text)
	return err
}

// kustomizeBuild is the library call alone.
func kustomizeBuild(dir string) (resmap.ResMap, error) {
	return krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), dir)
}

type options struct {
	assay string
	runs  int
	out   string
	serve bool
	// only is the one table that is measured; empty means all.
	only string
}

// row is one line of a table: what was compared and the ratios.
type row struct {
	what, against    string
	wall, cpu        float64
	memory, requests string
	budget           string
}

func (r row) String() string {
	return fmt.Sprintf("| %s | %s | %.2f | %.2f | %s | %s | %s |", r.what, r.against, r.wall, r.cpu, r.memory, r.requests, r.budget)
}

const tableHead = "| what | against | wall | CPU | memory, MiB | requests | budget |\n|---|---|---|---|---|---|---|"

func measure(ctx context.Context, o options) error {
	if o.only == "harden" { // needs neither the binary nor a registry
		return o.writeTables(ctx, []table{{o.only, hardenTable}})
	}
	assay, err := filepath.Abs(o.assay)
	if err != nil {
		return err
	}
	if _, err := os.Stat(assay); err != nil {
		return fmt.Errorf("finding the assay binary: %w; build it with 'make build'", err)
	}
	o.assay = assay
	dir, err := os.MkdirTemp("", "assay-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b, err := prepare(ctx, o, dir)
	if err != nil {
		return err
	}
	defer b.close()
	if o.serve {
		profiled := b.check("w1/overlay")
		if o.only == "diff" {
			made, err := b.repositoryOf(ctx, 200)
			if err != nil {
				return err
			}
			profiled = b.diff(made, warm)
		}
		fmt.Printf("%s %q\n", strings.Join(profiled.env, " "), profiled.argv)
		<-ctx.Done()
		return nil
	}
	return o.writeTables(ctx, []table{{"bench", b.tables}, {"evidence", b.evidenceTable}, {"judge", b.judgeTable}, {"diff", b.diffTable}, {"migrate", b.migrateTable}, {"door", b.doorTable}, {"harden", hardenTable}})
}

// table is one table of docs/benchmarks.md, by its markers.
type table struct {
	name    string
	measure func(context.Context) (string, error)
}

// writeTables measures the tables that were asked for, and writes each when it is
// known.
func (o options) writeTables(ctx context.Context, tables []table) error {
	for _, table := range tables {
		if o.only != "" && o.only != table.name {
			continue
		}
		text, err := table.measure(ctx)
		if err != nil {
			return err
		}
		fmt.Print("\n" + text)
		if o.out == "" {
			continue
		}
		if err := replaceBetween(o.out, "<!-- "+table.name+" -->", "<!-- /"+table.name+" -->", text); err != nil {
			return err
		}
	}
	return nil
}

// tables prints the rows as they come, and returns all of them.
func (b *bench) tables(ctx context.Context) (string, error) {
	start, err := b.startTable(ctx)
	if err != nil {
		return "", err
	}
	fmt.Print(start + "\n" + tableHead + "\n")
	table := []string{tableHead}
	for _, scenario := range b.scenarios() {
		row, err := scenario(ctx)
		if err != nil {
			return "", err
		}
		if row == nil {
			continue
		}
		fmt.Println(row)
		table = append(table, row.String())
	}
	return start + "\n" + strings.Join(table, "\n") + "\n", nil
}

// replaceBetween puts text between two markers of a file.
func replaceBetween(path, begin, end, text string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("writing the tables: %w", err)
	}
	before, rest, found := strings.Cut(string(data), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("writing the tables: %s has no %s ... %s", path, begin, end)
	}
	return os.WriteFile(path, []byte(before+begin+"\n"+text+end+after), 0o644)
}

// delays are what every request to the registry is held back.
var delays = []time.Duration{0, 20 * time.Millisecond}
