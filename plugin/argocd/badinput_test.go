package argocd

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

// badInput is one request that is refused: how it differs from the good one,
// and what the answer says.
type badInput struct {
	change func(*ask)
	code   codes.Code
	says   []string
}

// refused sends the bad request, then the good one, which must be answered,
// and looks that nothing is left behind.
func refused(t *testing.T, bad badInput, change ...func(*Options)) {
	t.Helper()
	s := newScene(t, realJudge(t), change...)
	wrong := goodAsk(t)
	bad.change(&wrong)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	manifests, err := s.generate(ctx, wrong)
	if status.Code(err) != bad.code || len(manifests) != 0 {
		t.Fatalf("%v %v, want %v", manifests, err, bad.code)
	}
	first, _, _ := strings.Cut(messageOf(err), "\n")
	for _, want := range bad.says {
		if !strings.Contains(first, want) {
			t.Errorf("the first line lacks %q: %s", want, first)
		}
	}
	if left := s.left(t); len(left) != 0 {
		t.Errorf("left in the work folder: %v", left)
	}
	if manifests, err := s.generate(t.Context(), goodAsk(t)); err != nil || len(manifests) != 1 {
		t.Errorf("the good twin: %v %v", manifests, err)
	}
}

func TestBadInput_WrongChecksum(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.checksum = strings.Repeat("ab", sha256.Size) }, codes.FailedPrecondition, []string{"its SHA-256 is", "hard refresh"}})
}

func TestBadInput_NoChecksum(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.checksum = "none" }, codes.FailedPrecondition, []string{"no SHA-256"}})
}

// TestBadInput_ChecksumOfAnotherTree: who names a tree that is unpacked must
// have sent it.
func TestBadInput_ChecksumOfAnotherTree(t *testing.T) {
	s := newScene(t, realJudge(t))
	_, err := s.generate(t.Context(), goodAsk(t))
	check(t, err)
	stranger := goodAsk(t)
	sum := sha256.Sum256(stranger.archive)
	stranger.checksum = hex.EncodeToString(sum[:])
	stranger.archive = pack(t, file("app/other.yaml", settings))
	if manifests, err := s.generate(t.Context(), stranger); status.Code(err) != codes.FailedPrecondition || manifests != nil {
		t.Error(manifests, err)
	}
}

func TestBadInput_TruncatedArchive(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.archive = a.archive[:len(a.archive)-20] }, codes.FailedPrecondition, []string{"it is broken"}})
}

func TestBadInput_ArchiveThatIsNone(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.archive = []byte("not packed") }, codes.FailedPrecondition, []string{"not compressed by gzip"}})
}

func TestBadInput_GzipBomb(t *testing.T) {
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	writer := tar.NewWriter(zipped)
	check(t, writer.WriteHeader(&tar.Header{Name: "app/zeros", Typeflag: tar.TypeReg, Size: 64 << 20, Mode: 0o644}))
	_, err := io.CopyN(writer, zeros{}, 64<<20)
	check(t, err)
	check(t, writer.Close())
	check(t, zipped.Close())
	refused(t, badInput{func(a *ask) { a.archive = out.Bytes() }, codes.FailedPrecondition, []string{"more than 1048576 bytes", "--plugin-tar-exclude", "manifest-generate-paths"}},
		func(o *Options) { o.Archive = ArchiveLimits{Files: 10, Bytes: 1 << 20} })
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) {
	clear(into)
	return len(into), nil
}

func TestBadInput_ArchiveAnnouncedTooLarge(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.archive = make([]byte, 1<<20+1) }, codes.FailedPrecondition, []string{"more than 1048576 bytes", "--archive-bytes"}},
		func(o *Options) { o.Archive = ArchiveLimits{Files: 10, Bytes: 1 << 20} })
}

func TestBadInput_TooManyFiles(t *testing.T) {
	refused(t, badInput{func(a *ask) {
		a.archive = pack(t, file("a", ""), file("b", ""), file("c", ""))
	}, codes.FailedPrecondition, []string{"more than 2 files", "--plugin-tar-exclude"}}, func(o *Options) { o.Archive = ArchiveLimits{Files: 2, Bytes: 1 << 20} })
}

