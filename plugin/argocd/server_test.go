package argocd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/emptypb"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
	"github.com/assay-gitops/assay/plugin/render"
)

// TestServe_AllowedApplicationGetsItsManifests: an object a string, and the
// tree is kept for the next application of the commit.
func TestServe_AllowedApplicationGetsItsManifests(t *testing.T) {
	s := newScene(t, realJudge(t))
	for range 2 {
		manifests, err := s.generate(t.Context(), goodAsk(t))
		check(t, err)
		if len(manifests) != 1 || !strings.Contains(manifests[0], `"settings"`) {
			t.Fatal(manifests)
		}
	}
	if hits, misses := s.server.trees.counts(); hits != 1 || misses != 1 {
		t.Errorf("unpacked %d times, found unpacked %d times", misses, hits)
	}
	if len(s.left(t)) != 1 {
		t.Errorf("beside the tree: %v", s.left(t))
	}
}

// TestServe_DeniedApplicationGetsOneMessage and no manifest; the log has the
// whole report under the same id.
func TestServe_DeniedApplicationGetsOneMessage(t *testing.T) {
	s := newScene(t, realJudge(t))
	bad := goodAsk(t)
	bad.archive = pack(t, file("app/s.yaml", "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\nstringData: {password: hunter2}\n"))
	manifests, err := s.generate(t.Context(), bad)
	if status.Code(err) != codes.FailedPrecondition || len(manifests) != 0 {
		t.Fatal(manifests, err)
	}
	message := messageOf(err)
	first, rest, _ := strings.Cut(message, "\n")
	for _, want := range []string{"assay denied shop: 1 problem: secret/shop/s stringData (app/s.yaml:1): ", "; fix: ", "(secret/plaintext)"} {
		if !strings.Contains(first, want) {
			t.Errorf("the first line lacks %q: %s", want, first)
		}
	}
	_, id, found := strings.Cut(rest, "report=")
	if !found || !strings.Contains(s.log.String(), `"report":"`+id+`"`) || !strings.Contains(s.log.String(), "assay.dev/report/v1") {
		t.Errorf("the log has no report %q:\n%s", id, s.log)
	}
	if strings.Contains(s.log.String()+message, "hunter2") {
		t.Error("a secret is told")
	}
}

// TestServe_TellsWhatIsRefusedAtTheDoorToo: a policy report that said "pass"
// must not stay.
func TestServe_TellsWhatIsRefusedAtTheDoorToo(t *testing.T) {
	told := make(chan *plugin.Verdict, 2)
	s := newScene(t, realJudge(t), func(o *Options) { o.Told = func(v *plugin.Verdict) { told <- v } })
	_, err := s.generate(t.Context(), goodAsk(t))
	check(t, err)
	bad := goodAsk(t)
	bad.env = goodEnv("ARGOCD_APP_PARAMETERS=[]")
	_, err = s.generate(t.Context(), bad)
	if status.Code(err) != codes.FailedPrecondition || len(told) != 2 {
		t.Fatal(err, len(told))
	}
	if first, second := <-told, <-told; first.Outcome() != plugin.Allowed || second.Outcome() != plugin.Denied {
		t.Error(first.Outcome(), second.Outcome())
	}
}

// TestServe_TakesLargeMessages: Argo CD's bound of a message is 100 MB, gRPC's
// own 4 MiB, in both directions.
func TestServe_TakesLargeMessages(t *testing.T) {
	s := newScene(t, realJudge(t))
	var objects []string
	for i := range 10 {
		objects = append(objects, strings.NewReplacer("settings", "settings-"+string(rune('a'+i)), "a: b", "a: "+strings.Repeat("x", 500<<10)).Replace(settings))
	}
	noise := make([]byte, 5<<20)
	_, err := rand.NewChaCha8([32]byte{}).Read(noise)
	check(t, err)
	large := goodAsk(t)
	large.archive = pack(t, file("app/settings.yaml", strings.Join(objects, "---\n")), file("noise", string(noise)))
	large.sends = func(stream protocol.ConfigManagementPluginService_GenerateManifestClient) {
		_ = stream.Send(large.metadata())
		_ = stream.Send(chunkOf(large.archive))
	}
	sum := sha256.Sum256(large.archive)
	large.checksum = hex.EncodeToString(sum[:])
	if manifests, err := s.generate(t.Context(), large); err != nil || len(manifests) != len(objects) {
		t.Errorf("%d manifests, %v", len(manifests), err)
	}
}

