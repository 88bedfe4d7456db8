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

	"github.com/assay-gitops/assay/plugin"
)

// TestSpace_WaitsForRoomUntilTheDeadline: what is given back goes to who waits;
// what nobody uses is removed first.
func TestSpace_WaitsForRoomUntilTheDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idle := 1
		s := newSpace(66, func() bool { idle--; return idle >= 0 })
		check(t, s.take("a", 60))
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := s.await(short, "b", 50); err == nil || !strings.Contains(err.Error(), errNoRoom.Error()) {
			t.Errorf("room that is not there was given: %v", err)
		}
		if idle != -1 && idle >= 0 {
			t.Error("what nobody uses was kept")
		}
		got := make(chan error, 1)
		go func() { got <- s.await(t.Context(), "b", 50) }()
		synctest.Wait()
		s.give("a", 60)
		check(t, <-got)
		if s.used != 50 {
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

// holds judges at once, but for one project, whose applications end with the
// test or when they are let go.
func holds(project string, letGo <-chan struct{}) judgeFunc {
	return func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		if source.Application.Project == project {
			select {
			case <-letGo:
			case <-ctx.Done():
			}
		}
		return &plugin.Verdict{Application: source.Application, Findings: []plugin.Finding{{Rule: "x/y", Level: plugin.Deny, Message: "judged"}}}
	}
}

// large is an archive that is small until it is unpacked.
func large(t *testing.T, project, content string) ask {
	t.Helper()
	a := goodAsk(t)
	a.archive = pack(t, file("app/settings.yaml", settings), file("noise", strings.Repeat(content, 40<<10)))
	for i := range a.env {
		if strings.HasPrefix(a.env[i], "ARGOCD_APP_PROJECT_NAME=") {
			a.env[i] = "ARGOCD_APP_PROJECT_NAME=" + project
		}
	}
	return a
}

func smallArchives(o *Options) { o.Archive = ArchiveLimits{Files: 4, Bytes: 64 << 10} }

// fill lets a project's applications take all the room that it gets.
func (s *scene) fill(ctx context.Context, t *testing.T, project string) {
	t.Helper()
	for i := range 4 {
		each := large(t, project, string(rune('a'+i)))
		go func() { _, _ = s.generate(ctx, each) }()
	}
	for judging(s.server.queue) < 2 && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// TestSpace_OneProjectLeavesRoomForOthers: repositories that are small until
// they are unpacked, and are rendered for long, hold up their own project.
func TestSpace_OneProjectLeavesRoomForOthers(t *testing.T) {
	s := newScene(t, holds("evil", nil), smallArchives)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.fill(ctx, t, "evil")
	short, stop := context.WithTimeout(ctx, 10*time.Second)
	defer stop()
	if _, err := s.generate(short, large(t, "good", "x")); status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), "judged") {
		t.Errorf("the other project's application was not judged: %v", err)
	}
}

// TestSpace_UnpackingWaitsForRoom within the deadline, as it is no use to tell
// Argo CD of it.
func TestSpace_UnpackingWaitsForRoom(t *testing.T) {
	letGo := make(chan struct{})
	s := newScene(t, holds("evil", letGo), smallArchives)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	s.fill(ctx, t, "evil")
	time.AfterFunc(300*time.Millisecond, func() { close(letGo) })
	if _, err := s.generate(ctx, large(t, "evil", "x")); status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), "judged") {
		t.Errorf("room that came was not used: %v", err)
	}
}

// TestTrees_OneProjectCannotHoldAllUnpacking.
func TestTrees_OneProjectCannotHoldAllUnpacking(t *testing.T) {
	s := newScene(t, holds("", nil))
	for range s.server.trees.turns.most {
		leave, err := s.server.trees.turns.enter(t.Context(), "evil")
		check(t, err)
		defer leave()
	}
	for project, want := range map[string]codes.Code{"evil": codes.Unavailable, "good": codes.FailedPrecondition} {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		_, err := s.generate(ctx, large(t, project, project))
		cancel()
		if status.Code(err) != want {
			t.Errorf("%s: %v", project, err)
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
