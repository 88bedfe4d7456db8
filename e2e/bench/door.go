package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

const doorHead = "| the door for Argo CD | figure | budget |\n|---|---|---|"

// doorTable measures assay serve on its socket, with the application of 110
// objects and 20 images that a repo-server would send.
func (b *bench) doorTable(ctx context.Context) (string, error) {
	lines := []string{doorHead}
	for _, rows := range [][]func(*door, context.Context) (string, error){
		{(*door).throttled}, // cold: a server of its own
		{(*door).warm, (*door).memory, (*door).crowd},
	} {
		measured, err := b.behindDoor(ctx, rows)
		if err != nil {
			return "", err
		}
		lines = append(lines, measured...)
	}
	return strings.Join(lines, "\n") + "\n", nil
}

// behindDoor measures one server, from its start to its end.
func (b *bench) behindDoor(ctx context.Context, rows []func(*door, context.Context) (string, error)) ([]string, error) {
	d, err := b.openDoor(ctx)
	if err != nil {
		return nil, err
	}
	defer d.close()
	var lines []string
	for _, row := range rows {
		line, err := row(d, ctx)
		if err != nil {
			return nil, fmt.Errorf("%w\n%s", err, tail(d.log.Bytes()))
		}
		lines = append(lines, line)
	}
	return lines, nil
}

// doorRuns is how often each way is asked.
const doorRuns = 25

// warm compares the socket with assay generate, a process for each request,
// and with the library's rendering alone.
func (d *door) warm(ctx context.Context) (string, error) {
	forked := command{
		name: "assay generate", argv: []string{"bash", "-c", `cd "$TREE" && exec "$ASSAY" generate --gate "$GATE"`},
		env: append(environment("shop"), "TREE="+filepath.Join(d.dir, "w1", "overlay"), "ASSAY="+d.assay, "GATE="+d.gate),
	}
	taken, err := d.inTurn(
		func() error { return d.generate(ctx, "shop") },
		func() error { _, err := forked.run(ctx); return err },
		func() error { _, err := kustomizeBuild(filepath.Join(d.dir, "w1", "overlay")); return err },
	)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| 110 objects and 20 images through the socket, warm, against `assay generate` | %.2f (%.0f ms) | 0.2 |\n"+
		"| the same, against kustomize's library alone (build) | %+.0f ms | +10 ms |", taken[0]/taken[1], taken[0]*1000, (taken[0]-taken[2])*1000), nil
}

// inTurn runs each way, one after the other, and returns the median of each in
// seconds. The first run of each is not counted.
func (d *door) inTurn(ways ...func() error) ([]float64, error) {
	taken := make([][]float64, len(ways))
	for range doorRuns + 1 {
		for i, way := range ways {
			begun := time.Now()
			if err := way(); err != nil {
				return nil, err
			}
			taken[i] = append(taken[i], time.Since(begun).Seconds())
		}
	}
	medians := make([]float64, len(ways))
	for i, each := range taken {
		each = each[1:]
		slices.Sort(each)
		medians[i] = each[doorRuns/2]
	}
	return medians, nil
}

// throttled asks for 200 applications that were never judged, of a registry
// that allows 100 requests a minute, again after each answer that says to try
// again, as Argo CD does at its next refresh.
func (d *door) throttled(ctx context.Context) (string, error) {
	const applications, perMinute = 200, 100
	d.registry.SetFault(throttle(perMinute))
	defer d.registry.SetFault(nil)
	begun := time.Now()
	var group errgroup.Group
	var again atomic.Int64
	for i := range applications {
		group.Go(func() error {
			for {
				err := d.generate(ctx, fmt.Sprintf("cold-%d", i))
				if status.Code(err) != codes.Unavailable && status.Code(err) != codes.DeadlineExceeded {
					return err
				}
				again.Add(1)
			}
		})
	}
	if err := group.Wait(); err != nil {
		return "", err
	}
	took := time.Since(begun)
	held, err := d.resting()
	return fmt.Sprintf("| %d cold applications of 20 images, a registry that allows %d requests a minute: all are allowed, after %d answers to try again | %.1f minutes | 10 minutes |\n"+
		"| memory of the server and one worker after them (PSS) | %d MiB |  |", applications, perMinute, again.Load(), took.Minutes(), held>>20), err
}

// throttle answers 429 beyond a number of requests in each minute.
func throttle(perMinute int) func(*http.Request) *ociserver.Fault {
	var mu sync.Mutex
	begun, count := time.Now(), 0
	return func(*http.Request) *ociserver.Fault {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(begun) > time.Minute {
			begun, count = time.Now(), 0
		}
		if count++; count <= perMinute {
			return nil
		}
		left := int(time.Until(begun.Add(time.Minute)).Seconds()) + 1
		return &ociserver.Fault{Status: http.StatusTooManyRequests, Header: http.Header{"Retry-After": {strconv.Itoa(left)}}}
	}
}

// memory is that of the server and one of its idle workers.
func (d *door) memory(context.Context) (string, error) {
	total, err := d.resting()
	return fmt.Sprintf("| memory of the idle server and one worker (PSS) | %d MiB | 114 MiB (120 MB) |", total>>20), err
}

func (d *door) resting() (int64, error) {
	server, workers, err := d.processes()
	if err != nil {
		return 0, err
	}
	if len(workers) == 0 {
		return 0, errors.New("looking at the server's memory: it has no worker")
	}
	of, err := readMemory(server, "smaps_rollup", "Pss:")
	if err != nil {
		return 0, err
	}
	one, err := readMemory(workers[0], "smaps_rollup", "Pss:")
	return of + one, err
}

// crowd compares the peak of 50 applications at once with that of 5.
func (d *door) crowd(ctx context.Context) (string, error) {
	few, err := d.peak(ctx, "few", 5)
	if err != nil {
		return "", err
	}
	many, err := d.peak(ctx, "many", 50)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| peak memory with 50 applications at once, against 5 | %.2f (%d MiB) | 2 |", float64(many)/float64(few), many>>20), nil
}

// peak asks for a number of applications at once, and adds up the greatest
// memory of the server and of its workers.
func (d *door) peak(ctx context.Context, name string, count int) (int64, error) {
	server, workers, err := d.processes()
	if err != nil {
		return 0, err
	}
	for _, pid := range append(workers, server) {
		if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil { // forget the peak
			return 0, err
		}
	}
	var group errgroup.Group
	for i := range count {
		group.Go(func() error { return d.generate(ctx, fmt.Sprintf("%s-%d", name, i)) })
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	var total int64
	for _, pid := range append(workers, server) {
		one, err := readMemory(pid, "status", "VmHWM:")
		if err != nil {
			return 0, err
		}
		total += one
	}
	return total, nil
}
