package main

import (
	"net/http"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// namedUser makes the world's image one whose user is that name, with nginx as
// 101 in its /etc/passwd, and returns the layer's digest.
func (w *world) namedUser(user string) string {
	w.t.Helper()
	const passwd = "root:x:0:0::/root:/bin/sh\ntoor:x:0:0::/root:/bin/sh\nnginx:x:101:101::/:/bin/false\n"
	layer, err := ociserver.Layer(ociserver.File{Name: "etc/passwd", Content: passwd})
	must(w.t, err)
	w.digest = w.pushImage("team-a/app:named", layer, v1.Config{User: user, Entrypoint: []string{"/app"}})
	w.image = w.digest.Context().Tag("named").Name()
	hash, err := layer.Digest()
	must(w.t, err)
	return hash.String()
}

// TestNamedUser_FromTheLayerToTheOutput: what an image's own passwd says is
// written, and what it does not say is nobody's guess.
func TestNamedUser_FromTheLayerToTheOutput(t *testing.T) {
	for name, test := range map[string]struct {
		user  string
		fault *ociserver.Fault
		code  int
		says  string
		has   bool // runAsUser is in the output
	}{
		"101 in passwd": {"nginx", nil, exitAllowed, "", true},
		"root there":    {"toor", nil, exitDenied, "which is root (0 in /etc/passwd of layer sha256:", false},
		"not there":     {"apache", nil, exitDenied, `the image's /etc/passwd has no user "apache"`, false},
		"no answer":     {"nginx", &ociserver.Fault{Status: http.StatusInternalServerError}, exitUndetermined, "hardening may fill this in once the registry answers", false},
		"another layer": {"nginx", &ociserver.Fault{Body: []byte("nginx:x:65532:65532::/:/\n")}, exitDenied, "registry/wrong-digest", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			layer := w.namedUser(test.user)
			w.sign(trusted())
			w.server.SetFault(func(r *http.Request) *ociserver.Fault {
				if strings.HasSuffix(r.URL.Path, layer) {
					return test.fault
				}
				return nil
			})
			got := w.run("check")
			if got.code != test.code || !strings.Contains(got.text(), test.says) {
				t.Fatalf("check ends with %d, want %d and %q:\n%s%s", got.code, test.code, test.says, got.out, got.err)
			}
			if out := w.run("render").out; strings.Contains(out, "runAsUser: 101") != test.has {
				t.Errorf("whether runAsUser is written is not %v:\n%s", test.has, out)
			}
		})
	}
}
