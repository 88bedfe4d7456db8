package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/policy"
	"github.com/assay-gitops/assay/plugin/registry/ociserver"
	"github.com/assay-gitops/assay/plugin/report"
)

// commands are all commands of the tree, the groups too.
func commands(t *testing.T) []*cobra.Command {
	t.Helper()
	all := []*cobra.Command{newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})}
	for i := 0; i < len(all); i++ {
		all = append(all, all[i].Commands()...)
	}
	return all
}

func TestCommands_EachSaysWhatItDoesAndShowsAnExample(t *testing.T) {
	for _, command := range commands(t) {
		path := command.CommandPath()
		if command.Short == "" {
			t.Errorf("%s does not say what it does", path)
		}
		if command.Runnable() && command.Example == "" && !command.HasSubCommands() && !command.Hidden {
			t.Errorf("%s has no example", path)
		}
		flags := 0
		for _, line := range strings.Split(command.LocalFlags().FlagUsages(), "\n") {
			if strings.Contains(line, "--") && !strings.Contains(line, "--help") {
				flags++
			}
		}
		budget := 8
		if wider, known := widerBudgets()[path]; known {
			budget = wider
		}
		if flags > budget {
			t.Errorf("%s has %d flags, the budget is %d", path, flags, budget)
		}
	}
}

// widerBudgets are the commands that have more than eight flags, for reasons
// that beat the budget. What a door is told by its controller, a person has to
// say: the application's project, namespace and name, and the revision (they
// choose gates and break glass). Those four are apart, as one flag for all would
// have a syntax of its own that no shell completes. Of the many parameters of a
// rendering all but Helm's two of every day (-f and --set, named as Helm names
// them) are in one file, --parameters, already. The rest, --gate, --root,
// --isolated, --lenient, --output, --report and --live, have nothing in common to
// be folded into. --write-baseline and what every waiver of it says (--owner,
// --approver, --reason, --reference, --until) only work together; they are named as
// the waiver's fields are, and each is refused alone. So it is with --attest (its
// key, its services, its resource); --at is the time of all, and --scan names a
// program of the user's, which no gate may. diff has to be told what Argo CD or
// Flux know: what the repository is called, which branch means it, where copies
// of others lie, the clusters and their versions. So it is with
// serve's: three folders, a key, an address, three bounds, the gates, a profiler, the
// reports that it writes, and the audit log with its bound, the
// store of reports (its folder, its address, two tokens, the others), Events and Argo
// CD's namespace. migrate has to be told
// what diff is, and with --from-cluster which cluster. refresh stands between three
// systems, each with an address, and has four times and a rate that the platform
// chooses.
func widerBudgets() map[string]int {
	return map[string]int{
		"assay check": 26, "assay diff": 20, "assay render": 18, "assay harden": 10, "assay lock": 10, "assay serve": 20, "assay migrate": 13, "assay refresh": 12,
	}
}

// A flag that does nothing where it is accepted tells its user that it did.
func TestCommands_FlagsThatDoNothingThereAreRefused(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.sign(trusted())
	w.settle()
	app, gate := filepath.Join(w.dir, "app"), filepath.Join(w.dir, "gate")
	for _, command := range []string{"lock", "init", "vendor"} {
		for flag, args := range map[string][]string{"revision": {"--revision", "abc"}, "lenient": {"--lenient"}} {
			got := in(t, "", append([]string{command, app, "-g", gate}, args...)...)
			if got.code != exitUsage || !strings.Contains(got.err, "unknown flag: --"+flag) {
				t.Errorf("%s --%s ends with %d: %s", command, flag, got.code, got.err)
			}
			twin := in(t, "", append([]string{"check", app, "-g", gate}, args...)...)
			if twin.code != exitAllowed {
				t.Errorf("check --%s ends with %d: %s%s", flag, twin.code, twin.out, twin.err)
			}
		}
	}
}

