package argocd

import (
	"context"
	"testing"
	"testing/synctest"
)

// TestQueue_OneProjectCannotHoldAllPlaces: with its applications waiting for
// ever, another project's is judged at once, and its own go on as places come
// back.
func TestQueue_OneProjectCannotHoldAllPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newQueue(4)
		var leave []func()
		entered := 0
		ctx, cancel := context.WithCancel(t.Context())
		for range 6 {
			go func() {
				if left, err := q.enter(ctx, "slow"); err == nil {
					entered++
					leave = append(leave, left)
				}
			}()
			synctest.Wait()
		}
		if entered != 2 {
			t.Errorf("one project holds %d of 4 places, want 2", entered)
		}
		for range 2 {
			left, err := q.enter(t.Context(), "other")
			check(t, err)
			defer left()
		}
		if judging(q) != 4 {
			t.Errorf("%d places are taken", judging(q))
		}
		leave[0]()
		synctest.Wait()
		if entered != 3 {
			t.Errorf("%d entered after a place came back, want 3", entered)
		}
		cancel()
		synctest.Wait()
		if len(q.waiting) != 0 {
			t.Errorf("%d still wait", len(q.waiting))
		}
	})
}

// TestQueue_PlaceThatComesWithTheDeadlineIsGivenBack.
func TestQueue_PlaceThatComesWithTheDeadlineIsGivenBack(t *testing.T) {
	q := newQueue(2)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for range 100 {
		if left, err := q.enter(ended, "a"); err == nil {
			left()
		}
	}
	if judging(q) != 0 || len(q.held) != 0 || len(q.waiting) != 0 {
		t.Errorf("%d places are lost: %v %v", judging(q), q.held, q.waiting)
	}
}

// judging is the number of places that are taken.
func judging(q *queue) int {
	taken, _ := q.counts()
	return taken
}
