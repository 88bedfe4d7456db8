package render

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

// waits puts one in line and returns when it stands there.
func (l *line) waits(ctx context.Context, t *testing.T, project string, served func(*process, error)) {
	t.Helper()
	l.mu.Lock()
	before := len(l.waiting)
	l.mu.Unlock()
	go func() { served(l.take(ctx, project)) }()
	for {
		l.mu.Lock()
		now := len(l.waiting)
		l.mu.Unlock()
		if now > before {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

func TestLine_WhoHoldsNoProcessGoesFirst(t *testing.T) {
	for name, test := range map[string]struct {
		holders, waiters []string
		want             string
	}{
		"another project":           {[]string{"a", "a"}, []string{"a", "a", "b"}, "b a a"},
		"fewest first":              {[]string{"a", "a", "b"}, []string{"a", "b", "c"}, "c b a"},
		"in turn among equals":      {[]string{"a", "b"}, []string{"b", "a"}, "b a"},
		"a project alone":           {[]string{"a"}, []string{"a", "a"}, "a a"},
		"none is lost to a torrent": {[]string{"a", "a"}, []string{"a", "b", "a", "b", "c"}, "b c b a a"},
	} {
		t.Run(name, func(t *testing.T) {
			line := newLine()
			for _, project := range test.holders {
				line.put(nil)
				if _, err := line.take(t.Context(), project); err != nil {
					t.Fatal(err)
				}
			}
			served := make(chan string)
			for _, project := range test.waiters {
				line.waits(t.Context(), t, project, func(*process, error) { served <- project })
			}
			var order []string
			for range test.waiters {
				line.put(nil)
				order = append(order, <-served)
			}
			if got := strings.Join(order, " "); got != test.want {
				t.Errorf("served %s, want %s", got, test.want)
			}
		})
	}
}

func TestLine_WhoLeavesHoldsNothing(t *testing.T) {
	line := newLine()
	ctx, cancel := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	line.waits(ctx, t, "a", func(_ *process, err error) { gone <- err })
	cancel()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	line.put(nil)
	if _, err := line.take(t.Context(), "b"); err != nil {
		t.Errorf("the twin that stays: %v", err)
	}
	line.leave("b")
	if len(line.held) != 0 || len(line.waiting) != 0 || len(line.idle) != 0 {
		t.Errorf("left behind: %v %v %v", line.held, line.waiting, line.idle)
	}
}

// The process that comes while its waiter gives up goes to the next one.
func TestLine_ProcessOfOneWhoGaveUpIsNotLost(t *testing.T) {
	line := newLine()
	own := &inLine{project: "a", turn: make(chan handed, 1)}
	line.waiting = append(line.waiting, own)
	line.put(nil)
	line.forget(own)
	if len(line.held) != 0 || len(line.idle) != 1 {
		t.Errorf("held %v, idle %d", line.held, len(line.idle))
	}
}

func TestLine_ClosedSendsEverybodyAway(t *testing.T) {
	line := newLine()
	gone := make(chan error, 1)
	line.waits(t.Context(), t, "a", func(_ *process, err error) { gone <- err })
	line.close()
	line.close()
	_, late := line.take(t.Context(), "a")
	if err := <-gone; !errors.Is(err, errClosed) || !errors.Is(late, errClosed) {
		t.Errorf("got %v and %v", err, late)
	}
	line.put(nil)
	if len(line.idle) != 0 {
		t.Error("a process stays behind the end")
	}
}
