package main

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// helped runs check on the world in a process of its own, whose docker
// configuration names the helper for the registry's host. The helper is a shell
// script on PATH; without a script it is not there.
func (w *world) helped(script string) ended {
	w.t.Helper()
	w.settle()
	home, path := w.t.TempDir(), w.t.TempDir()
	must(w.t, os.WriteFile(filepath.Join(home, "config.json"), fmt.Appendf(nil, `{"credHelpers": {%q: "example"}}`, w.server.Host()), 0o600))
	if script != "" {
		must(w.t, os.WriteFile(filepath.Join(path, "docker-credential-example"), []byte("#!/bin/sh\nread host\n[ \"$1\" = get ] || exit 3\n"+script+"\n"), 0o755))
	}
	command := exec.CommandContext(w.t.Context(), "assay", "check", filepath.Join(w.dir, "app"), "-g", filepath.Join(w.dir, "gate"), "--project", "team-a")
	command.Env = append(os.Environ(), "HOME="+home, "DOCKER_CONFIG="+home, "PATH="+path+":"+os.Getenv("PATH"))
	var out, errs strings.Builder
	command.Stdout, command.Stderr = &out, &errs
	var failed *exec.ExitError
	if err := command.Run(); err != nil && !errors.As(err, &failed) {
		w.t.Fatal(err)
	}
	return ended{command.ProcessState.ExitCode(), out.String(), errs.String()}
}

// A helper that has no good answer is told as such, with what it says and what
// to do. It never becomes a question without a credential, whose answer would
// be that there is no such image.
func TestCredentialHelper_IsAskedForItsHost(t *testing.T) {
	t.Parallel()
	const locked = "echo 'the keyring is locked'; exit 1"
	secret := func(word string) string {
		return `printf '{"ServerURL":"%s","Username":"team","Secret":"` + word + `"}' "$host"`
	}
	for name, test := range map[string]struct {
		script string
		code   int
		says   []string
		// asks says that the registry is asked for the image or a token.
		asks bool
	}{
		"right secret":            {secret("open sesame"), exitAllowed, nil, true},
		"wrong secret":            {secret("hunter2"), exitUndetermined, []string{"not allowed with this credential", "has a credential that may pull it"}, true},
		"missing":                 {"", exitUndetermined, []string{`"docker-credential-example": executable file not found`, "has to be on PATH"}, false},
		"fails":                   {locked, exitUndetermined, []string{"the keyring is locked", "| docker-credential-NAME get"}, false},
		"fails, with the secret":  {secret("hunter2") + "; exit 1", exitUndetermined, []string{"exit status 1", "| docker-credential-NAME get"}, false},
		"says nothing":            {"exit 0", exitUndetermined, []string{"EOF", "| docker-credential-NAME get"}, false},
		"is no JSON":              {"echo hunter2", exitUndetermined, []string{"invalid character", "| docker-credential-NAME get"}, false},
		"does not know this host": {"echo 'credentials not found in native keychain'; exit 1", exitUndetermined, []string{"has a credential that may pull it"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorldWith(t, ociserver.Options{Token: &ociserver.TokenAuth{User: "team", Password: "open sesame"}})
			w.sign(trusted())
			w.server.ResetRequests()
			got := w.helped(test.script)
			if got.code != test.code {
				t.Errorf("it ends with %d, want %d:\n%s%s", got.code, test.code, got.out, got.err)
			}
			if test.code != exitAllowed {
				test.says = append(test.says, w.server.Host())
			}
			for _, phrase := range test.says {
				if !strings.Contains(got.text(), phrase) {
					t.Errorf("it does not say %q:\n%s%s", phrase, got.out, got.err)
				}
			}
			for _, never := range []string{"hunter2", "open sesame", "not-found", "the registry has no"} {
				if strings.Contains(got.text(), never) {
					t.Errorf("it says %q:\n%s%s", never, got.out, got.err)
				}
			}
			if asked := w.server.Count(ociserver.ClassToken, ociserver.ClassTag); (asked > 0) != test.asks {
				t.Errorf("the registry was asked %d times for a token or the tag", asked)
			}
		})
	}
}
