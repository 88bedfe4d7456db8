package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// ended is how the program ended, and what it wrote.
type ended struct {
	code     int
	out, err string
}

// asUser runs the program where there is no cluster.
func asUser(t *testing.T, args ...string) ended {
	t.Helper()
	for _, name := range []string{"KUBECONFIG", "KUBERNETES_SERVICE_HOST", "RUNTIME_NAMESPACE", "ASSAY_CACHE_DIR", "ASSAY_CACHE_KEY"} {
		t.Setenv(name, "")
	}
	t.Setenv("HOME", t.TempDir())
	return started(t, args...)
}

// started runs it in the environment that the test has made.
func started(t *testing.T, args ...string) ended {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out, err bytes.Buffer
	code := run(ctx, streams{in: strings.NewReader(""), out: &out, err: &err}, args)
	return ended{code, out.String(), err.String()}
}

// kubeconfig writes one of a cluster and names it to the program.
func kubeconfig(t *testing.T, server string) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "kubeconfig")
	text := "apiVersion: v1\nkind: Config\nclusters: [{name: a, cluster: {server: \"" + server + "\"}}]\ncontexts: [{name: a, context: {cluster: a, user: a}}]\n" +
		"users: [{name: a, user: {}}]\ncurrent-context: a\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KUBECONFIG", file)
}

// Each bad value is refused before anything is begun, by its name, and the
// value beside it is not.
func TestParse_ABadValueIsRefusedByItsName(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ bad, says, good string }{
		{"--gate=" + dir + "/none", "--gate " + dir + "/none: there is no such file or folder", "--gate=" + dir},
		{"--cache-dir=" + dir, "--cache-dir is given and --cache-key is not", "--cache-dir="},
		{"--requeue-dependency=0s", "--requeue-dependency is 0s; it must be above 0", "--requeue-dependency=1s"},
		{"--default-service-account=", "--default-service-account is empty", "--default-service-account=reader"},
		{"--default-service-account=Read_er", `--default-service-account "Read_er" is no name of a service account`, "--default-service-account=read-er"},
		{"--storage-path=", "--storage-path is empty", "--storage-path=" + dir},
		{"--metrics-addr=nowhere", `--metrics-addr "nowhere" is no address; write host:port or :port`, "--metrics-addr=0"},
		{"--health-addr=127.0.0.1", `--health-addr "127.0.0.1" is no address`, "--health-addr=127.0.0.1:0"},
		{"--storage-addr=0", `--storage-addr "0" is no address`, "--storage-addr=:0"},
		{"--storage-adv-addr=http://files.example.com/a", `--storage-adv-addr "http://files.example.com/a" is no address`, "--storage-adv-addr=http://files.example.com:9090"},
		{"--events-addr=notifications", `--events-addr "notifications" is no URL`, "--events-addr=http://notifications/"},
		{"--events-addr=ftp://notifications/", "is no URL", "--events-addr="},
		{"--min-retry-delay=0s", "--min-retry-delay is 0s", "--min-retry-delay=1s"},
		{"--max-retry-delay=1ms", "--max-retry-delay 1ms; the first must be above 0, and the second not below it", "--max-retry-delay=750ms"},
		{"--artifact-retention-ttl=-5s", "--artifact-retention-ttl is -5s", "--artifact-retention-ttl=0s"},
		{"--interval-jitter-percentage=100", "--interval-jitter-percentage is 100; it must be below 100", "--interval-jitter-percentage=99"},
		{"--watch-label-selector=a=(", `--watch-label-selector "a=("`, "--watch-label-selector=a=b"},
		{"--watch-all-namespaces=false", "--watch-all-namespaces=false watches the namespace that RUNTIME_NAMESPACE names", "--watch-all-namespaces"},
		{"--artifact-digest-algo=sha512", "--artifact-digest-algo is not used", "--no-cross-namespace-refs"},
		{"--artifact-retention-records=9", "--artifact-retention-records is not used", "--no-cross-namespace-refs"},
		{"--watch-configs-label-selector=a=b", "--watch-configs-label-selector is not used", "--no-cross-namespace-refs"},
		{"--concurrent=many", `"many" for "--concurrent"`, "--concurrent=2"},
		{"--concurent=2", "unknown flag: --concurent", "--concurrent=2"},
		{"gate.yaml", `"gate.yaml" is no flag, and there are no arguments`, "--concurrent=2"},
	} {
		got := asUser(t, test.bad)
		if got.code != exitUsage || got.out != "" || !strings.HasPrefix(got.err, "assay-source: ") || !strings.Contains(got.err, test.says) || !strings.HasSuffix(got.err, "run assay-source --help for the flags\n") {
			t.Errorf("%s: %+v, want %q", test.bad, got, test.says)
		}
		if _, err := parse([]string{test.good}); err != nil {
			t.Errorf("twin %s: %v", test.good, err)
		}
	}
}

func TestParse_EveryBadValueIsTold(t *testing.T) {
	got := asUser(t, "--metrics-addr=a", "--health-addr=b", "--min-retry-delay=0s", "--watch-label-selector=a=(")
	for _, flag := range []string{"--metrics-addr", "--health-addr", "--min-retry-delay", "--watch-label-selector"} {
		if !strings.Contains(got.err, flag) {
			t.Errorf("%s is not told:\n%s", flag, got.err)
		}
	}
}

