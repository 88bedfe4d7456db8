package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// kustomization makes the application one that also takes a file into a
// ConfigMap.
func (w *world) kustomization(file string) {
	w.t.Helper()
	w.write("app/web.yaml", deploymentOf(w.image))
	w.write("app/settings.txt", "colour=red\n")
	w.write("app/kustomization.yaml", fmt.Sprintf("apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n- web.yaml\nconfigMapGenerator:\n- name: loot\n  files:\n  - %s\n", file))
}

// chart makes the application a chart with one more template.
func (w *world) chart(template string) {
	w.t.Helper()
	w.write("app/Chart.yaml", "apiVersion: v2\nname: web\nversion: 1.0.0\n")
	w.write("app/values.yaml", "image: "+w.image+"\n")
	w.write("app/templates/web.yaml", deploymentOf("{{ .Values.image }}"))
	w.write("app/templates/more.yaml", template)
}

func TestBadInput_KustomizationThatReadsPasswdIsDenied(t *testing.T) {
	for name, file := range map[string]string{
		"absolute": "/etc/passwd", "upwards": "../../../../../../../../../../etc/passwd", "renamed": "settings.txt=/etc/passwd",
	} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				if bad {
					w.kustomization(file)
					return
				}
				w.kustomization("settings.txt")
			}, denied("render/escape", "kustomization.yaml:8"))
		})
	}
}

func TestBadInput_SymlinkOutOfTheTreeIsDenied(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "settings.txt")
	must(t, os.WriteFile(outside, []byte("colour=red\n"), 0o644))
	for name, target := range map[string]string{"absolute": "/etc/passwd", "another folder": outside, "upwards": "../../../../../../../etc/passwd"} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				must(w.t, os.MkdirAll(filepath.Join(w.dir, "app"), 0o755))
				if bad {
					must(w.t, os.Symlink(target, filepath.Join(w.dir, "app/settings.txt")))
				}
				w.kustomization("settings.txt")
			}, denied("render/escape", "settings.txt"))
		})
	}
}

func TestBadInput_SymlinkedManifestOutOfTheTreeIsDenied(t *testing.T) {
	outside := filepath.Join(t.TempDir(), "more.yaml")
	const more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n"
	must(t, os.WriteFile(outside, []byte(more), 0o644))
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/web.yaml", deploymentOf(w.image))
		if bad {
			must(w.t, os.Symlink(outside, filepath.Join(w.dir, "app/more.yaml")))
		}
		w.write("app/more.yaml", more)
	}, denied("render/escape", "more.yaml"))
}

// bomb is a ConfigMap of that many levels of ten aliases each.
func bomb(levels int) string {
	var text strings.Builder
	text.WriteString("apiVersion: example.com/v1\nkind: Bomb\nmetadata: {name: bomb}\nspec:\n  level0: &level0 [boom]\n")
	for level := 1; level < levels; level++ {
		alias := strings.Repeat(fmt.Sprintf("*level%d, ", level-1), 10)
		fmt.Fprintf(&text, "  level%d: &level%d [%s]\n", level, level, strings.TrimSuffix(alias, ", "))
	}
	return text.String()
}

func TestBadInput_YAMLBombIsDenied(t *testing.T) {
	for name, path := range map[string]string{"directory": "app/bomb.yaml", "kustomize": "app/bomb.yaml", "helm": "app/templates/bomb.yaml"} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				levels := 3
				if bad {
					levels = 12
				}
				w.write(path, bomb(levels))
				switch name {
				case "helm":
					w.chart("")
				case "kustomize":
					w.write("app/kustomization.yaml", "resources: [web.yaml, bomb.yaml]\n")
				}
			}, denied("render/limit", "yamlNodes", "bomb.yaml"))
		})
	}
}

func TestBadInput_MillionLevelsDeepIsDenied(t *testing.T) {
	for name, path := range map[string]string{"yaml": "app/deep.yaml", "json": "app/deep.json", "helm": "app/templates/deep.yaml", "kustomize": "app/deep.yaml"} {
		t.Run(name, func(t *testing.T) {
			twins(t, func(w *world, bad bool) {
				w.sign(trusted())
				depth := 100
				if bad {
					depth = 1_000_000
				}
				w.write(path, fmt.Sprintf(`{"apiVersion":"example.com/v1","kind":"Deep","metadata":{"name":"deep"},"spec":%s%s}`, strings.Repeat("[", depth), strings.Repeat("]", depth)))
				switch name {
				case "helm":
					w.chart("")
				case "kustomize":
					w.write("app/kustomization.yaml", "resources: [web.yaml, deep.yaml]\n")
				}
			}, denied("render/limit", "yamlDepth", "deep."))
		})
	}
}

func TestBadInput_ValuesFileOf200MegabytesIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.chart("")
		w.write("app/big.yaml", "colour: red\n")
		w.args = []string{"--values", "big.yaml"}
		if bad {
			must(w.t, os.Truncate(filepath.Join(w.dir, "app/big.yaml"), 200<<20))
		}
	}, denied("render/limit", "fileBytes", "big.yaml"))
}

func TestBadInput_ManifestOf200MegabytesIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.write("app/web.yaml", deploymentOf(w.image))
		w.write("app/more.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more}\n")
		if bad {
			must(w.t, os.Truncate(filepath.Join(w.dir, "app/more.yaml"), 200<<20))
		}
	}, denied("render/limit", "fileBytes", "more.yaml"))
}

// endless never ends: its loops alone are 10^10 steps.
func endless(steps int) string {
	return fmt.Sprintf("{{ range until %d }}{{ range until %d }}{{ end }}{{ end }}", steps, steps)
}

func TestBadInput_ChartWhoseTemplateNeverEndsIsDenied(t *testing.T) {
	twins(t, func(w *world, bad bool) {
		w.sign(trusted())
		w.args = []string{"--isolated"}
		w.limits["renderSeconds"] = 2 // time enough for the twin where many tests run at once
		if bad {
			w.chart(endless(100_000))
			return
		}
		w.chart(endless(10))
	}, denied("render/limit", "renderSeconds"))
}