// TestServe_IsUsedByNameOnly: Argo CD is told that it need not guess.
func TestServe_IsUsedByNameOnly(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	configuration, err := s.client.CheckPluginConfiguration(t.Context(), &emptypb.Empty{})
	check(t, err)
	if configuration.GetIsDiscoveryConfigured() || configuration.GetProvideGitCreds() {
		t.Error(configuration)
	}
	stream, err := s.client.MatchRepository(t.Context())
	check(t, err)
	check(t, stream.Send(goodAsk(t).metadata()))
	matched, err := stream.CloseAndRecv()
	check(t, err)
	if matched.GetIsSupported() || matched.GetIsDiscoveryEnabled() {
		t.Error(matched)
	}
}

func TestServe_AnnouncesItsParameters(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	stream, err := s.client.GetParametersAnnouncement(t.Context())
	check(t, err)
	check(t, stream.Send(goodAsk(t).metadata()))
	announced, err := stream.CloseAndRecv()
	check(t, err)
	if got := announced.GetParameterAnnouncements(); len(got) != len(render.ArgoParameters()) || got[0].GetName() != "helm-value-files" || got[0].GetCollectionType() != "array" {
		t.Error(got)
	}
}

// TestServe_PanicIsADenial and the server goes on.
func TestServe_PanicIsADenial(t *testing.T) {
	s := newScene(t, judgeFunc(func(context.Context, plugin.Source) *plugin.Verdict { panic("a defect") }))
	for range 2 {
		_, err := s.generate(t.Context(), goodAsk(t))
		if status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), "internal error of assay") || strings.Contains(messageOf(err), "goroutine") {
			t.Fatal(err)
		}
	}
	if log := s.log.String(); !strings.Contains(log, "a defect") || !strings.Contains(log, "goroutine") || strings.Count(log, `"msg":"judged"`) != 2 {
		t.Errorf("the log does not say what happened: %s", log)
	}
}

// TestServe_ZeroVerdictAndNilVerdictDeny: no judge can say yes by saying
// nothing.
func TestServe_ZeroVerdictAndNilVerdictDeny(t *testing.T) {
	for _, verdict := range []*plugin.Verdict{{}, nil} {
		s := newScene(t, judgeFunc(func(context.Context, plugin.Source) *plugin.Verdict { return verdict }))
		if manifests, err := s.generate(t.Context(), goodAsk(t)); status.Code(err) != codes.FailedPrecondition || manifests != nil {
			t.Error(manifests, err)
		}
	}
}

// TestServe_NoAnswerIsAskedAgainWithinTheDeadline and told as transient when
// the time is over.
func TestServe_NoAnswerIsAskedAgainWithinTheDeadline(t *testing.T) {
	var asked atomic.Int64
	real := realJudge(t)
	s := newScene(t, judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		if asked.Add(1) == 1 {
			return says(plugin.Undetermined, "resolve/error", "the registry throttles")(ctx, source)
		}
		return real.Judge(ctx, source)
	}))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if manifests, err := s.generate(ctx, goodAsk(t)); err != nil || len(manifests) != 1 || asked.Load() != 2 {
		t.Fatal(manifests, err, asked.Load())
	}
}

func TestServe_NoAnswerInTimeIsTransient(t *testing.T) {
	s := newScene(t, says(plugin.Undetermined, "resolve/error", "the registry throttles"))
	ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
	defer cancel()
	_, err := s.generate(ctx, goodAsk(t))
	if status.Code(err) != codes.Unavailable || !strings.HasPrefix(messageOf(err), "assay has no answer about shop (transient") {
		t.Fatal(err)
	}
}

