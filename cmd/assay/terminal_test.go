package main

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// steers is what no command may hand to a terminal: the beginning of an escape
// sequence, a bell, a C1 control, a change of the reading direction.
const steers = "\x1b\a\u009b\u202e"

// TestCommands_NamesOfFilesDoNotSteerTheTerminal: folders and files of the
// application, of the gate and of what is written have hostile names. What a
// command writes for a program is not looked at: manifests, and files.
func TestCommands_NamesOfFilesDoNotSteerTheTerminal(t *testing.T) {
	const hostile = "x\x1b]0;owned\a\u009b31m\u202e\n::error::allowed"
	w := newWorld(t)
	w.sign(trusted())
	w.write("app/web.yaml", deploymentOf(w.image))
	w.settle()
	dir := t.TempDir()
	put := func(from, to string) string {
		to = filepath.Join(dir, to)
		must(t, os.CopyFS(to, os.DirFS(filepath.Join(w.dir, from))))
		return to
	}
	gate := put("gate", hostile+"/gate"+hostile)
	must(t, os.Rename(filepath.Join(gate, "gate.yaml"), filepath.Join(gate, hostile+".yaml")))
	app := put("app", hostile+"/app"+hostile)
	must(t, os.Rename(filepath.Join(app, "web.yaml"), filepath.Join(app, hostile+".yaml")))
	chart := filepath.Join(dir, hostile+"/chart"+hostile)
	must(t, os.MkdirAll(filepath.Join(chart, "templates"), 0o755))
	must(t, os.WriteFile(filepath.Join(chart, "Chart.yaml"), []byte("apiVersion: v2\nname: a\nversion: 1.0.0\n"), 0o600))
	must(t, os.WriteFile(filepath.Join(chart, "templates", hostile+".yaml"), []byte(deploymentOf(w.image)), 0o600))
	policies := filepath.Join(dir, hostile+"-policies")
	must(t, os.CopyFS(policies, os.DirFS("../../examples/policies/replicas")))
	must(t, os.Rename(filepath.Join(policies, "fail/one.yaml"), filepath.Join(policies, "pass", hostile+".yaml")))
	written := put("app", hostile+"/written"+hostile)
	must(t, os.Rename(filepath.Join(written, "web.yaml"), filepath.Join(written, hostile+".yaml")))
	report := filepath.Join(dir, hostile+".report.json")
	missing := filepath.Join(dir, hostile+"missing")
	world := []string{"--gate", gate, "--project", "team-a", "--root", dir}
	gated := []string{"--gate", gate, "--project", "team-a"}
	run(t.Context(), streams{in: strings.NewReader(""), out: io.Discard, err: io.Discard}, append([]string{"check", app, "--report", "json=" + report}, world...))
	for name, test := range map[string]struct {
		args, with []string
		usage      bool // the command is wrong
	}{
		"check":               {[]string{"check", app}, world, false},
		"check, a chart":      {[]string{"check", chart}, world, false},
		"check, reports":      {[]string{"check", app, "--report", "json=" + filepath.Join(dir, hostile+".json")}, world, false},
		"check, no such path": {[]string{"check", missing}, world, true},
		"check, no such gate": {[]string{"check", app, "--gate", missing}, nil, true},
		"baseline":            {[]string{"baseline", report, "--out", filepath.Join(dir, hostile+"-baseline.yaml"), "--owner", "a@example.com", "--approver", "b@example.com", "--reason", "b", "--reference", "https://example.com/1", "--until", time.Now().AddDate(0, 0, 9).Format(time.DateOnly)}, gated[:2], false},
		"harden":              {[]string{"harden", app}, world, false},
		"harden, in place":    {[]string{"harden", written, "--in-place"}, world, false},
		"harden, a chart":     {[]string{"harden", chart}, world, false},
		"lock, checked":       {[]string{"lock", app, "--check"}, world, false},
		"lock":                {[]string{"lock", app}, world, false},
		"vendor":              {[]string{"vendor", chart}, gated, false},
		"init":                {[]string{"init", app, "--out", filepath.Join(dir, hostile+"-proposal")}, gated, false},
		"trust":               {[]string{"trust", app}, gated, false},
		"trust bundle":        {[]string{"trust", "bundle", "--output", filepath.Join(dir, hostile+"-bundle.json")}, gated[:2], false},
		"gate check":          {[]string{"gate", "check", gate}, nil, false},
		"gate check, nothing": {[]string{"gate", "check", missing}, nil, true},
		"gate try":            {[]string{"gate", "try", gate, "--against", dir, "--project", "team-a"}, nil, false},
		"policies":            {[]string{"policies"}, gated[:2], false},
		"test":                {[]string{"test", policies}, nil, false},
		"test, nothing":       {[]string{"test", missing}, nil, true},
		"explain":             {[]string{"explain", hostile}, nil, true},
		"an unknown command":  {[]string{hostile}, nil, true},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errs bytes.Buffer
			code := run(t.Context(), streams{in: strings.NewReader(""), out: &out, err: &errs}, append(test.args, test.with...))
			said := out.String() + errs.String()
			if said == "" || strings.ContainsAny(said, steers) || strings.Contains(said, "\n::error::") {
				t.Errorf("%q", said)
			}
			if (code == exitUsage) != test.usage {
				t.Errorf("exit code %d\n%s", code, said)
			}
		})
	}
}
