package inplace_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/inplace"
)

// TestWrite_AFileThatWasChanged_NothingIsWritten, of all files.
func TestWrite_AFileThatWasChanged_NothingIsWritten(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/a.yaml": deployment, "app/b.yaml": strings.ReplaceAll(deployment, "web", "other")})
	plan := s.make(t)
	if err := os.WriteFile(filepath.Join(s.dir, "app/b.yaml"), []byte(deployment+"# mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.files(t)
	if err := plan.Write(s.source.Root); !errors.Is(err, inplace.ErrChanged) {
		t.Errorf("error %v", err)
	}
	sameFiles(t, before, s.files(t))
}

func TestWrite_AFileThatAppeared_NothingIsWritten(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/kustomization.yaml": "resources: [web.yaml]\n", "app/web.yaml": deployment})
	plan := s.make(t)
	if err := os.MkdirAll(filepath.Join(s.dir, "app/hardening"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "app/hardening/kustomization.yaml"), []byte("mine\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	before := s.files(t)
	if err := plan.Write(s.source.Root); !errors.Is(err, inplace.ErrChanged) {
		t.Errorf("error %v", err)
	}
	sameFiles(t, before, s.files(t))
	if _, err := inplace.Make(t.Context(), s, s.source); err == nil || !strings.Contains(err.Error(), "was not written by this command") {
		t.Errorf("a folder of the author's was taken: %v", err)
	}
}

// TestWrite_OneFileCannotBeWritten_TheOthersAreTakenBack: a folder stands where
// the second file's place would be staged.
func TestWrite_OneFileCannotBeWritten_TheOthersAreTakenBack(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/kustomization.yaml": "resources: [web.yaml]\n", "app/web.yaml": deployment})
	plan := s.make(t)
	if err := os.Mkdir(filepath.Join(s.dir, "app/.kustomization.yaml.assay"), 0o755); err != nil {
		t.Fatal(err)
	}
	before := s.files(t)
	if err := plan.Write(s.source.Root); err == nil || !strings.Contains(err.Error(), "nothing was written") {
		t.Errorf("error %v", err)
	}
	sameFiles(t, before, s.files(t))
	if _, err := os.Stat(filepath.Join(s.dir, "app/hardening")); err == nil {
		t.Error("the component's folder was left behind")
	}
}

func TestWrite_KeepsTheMode(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/web.yaml": deployment})
	name := filepath.Join(s.dir, "app/web.yaml")
	if err := os.Chmod(name, 0o640); err != nil {
		t.Fatal(err)
	}
	s.write(t)
	info, err := os.Stat(name)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, error %v", info.Mode(), err)
	}
}

// TestMake_ASymlink_IsNotEdited, and the file behind it stays as it is.
func TestMake_ASymlink_IsNotEdited(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"elsewhere.yaml": deployment, "app/b.yaml": strings.ReplaceAll(deployment, "web", "other")})
	if err := os.Symlink("../elsewhere.yaml", filepath.Join(s.dir, "app/a.yaml")); err != nil {
		t.Fatal(err)
	}
	plan := s.write(t)
	if len(plan.Left) != 1 || !strings.Contains(plan.Left[0].Reason, "symlink") || len(plan.Files) != 1 {
		t.Errorf("%+v", plan)
	}
	if got := s.files(t)["elsewhere.yaml"]; got != deployment {
		t.Errorf("%s", got)
	}
}

// TestWrite_AFileThatAStoppedRunLeft_IsNamed, each one; without them the same
// plan is written.
func TestWrite_AFileThatAStoppedRunLeft_IsNamed(t *testing.T) {
	s := newScene(t, gate.Harden{}, map[string]string{"app/a.yaml": deployment, "app/b.yaml": strings.ReplaceAll(deployment, "web", "other")})
	plan := s.make(t)
	left := []string{"app/.a.yaml.assay", "app/.b.yaml.assay"}
	for _, name := range left {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte("half of a fi"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	before := s.files(t)
	err := plan.Write(s.source.Root)
	if !errors.Is(err, inplace.ErrLeftOver) || !strings.Contains(err.Error(), "remove app/.a.yaml.assay, app/.b.yaml.assay and run the command again; nothing was written") {
		t.Errorf("error %v", err)
	}
	sameFiles(t, before, s.files(t))
	for _, name := range left {
		if err := os.Remove(filepath.Join(s.dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := plan.Write(s.source.Root); err != nil {
		t.Errorf("the twin: %v", err)
	}
}
