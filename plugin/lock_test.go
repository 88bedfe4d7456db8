package plugin

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// treeWith is a source whose folder app holds the files.
func treeWith(t *testing.T, files map[string]string) Source {
	t.Helper()
	folder := t.TempDir()
	if err := os.Mkdir(filepath.Join(folder, "app"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, "app", name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = root.Close() })
	return Source{Root: root, Path: "app"}
}

func lockWith(t *testing.T, entries ...LockedImage) Source {
	t.Helper()
	text, err := Lock{Images: entries}.Format()
	if err != nil {
		t.Fatal(err)
	}
	return treeWith(t, map[string]string{LockFile: string(text)})
}

// asked counts the calls and references of a resolver.
type asked struct {
	calls      int
	references []Reference
	answer     func(Reference) Resolution
}

func (a *asked) Resolve(_ context.Context, references []Reference) []Resolution {
	a.calls++
	a.references = append(a.references, references...)
	var out []Resolution
	for _, reference := range references {
		answer := Resolution{Digest: digestOf("registry"), MediaType: "m", Size: 7}
		if a.answer != nil {
			answer = a.answer(reference)
		}
		out = append(out, answer)
	}
	return out
}

func imagesOf(t *testing.T, written ...string) []Image {
	t.Helper()
	images, findings := ImageFinder{}.Find([]Object{deployment("app", written...)})
	if len(findings) > 0 {
		t.Fatal(findings)
	}
	return images
}

const lockedNginx = "index.docker.io/library/nginx:1.27"

func TestResolve_OneCallForAllTagsAndNoneForDigests(t *testing.T) {
	resolver := &asked{}
	images := imagesOf(t, "nginx", "docker.io/nginx:latest", "library/nginx:latest", "b:1", "c:1@"+digestOf("c"), "d@"+digestOf("d"))
	findings := LockPolicy{}.resolve(t.Context(), Source{}, resolver, images)
	if len(findings) != 0 || resolver.calls != 1 || len(resolver.references) != 2 {
		t.Errorf("%d calls for %v; %v", resolver.calls, resolver.references, findings)
	}
	for _, image := range images {
		want, from := digestOf("registry"), DigestResolved
		if image.Reference.Digest != "" {
			want, from = image.Reference.Digest, DigestWritten
		}
		if image.Digest != want || image.DigestFrom != from {
			t.Errorf("%s: %s from %s", image.Written, image.Digest, image.DigestFrom)
		}
	}
	resolver = &asked{}
	LockPolicy{}.resolve(t.Context(), Source{}, resolver, imagesOf(t, "c:1@"+digestOf("c")))
	if resolver.calls != 0 {
		t.Error("the registry was asked about a digest")
	}
}

