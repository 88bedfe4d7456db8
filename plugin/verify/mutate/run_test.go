package mutate

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fate is what became of a mutant.
type fate int

const (
	unknown fate = iota
	killed
	survived
	// hung mutants were ended by the deadline: noticed, in a way.
	hung
)

// subject is the package whose tests are tested.
type subject struct {
	folder, packageName string
	// deadline ends the run of one mutant.
	deadline time.Duration
	workers  int
	// progress is told how many of how many mutants were run.
	progress func(done, all int)
}

// outcome is the result for one mutant.
type outcome struct {
	mutant
	fate fate
}

// measure runs the subject's tests against each of its mutants. The error is
// set when there is no answer: the woven package does not compile, or its tests
// are red without a mutant.
func measure(ctx context.Context, scratch string, of subject) ([]outcome, error) {
	mutants, woven, err := weave(of.folder)
	if err != nil {
		return nil, err
	}
	description, err := overlay(scratch, of.folder, of.packageName, woven)
	if err != nil {
		return nil, err
	}
	binary := filepath.Join(scratch, "woven.test")
	build := exec.CommandContext(ctx, "go", "test", "-c", "-vet=off", "-overlay", description, "-o", binary, ".")
	build.Dir = of.folder
	if output, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("building the woven package: %w\n%s", err, output)
	}
	untouched, output, err := run(ctx, binary, of, 0)
	if err != nil || untouched != survived {
		return nil, fmt.Errorf("running the tests without a mutant: they must be green: %w\n%s", errors.Join(errors.New("they are not"), err), output)
	}
	return runAll(ctx, binary, of, mutants)
}

func runAll(ctx context.Context, binary string, of subject, mutants []mutant) ([]outcome, error) {
	outcomes, problems := make([]outcome, len(mutants)), make([]error, len(mutants))
	var group sync.WaitGroup
	next := make(chan int)
	for range of.workers {
		group.Go(func() {
			for i := range next {
				outcomes[i].mutant = mutants[i]
				outcomes[i].fate, _, problems[i] = run(ctx, binary, of, mutants[i].id)
			}
		})
	}
	for i := range mutants {
		of.progress(i, len(mutants))
		next <- i
	}
	close(next)
	group.Wait()
	return outcomes, errors.Join(problems...)
}

// run executes the tests with one mutant. Red tests, a panic and a fatal error
// kill it; an end that nobody can explain is an error.
func run(ctx context.Context, binary string, of subject, id int) (fate, string, error) {
	ctx, cancel := context.WithTimeout(ctx, of.deadline)
	defer cancel()
	command := exec.CommandContext(ctx, binary, "-test.failfast", "-test.timeout=0")
	command.Dir = of.folder
	command.Env = append(os.Environ(), fmt.Sprintf("%s=%d", activeVariable, id))
	var output bytes.Buffer
	command.Stdout, command.Stderr = &output, &output
	err := command.Run()
	text := output.String()
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return hung, text, nil
	case err == nil && strings.Contains(text, "PASS"):
		return survived, text, nil
	case err != nil && (strings.Contains(text, "--- FAIL") || strings.Contains(text, "panic:") || strings.Contains(text, "fatal error:")):
		return killed, text, nil
	}
	return unknown, text, fmt.Errorf("running mutant %d: the tests ended without a result: %w", id, errors.Join(err, errors.New(text)))
}