// exampleTree is a folder in which every example's paths exist.
func exampleTree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	must(t, os.Rename(newAttester(t).key, filepath.Join(dir, "cosign.key")))
	examples := os.DirFS("../../examples")
	must(t, os.CopyFS(filepath.Join(dir, "examples"), examples))
	for from, to := range map[string]string{
		"shop-kustomize": "apps/shop", "shop-plain": "apps/billing", "platform-umbrella": "charts/platform", "gates/starter": "gate",
	} {
		part, err := fs.Sub(examples, from)
		must(t, err)
		must(t, os.CopyFS(filepath.Join(dir, to), part))
	}
	for _, gate := range []string{"examples/gates/starter", "examples/gates/audit", "gate"} {
		file, err := os.OpenFile(filepath.Join(dir, gate, "gate.yaml"), os.O_APPEND|os.O_WRONLY, 0)
		must(t, err)
		_, err = file.WriteString("  limits: {retries: 1}\n") // nobody answers, however often it is tried
		must(t, errors.Join(err, file.Close()))
	}
	must(t, os.CopyFS(filepath.Join(dir, "policies"), os.DirFS("../../policies/chart")))
	must(t, os.CopyFS(filepath.Join(dir, "gate", "cases"), os.DirFS("../../policies/chart")))
	must(t, os.WriteFile(filepath.Join(dir, "shop.json"), shopReport(t), 0o644))
	must(t, os.WriteFile(filepath.Join(dir, "token"), []byte("0123456789abcdef-token"), 0o600))
	must(t, os.WriteFile(filepath.Join(dir, "applications.yaml"), []byte(hydratedApplication), 0o644))
	must(t, os.CopyFS(filepath.Join(dir, "before"), os.DirFS("../../examples/shop-plain")))
	must(t, os.CopyFS(filepath.Join(dir, "after"), os.DirFS("../../examples/shop-plain")))
	for _, args := range []string{"init -q -b main", "add -A", "commit -q -m first", "tag v1.2.0", "tag v1.3.0", "update-ref refs/remotes/origin/main HEAD"} {
		command := exec.CommandContext(t.Context(), "git", append([]string{"-C", dir, "-c", "user.name=team-a", "-c", "user.email=team-a@example.com"}, strings.Fields(args)...)...)
		command.Env = append(os.Environ(), "GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null")
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("git %s: %v: %s", args, err, out)
		}
	}
	must(t, os.WriteFile(filepath.Join(dir, "rendered.yaml"), []byte(deploymentOf("registry.example.com/shop/web:1.4.2")), 0o644))
	return dir
}

// shopReport is the JSON report of an application without problems.
func shopReport(t *testing.T) []byte {
	t.Helper()
	reporter, err := report.For("json", report.Options{})
	must(t, err)
	var out bytes.Buffer
	must(t, reporter.Report(&out, &plugin.Verdict{Application: plugin.Application{Name: "shop"}}))
	return out.Bytes()
}

// exampleLines are the lines of every command's help, without what the shell
// does after them.
func exampleLines(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, command := range commands(t) {
		for line := range strings.Lines(command.Example) {
			if line = strings.TrimSpace(line); strings.HasPrefix(line, "assay") {
				line, _, _ = strings.Cut(line, " | ")
				lines = append(lines, line)
			}
		}
	}
	return lines
}

// TestCommands_ExamplesOfTheHelpRun runs each as a process of its own. Nothing
// leaves the machine: the proxy for everything is a port of which nobody
// listens, so registries give no answer.
func TestCommands_ExamplesOfTheHelpRun(t *testing.T) {
	t.Parallel()
	lines := exampleLines(t)
	if len(lines) < 12 {
		t.Fatalf("only %d examples: %v", len(lines), lines)
	}
	for _, line := range lines {
		t.Run(line, func(t *testing.T) {
			t.Parallel()
			dir := exampleTree(t)
			line = strings.ReplaceAll(line, "/tmp/assay-demo", filepath.Join(dir, "demo"))
			line, input, _ := strings.Cut(line, " < ")
			command := exec.CommandContext(t.Context(), "assay", strings.Fields(line)[1:]...)
			command.Dir = dir
			command.Env = append(os.Environ(), "HTTPS_PROXY=http://127.0.0.1:1", "NO_PROXY=127.0.0.1", "DOCKER_CONFIG="+dir)
			if input != "" {
				data, err := os.ReadFile(filepath.Join(dir, input))
				must(t, err)
				command.Stdin = bytes.NewReader(data)
			}
			out, err := command.CombinedOutput()
			var ended *exec.ExitError
			if err != nil && !errors.As(err, &ended) {
				t.Fatal(err)
			}
			if code := command.ProcessState.ExitCode(); code < exitAllowed || code > exitUndetermined {
				t.Errorf("exit code %d:\n%s", code, out)
			}
			if len(out) == 0 {
				t.Error("it says nothing")
			}
		})
	}
}

