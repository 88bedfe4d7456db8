package origin

import (
	"net/http/cgi" //nolint:gosec // it is of Go before 1.6.3 that the rule warns
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// ServeHTTP serves the repository, for reading, by Git's own program behind a
// web server, and returns its URL. It ends with the test.
func (r *Repository) ServeHTTP() string {
	r.t.Helper()
	where, err := exec.CommandContext(r.t.Context(), "git", "--exec-path").Output()
	must(r.t, err)
	backend := filepath.Join(strings.TrimSpace(string(where)), "git-http-backend")
	if _, err := os.Stat(backend); err != nil {
		r.t.Fatalf("looking for git's web server: %v; make deps installs it (Debian's git)", err)
	}
	server := httptest.NewServer(&cgi.Handler{
		Path: backend, Root: "/app.git", Dir: r.dir,
		Env: []string{"GIT_PROJECT_ROOT=" + filepath.Join(r.dir, ".git"), "GIT_HTTP_EXPORT_ALL=1", "GIT_CONFIG_NOSYSTEM=1", "HOME=" + r.dir},
	})
	r.t.Cleanup(server.Close)
	return server.URL + "/app.git"
}