// The times of a leader matter where there is one.
func TestParse_LeaderElectionNeedsTimesInOrder(t *testing.T) {
	bad := []string{"--leader-election-renew-deadline=1s"}
	if _, err := parse(bad); err != nil {
		t.Errorf("no leader: %v", err)
	}
	if _, err := parse(append(bad, "--enable-leader-election")); err == nil || !strings.Contains(err.Error(), "--leader-election-renew-deadline 1s") {
		t.Errorf("a leader: %v", err)
	}
	if _, err := parse([]string{"--enable-leader-election"}); err != nil {
		t.Errorf("the defaults: %v", err)
	}
}

func TestParse_ValuesOfTheEnvironmentAreTheDefaults(t *testing.T) {
	t.Setenv("ASSAY_CACHE_DIR", "/var/cache/assay")
	if _, err := parse(nil); err == nil || !strings.Contains(err.Error(), "--cache-key") {
		t.Errorf("a cache without its key: %v", err)
	}
	t.Setenv("ASSAY_CACHE_KEY", "/var/lib/assay/key")
	t.Setenv("STORAGE_PATH", "/var/lib/assay/data")
	t.Setenv("RUNTIME_NAMESPACE", "assay-system")
	made, err := parse([]string{"--watch-all-namespaces=false"})
	if err != nil || made.cache != "/var/cache/assay" || made.cacheKey != "/var/lib/assay/key" || made.storage.StoragePath != "/var/lib/assay/data" {
		t.Errorf("%+v, %v", made, err)
	}
}

func TestUsage_HasEveryFlagOnceAndAssaysOwnFirst(t *testing.T) {
	got := asUser(t, "--help")
	if short := asUser(t, "-h"); got.code != exitEnded || got.err != "" || got != short {
		t.Fatalf("%+v\n%+v", got, short)
	}
	own, others, found := strings.Cut(got.out, "\nFlags that Flux's controllers have as well:\n")
	if !found || !strings.Contains(own, "Exit codes: 0 ended by a signal, 1 failed, 64 wrong usage.") {
		t.Fatalf("got\n%s", got.out)
	}
	for flag, where := range map[string]string{"--gate": own, "--min-interval": own, "--version": own, "--storage-path": others, "--no-cross-namespace-refs": others} {
		if strings.Count(got.out, flag+" ") == 0 || !strings.Contains(where, flag+" ") {
			t.Errorf("%s is not where it belongs:\n%s", flag, got.out)
		}
	}
	for _, name := range unused() {
		if strings.Contains(got.out, name) {
			t.Errorf("--%s is offered, and refused when it is given", name)
		}
	}
	for line := range strings.Lines(got.out) {
		if len(line) > width+1 {
			t.Errorf("%d characters: %s", len(line), line)
		}
	}
}

func TestRun_TheVersionIsOneLine(t *testing.T) {
	if got := asUser(t, "--version"); got.code != exitEnded || got.err != "" || !strings.HasPrefix(got.out, "assay-source ") || strings.Count(got.out, "\n") != 1 {
		t.Errorf("%+v", got)
	}
}

func TestRun_WithoutAClusterItSaysWhatToSet(t *testing.T) {
	if got := asUser(t); got.code != exitFailed || got.err != "assay-source: looking for the cluster: there is none; run in a Pod, or set KUBECONFIG\n" || got.out != "" {
		t.Errorf("%+v", got)
	}
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "kubeconfig"))
	if err := os.WriteFile(os.Getenv("KUBECONFIG"), []byte("clusters: 1"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := started(t); got.code != exitFailed || !strings.Contains(got.err, "looking for the cluster: ") || !strings.Contains(got.err, os.Getenv("KUBECONFIG")) {
		t.Errorf("a file that cannot be read: %+v", got)
	}
}

func TestRun_AnAPIServerThatDoesNotAnswerIsTold(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	kubeconfig(t, "http://"+address)
	quiet := []string{"--metrics-addr=0", "--health-addr=0", "--storage-path=" + t.TempDir()}
	const says = "assay-source: asking the API server for its kinds: "
	if got := started(t, quiet...); got.code != exitFailed || !strings.HasPrefix(got.err, says) || !strings.Contains(got.err, address) || !strings.Contains(got.err, "check that it can be reached") {
		t.Errorf("%+v", got)
	}
	other := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(other.Close)
	kubeconfig(t, other.URL)
	if got := started(t, quiet...); got.code != exitFailed || strings.HasPrefix(got.err, says) || got.err == "" {
		t.Errorf("twin, one that answers: %+v", got)
	}
}

func TestRun_ABrokenGateIsNotAMatterOfUsage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "gate.yaml")
	if err := os.WriteFile(file, []byte("apiVersion: assay.dev/v1alpha1\nkind: Gate\nmetadata: {name: a}\nspec: {bas: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := asUser(t, "--gate", file); got.code != exitFailed || !strings.Contains(got.err, file+":4") {
		t.Errorf("%+v", got)
	}
}

// A worker takes no flags.
func TestRun_AWorkerWithAFlagIsWrongUsage(t *testing.T) {
	if got := asUser(t, "render-worker", "--version"); got.code != exitUsage {
		t.Errorf("%+v", got)
	}
}