// TestServe_FullQueueIsNoAnswer: who waits for a place waits until its
// deadline, and the place is given back.
func TestServe_FullQueueIsNoAnswer(t *testing.T) {
	release, entered := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s := newScene(t, judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		once.Do(func() { close(entered) })
		<-release
		return says(plugin.Deny, "x/y", "no")(ctx, source)
	}), func(o *Options) { o.Concurrency = 1 })
	first := make(chan error, 1)
	go func() {
		_, err := s.generate(t.Context(), goodAsk(t))
		first <- err
	}()
	<-entered
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if _, err := s.generate(ctx, goodAsk(t)); status.Code(err) != codes.Unavailable || !strings.Contains(messageOf(err), "queue") {
		t.Errorf("while the place is taken: %v", err)
	}
	close(release)
	if err := <-first; status.Code(err) != codes.FailedPrecondition {
		t.Error(err)
	}
	if _, err := s.generate(t.Context(), goodAsk(t)); status.Code(err) != codes.FailedPrecondition {
		t.Errorf("after it was given back: %v", err)
	}
}

// TestServe_AnotherPluginBesideItDeniesEverything until it is gone.
func TestServe_AnotherPluginBesideItDeniesEverything(t *testing.T) {
	s := newScene(t, realJudge(t))
	rival, err := net.Listen("unix", filepath.Join(s.plugins, "lax.sock"))
	check(t, err)
	if _, err := s.generate(t.Context(), goodAsk(t)); status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), "lax.sock") {
		t.Error(err)
	}
	if _, err := s.client.CheckPluginConfiguration(t.Context(), &emptypb.Empty{}); err != nil {
		t.Error("the question that hides the reason is refused:", err)
	}
	if err := s.server.ready(); err == nil {
		t.Error("it says that it is ready")
	}
	check(t, rival.Close())
	for name, make := range map[string]func(string) error{
		"folder": func(name string) error { return os.Mkdir(name, 0o755) },
		"link":   func(name string) error { return os.Symlink("/elsewhere/lax.sock", name) },
	} {
		beside := filepath.Join(s.plugins, name)
		check(t, make(beside))
		if _, err := s.generate(t.Context(), goodAsk(t)); status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), name) {
			t.Errorf("beside a %s: %v", name, err)
		}
		check(t, os.Remove(beside))
	}
	if _, err := s.generate(t.Context(), goodAsk(t)); err != nil {
		t.Error(err)
	}
	check(t, s.server.ready())
}

// TestServe_Socket: one that is left over is replaced; a file that is none and
// a server that answers are not.
func TestServe_Socket(t *testing.T) {
	name := filepath.Join(shortDir(t), SocketName)
	stale, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	check(t, err)
	stale.SetUnlinkOnClose(false)
	if _, err := listen(t.Context(), name); err == nil || !strings.Contains(err.Error(), "another process answers") {
		t.Errorf("beside a server: %v", err)
	}
	check(t, stale.Close())
	fresh, err := listen(t.Context(), name)
	check(t, err)
	check(t, fresh.Close())
	check(t, os.WriteFile(name, nil, 0o600))
	if _, err := listen(t.Context(), name); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("over a file: %v", err)
	}
}

// TestServe_EndsWhatItBegan: a signal lets the request that is under way end.
func TestServe_EndsWhatItBegan(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	s := newScene(t, judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		close(entered)
		<-release
		return says(plugin.Deny, "x/y", "judged to the end")(ctx, source)
	}))
	answered := make(chan error, 1)
	go func() {
		_, err := s.generate(t.Context(), goodAsk(t))
		answered <- err
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.stop() }()
	close(release)
	if err := <-answered; !strings.Contains(messageOf(err), "judged to the end") {
		t.Error(err)
	}
	check(t, <-stopped)
}

// TestServe_SharedTreeIsUnpackedOnce however many ask at once.
func TestServe_SharedTreeIsUnpackedOnce(t *testing.T) {
	s := newScene(t, says(plugin.Deny, "x/y", "no"))
	good := goodAsk(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { _, _ = s.generate(t.Context(), good) })
	}
	all.Wait()
	if left := s.left(t); len(left) != 1 || !strings.HasPrefix(left[0], "tree-") {
		t.Errorf("20 requests left %v", left)
	}
}

var _ protocol.ConfigManagementPluginServiceServer = (*Server)(nil)