// TestBadInput_PathTricks: nothing is written outside of the tree, nor through
// a link.
func TestBadInput_PathTricks(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "outside")
	for name, test := range map[string]struct {
		entries []*tarEntry
		says    string
	}{
		"up":                {[]*tarEntry{file("../outside", "x")}, "outside of the tree"},
		"up from within":    {[]*tarEntry{file("app/../../outside", "x")}, "outside of the tree"},
		"absolute":          {[]*tarEntry{file(outside, "x")}, "outside of the tree"},
		"below a link":      {[]*tarEntry{link("l", ".."), file("l/outside", "x")}, "below the symbolic link"},
		"over a link":       {[]*tarEntry{link("l", outside), file("l", "x")}, "stands in it twice"},
		"twice":             {[]*tarEntry{file("a", "x"), file("a", "y")}, "stands in it twice"},
		"below a file":      {[]*tarEntry{file("a", "x"), file("a/b", "y")}, "stands in it twice"},
		"device":            {[]*tarEntry{{tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}, ""}}, "neither a file"},
		"hard link":         {[]*tarEntry{file("a", "x"), {tar.Header{Name: "b", Typeflag: tar.TypeLink, Linkname: "a"}, ""}}, "neither a file"},
		"pipe":              {[]*tarEntry{{tar.Header{Name: "p", Typeflag: tar.TypeFifo}, ""}}, "neither a file"},
		"deep":              {[]*tarEntry{file(strings.Repeat("d/", deepest+1)+"x", "y")}, "more than 200 folders"},
		"name of 300 runes": {[]*tarEntry{file(strings.Repeat("n", 300), "x")}, "cannot be a name"},
	} {
		t.Run(name, func(t *testing.T) {
			refused(t, badInput{func(a *ask) { a.archive = pack(t, test.entries...) }, codes.FailedPrecondition, []string{test.says}})
			if _, err := os.Lstat(outside); err == nil {
				t.Error("something was written outside of the tree")
			}
		})
	}
}

// TestBadInput_LinkOutOfTheTreeIsTheRenderersBusiness: it may lie in the
// repository, and nobody follows it.
func TestBadInput_LinkOutOfTheTreeIsTheRenderersBusiness(t *testing.T) {
	s := newScene(t, realJudge(t))
	beside := goodAsk(t)
	beside.archive = pack(t, file("app/settings.yaml", settings), link("docs/l", "/etc/passwd"))
	if _, err := s.generate(t.Context(), beside); err != nil {
		t.Error(err)
	}
	followed := goodAsk(t)
	followed.archive = pack(t, link("app/settings.yaml", "/etc/passwd"))
	if _, err := s.generate(t.Context(), followed); status.Code(err) != codes.FailedPrecondition || !strings.Contains(messageOf(err), "render/escape") {
		t.Error(err)
	}
}

func TestBadInput_NoPathOfAnApplication(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.path = "" }, codes.FailedPrecondition, []string{"names no path"}})
}

func TestBadInput_PathOutOfTheRepository(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.path = "../app" }, codes.FailedPrecondition, []string{"out of the repository"}})
}

func TestBadInput_EnvironmentWithoutAName(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.env = a.env[1:] }, codes.FailedPrecondition, []string{"ARGOCD_APP_NAME"}})
}

func TestBadInput_EnvironmentThatNamesAProjectTwice(t *testing.T) {
	refused(t, badInput{func(a *ask) { a.env = append(a.env, "ARGOCD_APP_PROJECT_NAME=team-b") }, codes.FailedPrecondition, []string{"ARGOCD_APP_PROJECT_NAME twice"}})
}

func parametersAre(text string) func(*ask) {
	return func(a *ask) {
		for i, variable := range a.env {
			if strings.HasPrefix(variable, "ARGOCD_APP_PARAMETERS=") {
				a.env[i] = "ARGOCD_APP_PARAMETERS=" + text
			}
		}
	}
}

func TestBadInput_UnknownParameter(t *testing.T) {
	refused(t, badInput{parametersAre(`[{"name":"gate","string":"lax"}]`), codes.FailedPrecondition, []string{`"gate" does not exist`, "helm-value-files", "(argocd/parameter)"}})
}

func TestBadInput_ParameterOfTheWrongType(t *testing.T) {
	refused(t, badInput{parametersAre(`[{"name":"helm-value-files","string":"a.yaml"}]`), codes.FailedPrecondition, []string{`"helm-value-files"`, `form "array"`}})
}

func TestBadInput_ParameterGivenTwice(t *testing.T) {
	refused(t, badInput{parametersAre(`[{"name":"renderer","string":"directory"},{"name":"renderer","string":"directory"}]`), codes.FailedPrecondition, []string{"given twice"}})
}

func TestBadInput_ParameterInCapitals(t *testing.T) {
	refused(t, badInput{parametersAre(`[{"name":"renderer","STRING":"directory"}]`), codes.FailedPrecondition, []string{`"STRING" is no member`}})
}

func TestBadInput_ParametersThatAreNoJSON(t *testing.T) {
	refused(t, badInput{parametersAre(`{`), codes.FailedPrecondition, []string{"ARGOCD_APP_PARAMETERS"}})
}

// TestBadInput_ClientThatSendsNothing holds a stream, and nothing else, until
// the time is over.
func TestBadInput_ClientThatSendsNothing(t *testing.T) {
	s := newScene(t, realJudge(t))
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	stream, err := s.client.GenerateManifest(ctx)
	check(t, err)
	if err := stream.RecvMsg(&protocol.ManifestResponse{}); status.Code(err) == codes.OK {
		t.Error("an answer to nothing")
	}
	if _, err := s.generate(t.Context(), goodAsk(t)); err != nil {
		t.Error(err)
	}
}