func TestResolve_Lock(t *testing.T) {
	entry := LockedImage{Image: lockedNginx, Digest: digestOf("lock")}
	for name, test := range map[string]struct {
		policy LockPolicy
		image  string
		answer Resolution
		rule   string
		level  Level
		digest string
		calls  int
	}{
		"decides":                     {LockPolicy{}, "nginx:1.27", Resolution{Digest: digestOf("lock")}, "", 0, digestOf("lock"), 1},
		"decides for another writing": {LockPolicy{}, "docker.io/library/nginx:1.27", Resolution{Digest: digestOf("lock")}, "", 0, digestOf("lock"), 1},
		"not for another tag":         {LockPolicy{}, "nginx:1.28", Resolution{Digest: digestOf("registry")}, "", 0, digestOf("registry"), 1},
		"not for a written digest":    {LockPolicy{}, "nginx:1.27@" + digestOf("w"), Resolution{}, "", 0, digestOf("w"), 0},
		"required, no entry":          {LockPolicy{Required: true}, "nginx:1.28", Resolution{}, "image/not-locked", Deny, "", 0},
		"required, digest written":    {LockPolicy{Required: true}, "nginx:1.28@" + digestOf("w"), Resolution{}, "", 0, digestOf("w"), 0},
		"drift denies":                {LockPolicy{}, "nginx:1.27", Resolution{Digest: digestOf("registry")}, "image/lock-drift", Deny, digestOf("lock"), 1},
		"unknown drift denies":        {LockPolicy{Drift: 9}, "nginx:1.27", Resolution{Digest: digestOf("registry")}, "image/lock-drift", Deny, digestOf("lock"), 1},
		"drift warns":                 {LockPolicy{Drift: DriftWarn}, "nginx:1.27", Resolution{Digest: digestOf("registry")}, "image/lock-drift", Warn, digestOf("lock"), 1},
		"drift ignored":               {LockPolicy{Drift: DriftIgnore}, "nginx:1.27", Resolution{}, "", 0, digestOf("lock"), 0},
		"drift, tag gone":             {LockPolicy{}, "nginx:1.27", Resolution{Err: &Refusal{Rule: "image/not-found"}}, "image/lock-drift", Deny, digestOf("lock"), 1},
		"drift warns, tag gone":       {LockPolicy{Drift: DriftWarn}, "nginx:1.27", Resolution{Err: &Refusal{Rule: "image/not-found"}}, "image/lock-drift", Warn, digestOf("lock"), 1},
		"drift, no answer":            {LockPolicy{}, "nginx:1.27", Resolution{Err: &StageError{Stage: "resolve", Cause: errors.New("x")}}, "resolve/no-answer", Undetermined, digestOf("lock"), 1},
		"drift warns, no answer":      {LockPolicy{Drift: DriftWarn}, "nginx:1.27", Resolution{Err: &StageError{Stage: "resolve", Cause: errors.New("x")}}, "resolve/no-answer", Warn, digestOf("lock"), 1},
	} {
		t.Run(name, func(t *testing.T) {
			resolver := &asked{answer: func(Reference) Resolution { return test.answer }}
			images := imagesOf(t, test.image)
			findings := test.policy.resolve(t.Context(), lockWith(t, entry), resolver, images)
			expectOne(t, findings, test.rule, test.level)
			if images[0].Digest != test.digest || resolver.calls != test.calls {
				t.Errorf("digest %q after %d calls, want %q after %d", images[0].Digest, resolver.calls, test.digest, test.calls)
			}
		})
	}
}

func expectOne(t *testing.T, findings []Finding, rule string, level Level) {
	t.Helper()
	if rule == "" {
		if len(findings) > 0 {
			t.Errorf("findings: %+v", findings)
		}
		return
	}
	if len(findings) != 1 || findings[0].Rule != rule || findings[0].Level != level || findings[0].Unwaivable {
		t.Errorf("got %+v, want one %s at %s", findings, rule, level)
	}
}

func TestResolve_AnswersOfTheRegistry(t *testing.T) {
	for name, test := range map[string]struct {
		answer Resolution
		rule   string
		level  Level
		from   DigestSource
	}{
		"digest":                {Resolution{Digest: digestOf("x")}, "", 0, DigestResolved},
		"stale":                 {Resolution{Digest: digestOf("x"), Stale: true, Age: time.Hour}, "image/stale", Warn, DigestStale},
		"no such tag":           {Resolution{Err: &Refusal{Rule: "image/not-found", Message: "m"}}, "image/not-found", Deny, ""},
		"no answer":             {Resolution{Err: &StageError{Stage: "resolve", Cause: errors.New("x")}}, "resolve/no-answer", Undetermined, ""},
		"timeout":               {Resolution{Err: context.DeadlineExceeded}, "resolve/no-answer", Undetermined, ""},
		"another error":         {Resolution{Err: errors.New("x")}, "resolve/failed", Deny, ""},
		"neither digest nor no": {Resolution{}, "resolve/failed", Deny, ""},
		"not a digest":          {Resolution{Digest: "sha256:abc"}, "resolve/failed", Deny, ""},
		"digest and error":      {Resolution{Digest: digestOf("x"), Err: &Refusal{Rule: "image/not-found"}}, "image/not-found", Deny, ""},
	} {
		t.Run(name, func(t *testing.T) {
			images := imagesOf(t, "nginx")
			findings := LockPolicy{}.resolve(t.Context(), Source{}, answering(test.answer), images)
			expectOne(t, findings, test.rule, test.level)
			if images[0].DigestFrom != test.from || (images[0].Digest != "") != (test.from != "") {
				t.Errorf("the digest is %q from %q", images[0].Digest, images[0].DigestFrom)
			}
		})
	}
}

