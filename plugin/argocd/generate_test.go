package argocd

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/assay-gitops/assay/plugin"
)

// generated runs the command's work in a folder as argocd-cmp-server makes it.
func generated(t *testing.T, text string, env []string) Answer {
	t.Helper()
	tree := t.TempDir()
	check(t, os.MkdirAll(filepath.Join(tree, "app"), 0o755))
	check(t, os.WriteFile(filepath.Join(tree, "app", "x.yaml"), []byte(text), 0o644))
	return Generate(t.Context(), GenerateOptions{
		Judge: realJudge(t), Log: slog.New(slog.DiscardHandler), Clock: time.Now, Dir: filepath.Join(tree, "app"), Environ: env,
	})
}

func TestGenerate_AllowsAndDenies(t *testing.T) {
	if answer := generated(t, settings, goodEnv()); answer.Message != "" || len(answer.Manifests) != 1 {
		t.Error(answer)
	}
	denied := generated(t, strings.Replace(settings, "ConfigMap", "Secret", 1), goodEnv())
	if !strings.HasPrefix(denied.Message, "assay denied shop: ") || denied.Manifests != nil || denied.Verdict.Outcome() != plugin.Denied {
		t.Error(denied)
	}
	if !strings.Contains(denied.Message, "app/x.yaml:1") {
		t.Errorf("the file's place in the repository is not told: %s", denied.Message)
	}
}

// TestGenerate_NamesNoLogThatNobodyKeeps.
func TestGenerate_NamesNoLogThatNobodyKeeps(t *testing.T) {
	answer := Generate(t.Context(), GenerateOptions{
		Judge: says(plugin.Deny, "x/y", "no"), Log: slog.New(slog.DiscardHandler), Unlogged: true, Clock: time.Now, Dir: t.TempDir(), Environ: goodEnv(),
	})
	if strings.Contains(answer.Message, "log") || !strings.HasSuffix(answer.Message, "\n`assay check` shows the whole report") {
		t.Error(answer.Message)
	}
}

func TestGenerate_EmptyRenderingIsDenied(t *testing.T) {
	if answer := generated(t, "# nothing\n", goodEnv()); answer.Message == "" || answer.Manifests != nil {
		t.Error(answer)
	}
}

func TestGenerate_WithoutArgoCDsEnvironment(t *testing.T) {
	if answer := generated(t, settings, nil); !strings.Contains(answer.Message, "ARGOCD_APP_NAME") || answer.Manifests != nil {
		t.Error(answer)
	}
}

func TestSplit_FindsTheRepository(t *testing.T) {
	for _, test := range [][4]string{
		{"/w/app", "app", "/w", "app"}, {"/w/a/b", "a/b", "/w", "a/b"}, {"/w/a/b", "./a/b/", "/w", "a/b"},
		{"/w/a", ".", "/w/a", "."}, {"/w/a", "", "/w/a", "."}, {"/w/a", "other", "/w/a", "."}, {"/w/a", "../a", "/w/a", "."}, {"/a", "a", "/", "a"},
	} {
		if tree, folder := split(test[0], test[1]); filepath.Clean(tree) != test[2] || folder != test[3] {
			t.Errorf("split(%q, %q) = %q, %q, want %q, %q", test[0], test[1], tree, folder, test[2], test[3])
		}
	}
}