func TestBadInput_ClientThatSendsAnEmptyRequest(t *testing.T) {
	refused(t, badInput{func(a *ask) {
		a.sends = func(protocol.ConfigManagementPluginService_GenerateManifestClient) {}
	}, codes.FailedPrecondition, []string{"the request is empty"}})
}

func TestBadInput_ClientThatSendsMetadataTwice(t *testing.T) {
	refused(t, badInput{func(a *ask) {
		twice := *a
		sum := sha256.Sum256(a.archive)
		twice.checksum = hex.EncodeToString(sum[:])
		a.sends = func(stream protocol.ConfigManagementPluginService_GenerateManifestClient) {
			_, _ = stream.Send(twice.metadata()), stream.Send(twice.metadata())
		}
	}, codes.FailedPrecondition, []string{"where its archive goes on"}})
}

func TestBadInput_ClientThatSendsNoMetadata(t *testing.T) {
	refused(t, badInput{func(a *ask) {
		a.sends = func(stream protocol.ConfigManagementPluginService_GenerateManifestClient) { a.chunks(stream) }
	}, codes.FailedPrecondition, []string{"not its metadata"}})
}

// TestBadInput_ClientThatSendsForever is cut off behind what it announced and
// the bound.
func TestBadInput_ClientThatSendsForever(t *testing.T) {
	sent := 0
	refused(t, badInput{func(a *ask) {
		sum := sha256.Sum256(a.archive)
		a.checksum = hex.EncodeToString(sum[:])
		a.sends = func(stream protocol.ConfigManagementPluginService_GenerateManifestClient) {
			_ = stream.Send(a.metadata())
			for chunk := make([]byte, 64<<10); stream.Send(chunkOf(chunk)) == nil; sent++ {
			}
		}
	}, codes.FailedPrecondition, []string{"more arrives than the"}}, func(o *Options) { o.Archive = ArchiveLimits{Files: 10, Bytes: 1 << 20} })
	if sent < 16 {
		t.Errorf("%d chunks were read: the refusal did not wait for the rest", sent)
	}
}

// TestBadInput_ClientThatHangsUp in the middle leaves nothing behind.
func TestBadInput_ClientThatHangsUp(t *testing.T) {
	s := newScene(t, realJudge(t))
	ctx, cancel := context.WithCancel(t.Context())
	stream, err := s.client.GenerateManifest(ctx)
	check(t, err)
	good := goodAsk(t)
	good.checksum = strings.Repeat("ab", sha256.Size)
	check(t, stream.Send(good.metadata()))
	check(t, stream.Send(chunkOf(good.archive[:10])))
	for len(s.left(t)) == 0 {
		time.Sleep(time.Millisecond)
	}
	cancel()
	for len(s.left(t)) > 0 {
		time.Sleep(time.Millisecond)
	}
	if _, err := s.generate(t.Context(), goodAsk(t)); err != nil {
		t.Error(err)
	}
}

// TestBadInput_FullDisk: in a process that may write no file beyond 64 KiB, an
// archive of a megabyte is no answer, and a small one is judged.
func TestBadInput_FullDisk(t *testing.T) {
	if os.Getenv("ASSAY_TEST_FULL_DISK") == "" {
		command := exec.CommandContext(t.Context(), os.Args[0], "-test.run", "^"+t.Name()+"$", "-test.v")
		command.Env = append(os.Environ(), "ASSAY_TEST_FULL_DISK=1")
		if out, err := command.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return
	}
	check(t, syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 64 << 10, Max: 64 << 10}))
	noise := make([]byte, 1<<20)
	state := sha256.Sum256(nil)
	for i := range noise {
		if i%sha256.Size == 0 {
			state = sha256.Sum256(state[:])
		}
		noise[i] = state[i%sha256.Size]
	}
	refused(t, badInput{func(a *ask) { a.archive = pack(t, file("app/noise", string(noise))) }, codes.Unavailable, []string{"transient", "--work-dir"}})
}

// TestBadInput_NoProject: Argo CD 2.14 names none; all base gates apply then.
func TestBadInput_NoProject(t *testing.T) {
	var judged plugin.Application
	s := newScene(t, judgeFunc(func(ctx context.Context, source plugin.Source) *plugin.Verdict {
		judged = source.Application
		return says(plugin.Deny, "x/y", "no")(ctx, source)
	}))
	old := goodAsk(t)
	old.env = []string{"ARGOCD_APP_NAME=shop", "ARGOCD_APP_NAMESPACE=shop", "ARGOCD_APP_SOURCE_REPO_URL=https://user:token@git.example.com/shop.git"}
	_, _ = s.generate(t.Context(), old)
	if judged.Project != "" || judged.Name != "shop" || judged.Namespace != "shop" || strings.Contains(judged.Repository, "token") {
		t.Errorf("%+v", judged)
	}
}