func TestResolve_WrongNumberOfAnswersIsDenied(t *testing.T) {
	for _, count := range []int{0, 1, 3} {
		resolver := resolveFunc(func(context.Context, []Reference) []Resolution { return make([]Resolution, count) })
		images := imagesOf(t, "a", "b")
		findings := LockPolicy{}.resolve(t.Context(), Source{}, resolver, images)
		if len(findings) != 1 || findings[0].Level != Deny || !findings[0].Unwaivable || images[0].Digest != "" {
			t.Errorf("%d answers to 2: %+v", count, findings)
		}
	}
}

func TestResolve_BrokenLockIsOneDenialWithItsLine(t *testing.T) {
	source := treeWith(t, map[string]string{LockFile: "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages:\n- image: nginx:1\n  digest: x\n"})
	findings := LockPolicy{Required: true}.resolve(t.Context(), source, &asked{}, imagesOf(t, "nginx:1"))
	expectOne(t, findings, "lock/invalid", Deny)
	if findings[0].Origin.String() != "app/images.lock.yaml:5" {
		t.Errorf("at %s: %s", findings[0].Origin, findings[0].Message)
	}
}

func TestReadLock(t *testing.T) {
	good := string(must(Lock{Images: []LockedImage{{lockedNginx, digestOf("x")}}}.Format()))
	source := treeWith(t, map[string]string{LockFile: good, "pod.yaml": "x"})
	for _, path := range []string{"app", "./app/", "app/pod.yaml"} {
		source.Path = path
		lock, err := ReadLock(source, 0)
		if err != nil || len(lock.Images) != 1 {
			t.Errorf("%s: %v, %v", path, lock, err)
		}
	}
	if _, err := ReadLock(source, int64(len(good)-1)); err == nil || !strings.Contains(err.Error(), "fileBytes") {
		t.Errorf("over its limit: %v", err)
	}
	if lock, err := ReadLock(source, int64(len(good))); err != nil || lock == nil {
		t.Errorf("at its limit: %v", err)
	}
	for _, none := range []Source{{}, {Root: source.Root, Path: "."}, {Root: source.Root, Path: "app", Rendered: []byte("x")}} {
		if lock, err := ReadLock(none, 0); lock != nil || err != nil {
			t.Errorf("%s: %v, %v", none.Path, lock, err)
		}
	}
}

func TestReadLock_OutsideOfTheTreeIsRefused(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(secret, must(Lock{}.Format()), 0o600); err != nil {
		t.Fatal(err)
	}
	source := treeWith(t, nil)
	if err := source.Root.Symlink(secret, "app/"+LockFile); err != nil {
		t.Fatal(err)
	}
	if lock, err := ReadLock(source, 0); err == nil {
		t.Errorf("a link out of the tree was read: %v", lock)
	}
	source.Path = "../app"
	if lock, err := ReadLock(source, 0); err == nil {
		t.Errorf("a path out of the tree was read: %v", lock)
	}
	folder := treeWith(t, nil)
	if err := folder.Root.Mkdir("app/"+LockFile, 0o755); err != nil {
		t.Fatal(err)
	}
	if lock, err := ReadLock(folder, 0); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder was read: %v, %v", lock, err)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}
