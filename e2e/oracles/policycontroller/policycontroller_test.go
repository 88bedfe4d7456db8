package policycontroller

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"text/template"

	"github.com/assay-gitops/assay/e2e/oracles/answers"
	"github.com/assay-gitops/assay/e2e/oracles/sandbox"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
)

// update rewrites testdata/verdicts.txt: go test ./policycontroller -update
var update = flag.Bool("update", false, "rewrite testdata/verdicts.txt")

const golden = "testdata/verdicts.txt"

func TestVerdicts_EqualPolicyControllersButForTheListedDifferences(t *testing.T) {
	world := newWorld(t)
	var table strings.Builder
	counts, list := map[string]int{}, differences()
	for _, policy := range policyNames(t) {
		for _, row := range ask(t, world, policy) {
			counts["verdicts"]++
			switch row.compare(list) {
			case equal:
				counts["equal"]++
			case listed:
				counts["listed differences"]++
			default:
				t.Errorf("%s\n\tpolicy-controller: %s\n\tassay: %s", row, row.theirWhy, row.ourWhy)
			}
			if row.theirs != answers.Denied || row.ours != answers.Denied {
				fmt.Fprintln(&table, row)
			}
			if row.theirs == answers.Admitted && row.ours == answers.Admitted {
				counts["admitted by both"]++
			}
		}
	}
	t.Logf("policy-controller: %d policies, %d verdicts compared: %d equal (%d admitted by both), %d listed differences",
		len(policyNames(t)), counts["verdicts"], counts["equal"], counts["admitted by both"], counts["listed differences"])
	compareGolden(t, table.String())
	for _, entry := range list {
		if !entry.seen {
			t.Errorf("the difference %q was not seen: take it off the list and out of docs/parity.md", entry.name)
		}
		if err := answers.Listed(entry.name); err != nil {
			t.Error(err)
		}
	}
}

func newWorld(t *testing.T) *sandbox.World {
	t.Helper()
	server, err := ociserver.Start(ociserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = server.Close() })
	world, err := sandbox.NewWorld(context.Background(), t.TempDir(), server.Host())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(world.Close)
	return world
}

func policyNames(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("testdata/policies/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no policies: %v", err)
	}
	for i := range files {
		files[i] = strings.TrimSuffix(filepath.Base(files[i]), ".yaml")
	}
	return files
}

// ask asks both about every image under one file of policies.
func ask(t *testing.T, world *sandbox.World, policy string) []row {
	t.Helper()
	ctx := context.Background()
	file := expand(t, world, policy)
	roots := writeTrustRoots(t, world)
	theirs, theirErr := Load(ctx, map[string]string{"main": roots["main"], "other": roots["other"]},
		map[string]string{"main-tuf": world.TrustedRoot(world.Main)}, file)
	ours, ourErr := answers.Load(world.Host, file, roots["main"], roots["other"], roots["main-tuf"])
	if theirErr != nil || ourErr != nil {
		whole := row{policy: policy, image: everyImage, theirs: accepted, ours: accepted}
		if theirErr != nil {
			whole.theirs, whole.theirWhy = answers.Refused, theirErr.Error()
		}
		if ourErr != nil {
			whole.ours, whole.ourWhy = answers.Refused, ourErr.Error()
		}
		return []row{whole}
	}
	var rows []row
	for _, image := range world.Images() {
		one := row{policy: policy, image: image}
		one.theirs, one.theirWhy = theirs.Ask(ctx, world.Reference(image))
		one.ours, one.ourWhy = ours.Ask(ctx, world.Reference(image))
		rows = append(rows, one)
	}
	return rows
}

func expand(t *testing.T, world *sandbox.World, policy string) string {
	t.Helper()
	functions := template.FuncMap{
		"key": func(name string) string { return string(world.Keys[name].PublicPEM) },
		"json": func(text string) (string, error) {
			encoded, err := json.Marshal(text)
			return string(encoded), err
		},
	}
	parsed, err := template.New(policy + ".yaml").Funcs(functions).ParseFiles("testdata/policies/" + policy + ".yaml")
	if err != nil {
		t.Fatal(err)
	}
	var expanded bytes.Buffer
	if err := parsed.Execute(&expanded, map[string]string{"Host": world.Host, "MainURL": world.Main.URL()}); err != nil {
		t.Fatal(err)
	}
	return write(t, policy+".yaml", expanded.Bytes())
}

// writeTrustRoots writes the two Sigstores' TrustRoots, and a third one that
// holds the main one's material as trusted_root.json.
func writeTrustRoots(t *testing.T, world *sandbox.World) map[string]string {
	t.Helper()
	files := map[string]string{}
	for _, sigstore := range []*sandbox.Sigstore{world.Main, world.Other} {
		encoded, err := sigstore.TrustRootYAML()
		if err != nil {
			t.Fatal(err)
		}
		files[sigstore.Name()] = write(t, sigstore.Name()+".json", encoded)
	}
	material, err := os.ReadFile(world.TrustedRoot(world.Main))
	if err != nil {
		t.Fatal(err)
	}
	folder := filepath.Dir(write(t, "trusted_root.json", material))
	files["main-tuf"] = filepath.Join(folder, "main-tuf.yaml")
	document := "apiVersion: policy.sigstore.dev/v1alpha1\nkind: TrustRoot\nmetadata:\n  name: main-tuf\nspec:\n  trustedRootFile: trusted_root.json\n"
	if err := os.WriteFile(files["main-tuf"], []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	return files
}

func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func compareGolden(t *testing.T, table string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(golden, []byte(table), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if table == string(want) {
		return
	}
	known := map[string]bool{}
	for line := range strings.Lines(string(want)) {
		known[line] = true
	}
	for line := range strings.Lines(table) {
		if !known[line] {
			t.Errorf("not in %s: %s", golden, line)
		}
		delete(known, line)
	}
	for line := range known {
		t.Errorf("in %s, and not so any more: %s", golden, line)
	}
}
