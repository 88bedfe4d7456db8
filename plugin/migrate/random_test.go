package migrate_test

import (
	"context"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
	"github.com/assay-gitops/assay/plugin/migrate"
	"github.com/assay-gitops/assay/plugin/setup"
)

// random is a chart with a template of its own.
func random(template string) map[string]string {
	return map[string]string{
		"random/Chart.yaml": "apiVersion: v2\nname: random\nversion: 1.0.0\n", "random/templates/a.yaml": template,
		"apps/app.yaml": application("path: random\nhelm: {}"),
	}
}

func TestMigrate_WhatIsRandomIsToldApartFromADifference(t *testing.T) {
	t.Parallel()
	const head = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\n"
	for name, c := range map[string]struct{ template, varies, unproven string }{
		"a password":      {head + "stringData:\n  b: {{ randAlphaNum 20 | quote }}\n  c: d\n", "secret/a: stringData.b", ""},
		"a key":           {head + "stringData:\n  b: {{ genPrivateKey \"ed25519\" | quote }}\n", "secret/a: stringData.b", ""},
		"the time":        {head + "  annotations: {at: {{ now | date \"2006-01-02T15:04:05.000000000\" | quote }}}\n", "secret/a: metadata.annotations.at", ""},
		"a random name":   {"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a-{{ randAlphaNum 20 | lower }}}\n", "", "renders to other objects each time"},
		"a random number": {"{{ range until (int (randNumeric 6)) }}{{ end }}" + head, "", ""},
		"nothing":         {head, "", ""},
	} {
		files := run(t, tree(t, random(c.template)), "apps")
		if len(files) != 1 || len(files[0].Different) > 0 || len(files[0].Refused) > 0 {
			t.Errorf("%s: %+v", name, files)
			continue
		}
		said := ""
		for _, each := range files[0].Varies {
			said += each.Reason
		}
		if (c.varies == "") != (said == "") || !strings.Contains(said, c.varies) {
			t.Errorf("%s varies by %q", name, said)
		}
		if c.unproven != "" {
			if files[0].MayWrite(false) || len(files[0].Unproven) != 1 || !strings.Contains(files[0].Unproven[0].Reason, c.unproven) {
				t.Errorf("%s: %+v", name, files[0])
			}
		} else if !files[0].MayWrite(false) || files[0].Proven != 1 {
			t.Errorf("%s is not proven: %+v", name, files[0])
		}
	}
}

// hardening is what the embedded gate fills in, and no registry is asked.
func hardening(t *testing.T, options migrate.Options) migrate.Options {
	t.Helper()
	s, err := setup.New(setup.Options{Config: gate.Default()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	options.Harden = func(ctx context.Context, source plugin.Source, rendering plugin.Rendering) *plugin.Verdict {
		return migrate.Unasked(ctx, s, source, rendering)
	}
	return options
}