func TestCommands_ThoseOfTheReadmeAreKnown(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	must(t, err)
	_, block, _ := strings.Cut(string(readme), "## Use it")
	block, _, _ = strings.Cut(block, "\n## ")
	found := 0
	for line := range strings.Lines(block) {
		if !strings.HasPrefix(line, "assay ") {
			continue
		}
		found++
		line, _, _ = strings.Cut(line, " #")
		root := newRoot(streams{strings.NewReader(""), io.Discard, io.Discard})
		command, args, err := root.Find(strings.Fields(line)[1:])
		if err != nil || command == root {
			t.Errorf("%s: there is no such command: %v", line, err)
			continue
		}
		if err := command.ParseFlags(args); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if err := command.ValidateArgs(command.Flags().Args()); err != nil {
			t.Errorf("%s: %v", line, err)
		}
	}
	if found < 5 {
		t.Errorf("%d lines of assay under \"Use it\"", found)
	}
}

// in runs a command line in this process.
func in(t *testing.T, input string, args ...string) ended {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), streams{in: strings.NewReader(input), out: &out, err: &errs}, args)
	return ended{code, out.String(), errs.String()}
}

func TestExplain_KnowsEveryRule(t *testing.T) {
	rules := policy.Rules()
	if len(rules) < 50 {
		t.Fatalf("only %d rules", len(rules))
	}
	for _, rule := range rules {
		got := in(t, "", "explain", rule.ID)
		for _, part := range []string{rule.ID, rule.Title, "why:", "fix:"} {
			if got.code != exitAllowed || !strings.Contains(got.out, part) || got.err != "" {
				t.Errorf("explain %s ends with %d without %q:\n%s%s", rule.ID, got.code, part, got.out, got.err)
			}
		}
		if strings.Contains(got.out, "why:  -\n") || strings.Contains(got.out, "fix:  -\n") {
			t.Errorf("%s has no reason or no fix:\n%s", rule.ID, got.out)
		}
	}
	completed := in(t, "", "__complete", "explain", "")
	for _, rule := range rules {
		if !strings.Contains(completed.out, rule.ID+"\n") {
			t.Errorf("completion does not offer %s", rule.ID)
		}
	}
}

// The report for programs holds what its type says and nothing else, and its
// exit code is the command's.
func TestCheck_JSONIsTheDocument(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*world){
		"allowed":      func(w *world) { w.sign(trusted()) },
		"denied":       func(*world) {},
		"undetermined": func(w *world) { w.server.SetFault(failing(ociserver.Fault{Status: http.StatusForbidden})) },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			change(w)
			w.args = []string{"--output", "json", "--revision", "abc"}
			got := w.run("check")
			var document report.Document
			decoder := json.NewDecoder(strings.NewReader(got.out))
			decoder.DisallowUnknownFields()
			must(t, decoder.Decode(&document))
			if document.Schema != report.Schema || document.Outcome.String() != name || document.ExitCode != got.code || document.Allowed != (got.code == 0) ||
				document.Revision != "abc" || document.Application.Name != "app" || len(document.Gates) != 1 || document.Counts.Objects != 1 || len(document.Images) != 1 {
				t.Errorf("exit code %d, document %+v", got.code, document)
			}
			if trailing, err := io.ReadAll(decoder.Buffered()); err != nil || strings.TrimSpace(string(trailing)) != "" {
				t.Errorf("after the document: %q, %v", trailing, err)
			}
			if slices.Sorted(maps.Keys(keysOf(t, got.out)))[0] != "allowed" {
				t.Errorf("keys: %v", keysOf(t, got.out))
			}
		})
	}
}

func keysOf(t *testing.T, text string) map[string]any {
	t.Helper()
	fields := map[string]any{}
	must(t, json.Unmarshal([]byte(text), &fields))
	return fields
}
