package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"
)

// command is one whole process (or chain of processes) to measure.
type command struct {
	name string
	// argv is run as it is; a chain is a script.
	argv []string
	// env is added to the environment.
	env []string
	// codes are the exit codes that count as done; the others fail the
	// benchmark, so that a broken run is never a fast one.
	codes []int
}

// sample is what one run cost. CPU is of the whole process tree that was
// waited for; memory is the largest single process.
type sample struct {
	wall, cpu time.Duration
	memory    int64 // bytes
}

func (c command) run(ctx context.Context) (sample, error) {
	process := exec.CommandContext(ctx, c.argv[0], c.argv[1:]...)
	process.Env = append(os.Environ(), c.env...)
	start := time.Now()
	output, err := process.CombinedOutput()
	wall := time.Since(start)
	state := process.ProcessState
	if state == nil {
		return sample{}, fmt.Errorf("running %s: %w", c.name, err)
	}
	if code := state.ExitCode(); code != 0 && !slices.Contains(c.codes, code) {
		return sample{}, fmt.Errorf("running %s: exit code %d\n%s", c.name, code, tail(output))
	}
	usage, ok := state.SysUsage().(*syscall.Rusage)
	if !ok {
		return sample{}, fmt.Errorf("running %s: no resource usage on this system", c.name)
	}
	return sample{wall: wall, cpu: state.UserTime() + state.SystemTime(), memory: usage.Maxrss * 1024}, nil
}

func tail(output []byte) string {
	const keep = 2000
	if len(output) > keep {
		output = output[len(output)-keep:]
	}
	return string(output)
}

// comparison is two commands run in turn, A B A B, after one run of each that
// does not count.
type comparison struct {
	a, b []sample
}

func compare(ctx context.Context, a, b command, runs int) (comparison, error) {
	var result comparison
	for i := range runs + 1 {
		first, err := a.run(ctx)
		if err != nil {
			return result, err
		}
		second, err := b.run(ctx)
		if err != nil {
			return result, err
		}
		if i > 0 {
			result.a, result.b = append(result.a, first), append(result.b, second)
		}
	}
	return result, nil
}

// ratio is the median over the pairs of A's figure through B's.
func (c comparison) ratio(figure func(sample) float64) float64 {
	ratios := make([]float64, len(c.a))
	for i := range c.a {
		ratios[i] = figure(c.a[i]) / figure(c.b[i])
	}
	slices.Sort(ratios)
	return ratios[len(ratios)/2]
}

// median is the middle of one command's figures.
func median(samples []sample, figure func(sample) float64) float64 {
	figures := make([]float64, len(samples))
	for i := range samples {
		figures[i] = figure(samples[i])
	}
	slices.Sort(figures)
	return figures[len(figures)/2]
}

func wallOf(s sample) float64   { return s.wall.Seconds() }
func cpuOf(s sample) float64    { return s.cpu.Seconds() }
func memoryOf(s sample) float64 { return float64(s.memory) / (1 << 20) }
