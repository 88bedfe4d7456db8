package argocd

import (
	"context"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// TestSpace_WaitsForRoomUntilTheDeadline: what is given back goes to who waits;
// what nobody uses is removed first.
func TestSpace_WaitsForRoomUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := 1
		s := newSpace(100, func() bool { idle--; return idle >= 0 })
		check(t, s.take(80))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.await(short, 30); err == nil || !strings.Contains(err.Error(), errNoRoom.Error()) {
			t.Errorf("room that is not there was given: %v", err)
		}
		if idle != -1 && idle >= 0 {
			t.Error("what nobody uses was kept")
		}
		got := make(chan error, 1)
		go func() { got <- s.await(t.Context(), 30) }()
		synctest.Wait()
		s.give(80)
		check(t, <-got)
		if s.used != 30 {
			t.Errorf("%d bytes are used", s.used)
		}
	})
}

// TestSpace_IsGivenBack whatever becomes of a request.
func TestSpace_IsGivenBack(t *testing.T) {
	s := newScene(t, realJudge(t), func(o *Options) { o.Archive = ArchiveLimits{Files: 10, Bytes: 1 << 20} })
	wrong, broken := goodAsk(t), goodAsk(t)
	wrong.checksum = strings.Repeat("ab", 32)
	broken.archive = broken.archive[:len(broken.archive)-20]
	for _, each := range []ask{goodAsk(t), wrong, broken, goodAsk(t)} {
		_, _ = s.generate(t.Context(), each)
	}
	s.server.trees.close()
	if used := s.server.trees.space.used; used != 0 {
		t.Errorf("%d bytes are never given back", used)
	}
}

// TestSpace_ManyRepositoriesAtOnceStayWithinIt: each is answered, and what lies
// in the work folder is never more than the bound.
func TestSpace_ManyRepositoriesAtOnceStayWithinIt(t *testing.T) {
	s := newScene(t, realJudge(t), func(o *Options) { o.Archive = ArchiveLimits{Files: 4, Bytes: 64 << 10} })
	for i := range 12 {
		each := goodAsk(t)
		each.archive = pack(t, file("app/settings.yaml", settings), file("noise", strings.Repeat(string(rune('a'+i)), 40<<10)))
		if _, err := s.generate(t.Context(), each); err != nil {
			t.Fatal(err)
		}
		if space := s.server.trees.space; space.used > space.total {
			t.Errorf("%d of %d bytes are used", space.used, space.total)
		}
	}
}

// TestNoDisk_SaysTheSameEachTime and names no file that was made up.
func TestNoDisk_SaysTheSameEachTime(t *testing.T) {
	s := newScene(t, realJudge(t))
	check(t, os.Remove(s.work))
	defer func() { check(t, os.Mkdir(s.work, 0o700)) }()
	var said []string
	for range 2 {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		_, err := s.generate(ctx, goodAsk(t))
		cancel()
		if status.Code(err) != codes.Unavailable {
			t.Fatal(err)
		}
		said = append(said, messageOf(err))
	}
	if said[0] != said[1] || strings.Contains(said[0], s.work) {
		t.Errorf("%q, then %q", said[0], said[1])
	}
}
