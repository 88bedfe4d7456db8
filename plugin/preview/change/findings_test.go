package change_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/preview/change"
)

func web() plugin.ObjectID {
	return plugin.ObjectID{APIVersion: "apps/v1", Kind: "Deployment", Namespace: "shop", Name: "web"}
}

// found are the findings of that rule.
func found(app change.Application, rule string) []change.Finding {
	return slices.DeleteFunc(slices.Clone(app.Findings), func(f change.Finding) bool { return f.Rule != rule })
}

func TestFindings_EveryPairOfLevels(t *testing.T) {
	const none = plugin.Level(-7)
	// what the change does: N new denial, U new question, F fixed, S still there,
	// "." not worth a line, n new note or warning.
	table := map[plugin.Level]string{
		//                   deny undetermined warn info none
		plugin.Deny:         "S" + "S" + "S" + "S" + "F",
		plugin.Undetermined: "N" + "S" + "S" + "S" + "F",
		plugin.Warn:         "N" + "U" + "S" + "S" + "F",
		plugin.Info:         "N" + "U" + "S" + "." + "F",
		none:                "N" + "U" + "n" + "n" + ".",
	}
	levels := []plugin.Level{plugin.Deny, plugin.Undetermined, plugin.Warn, plugin.Info, none}
	for base, row := range table {
		for i, head := range levels {
			side := func(level plugin.Level) world {
				w := world{manifests: deployment}
				if level != none {
					w.findings = []plugin.Finding{{Rule: "x/y", Level: level, Object: web(), Message: "it is wrong"}}
				}
				return w
			}
			app := compare(t, side(base), side(head))
			summary := change.Summarise(change.Header{}, []change.Application{app}).Summary
			got := "."
			if all := found(app, "x/y"); len(all) == 1 {
				got = map[change.State]string{change.New: "n", change.Still: "S", change.Fixed: "F"}[all[0].State]
				if want := base != head && base != none && head != none; (all[0].BaseLevel != nil) != want {
					t.Errorf("%v on the base, %v on the head: the base's level is %v", base, head, all[0].BaseLevel)
				}
			}
			switch {
			case summary.NewDenials == 1:
				got = "N"
			case summary.NewUndetermined == 1:
				got = "U"
			}
			if want := row[i : i+1]; got != want {
				t.Errorf("%v on the base, %v on the head: got %s, want %s", base, head, got, want)
			}
		}
	}
}

func TestFindings_AreTheSameThroughOtherTagsPlacesAndNames(t *testing.T) {
	side := "      - {name: side, image: registry.example.com/shop/side:1.0}\n"
	two := deployment + side
	swapped := replaced(t, deployment, "      - name: web\n", side+"      - name: web\n")
	privileged := func(index string) plugin.Finding {
		return plugin.Finding{Rule: "x/y", Object: web(), Field: "spec.template.spec.containers[" + index + "].securityContext.privileged", Message: "it is privileged"}
	}
	unsigned := func(tag string) plugin.Finding {
		return plugin.Finding{Rule: "x/y", Object: web(), Image: webRepository + ":" + tag, Digest: digestOf(tag), Message: "nobody signed " + tag}
	}
	for name, test := range map[string]struct {
		base, head string
		was, now   plugin.Finding
		state      change.State
	}{
		"AnotherPlaceOfTheContainer":  {two, swapped, privileged("0"), privileged("1"), change.Still},
		"AnotherContainerInThatPlace": {two, swapped, privileged("0"), privileged("0"), change.New},
		"AnotherTag":                  {deployment, replaced(t, deployment, ":1.0", ":1.1"), unsigned("1.0"), unsigned("1.1"), change.Still},
		"AnotherGate":                 {deployment, deployment, unsigned("1.0"), plugin.Finding{Rule: "x/z", Object: web(), Message: "nobody signed 1.0"}, change.New},
	} {
		t.Run(name, func(t *testing.T) {
			app := compare(t, world{manifests: test.base, findings: []plugin.Finding{test.was}}, world{manifests: test.head, findings: []plugin.Finding{test.now}})
			all := found(app, test.now.Rule)
			if len(all) == 0 || all[0].State != test.state {
				t.Errorf("got %+v", all)
			}
		})
	}
}

func TestFindings_AnOldDenialOfAnotherTagSaysWhatTheBaseHad(t *testing.T) {
	side := func(tag string) world {
		return world{manifests: replaced(t, deployment, ":1.0", ":"+tag), findings: []plugin.Finding{{Rule: "x/y", Image: webRepository + ":" + tag, Message: "nobody signed it"}}}
	}
	all := found(compare(t, side("1.1"), side("1.2")), "x/y")
	if len(all) != 1 || all[0].State != change.Still || !strings.Contains(strings.Join(all[0].Details, "\n"), "the base has it for "+webRepository+":1.1") {
		t.Errorf("got %+v", all)
	}
}

func TestFindings_AnImageIsTheSameWhereverItIsUsedFirst(t *testing.T) {
	finding := func(object string) plugin.Finding {
		id := web()
		id.Name = object
		return plugin.Finding{Rule: "x/y", Object: id, Image: webRepository + ":1.0", Message: "nobody signed it"}
	}
	base := world{manifests: deployment, findings: []plugin.Finding{finding("web")}}
	head := world{manifests: deployment + "\n---\n" + replaced(t, deployment, "name: web,", "name: api,"), findings: []plugin.Finding{finding("api")}}
	if all := found(compare(t, base, head), "x/y"); len(all) != 1 || all[0].State != change.Still {
		t.Errorf("got %+v", all)
	}
	head.findings = append(head.findings, finding("web"))
	if all := found(compare(t, base, head), "x/y"); len(all) != 2 || all[0].State != change.New || all[0].Object.Name != "api" {
		t.Errorf("got %+v", all)
	}
}

func TestFindings_TheSameArtifactIsTheSameWhoeverUsesItAndAnotherIsNot(t *testing.T) {
	finding := func(object, tag string) plugin.Finding {
		id := web()
		id.Name = object
		return plugin.Finding{Rule: "x/y", Object: id, Image: webRepository + ":" + tag, Digest: digestOf(tag), Message: "nobody signed it"}
	}
	other := func(tag string) string { return replaced(t, deployment, "name: web,", "name: api,", ":1.0", ":"+tag) }
	base := world{manifests: deployment, findings: []plugin.Finding{finding("web", "1.0")}}
	for tag, state := range map[string]change.State{"1.0": change.Still, "1.1": change.New} {
		head := world{manifests: other(tag), findings: []plugin.Finding{finding("api", tag)}}
		if all := found(compare(t, base, head), "x/y"); len(all) == 0 || all[0].State != state {
			t.Errorf("%s: got %+v", tag, all)
		}
	}
	mended := world{manifests: replaced(t, deployment, ":1.0", ":2.0") + "\n---\n" + other("1.1"), findings: []plugin.Finding{finding("api", "1.1")}}
	if all := found(compare(t, base, mended), "x/y"); len(all) != 2 || all[0].State != change.New || all[1].State != change.Fixed {
		t.Errorf("got %+v", all)
	}
	moved := world{manifests: other("1.1") + "\n---\n" + replaced(t, deployment, ":1.0", ":1.1"), findings: []plugin.Finding{finding("api", "1.1")}}
	if all := found(compare(t, base, moved), "x/y"); len(all) != 1 || all[0].State != change.Still {
		t.Errorf("got %+v", all)
	}
}

func TestFindings_FollowAGeneratedName(t *testing.T) {
	side := func(hash, value string) world {
		id := plugin.ObjectID{APIVersion: "v1", Kind: "ConfigMap", Namespace: "shop", Name: "settings-" + hash}
		return world{
			manifests: "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings-" + hash + ", namespace: shop}\ndata: {a: " + value + "}\n",
			findings:  []plugin.Finding{{Rule: "x/y", Object: id, Message: "it is wrong"}},
		}
	}
	if all := found(compare(t, side("2b4c6d7f8g", "a"), side("9h8g7f6d5c", "b")), "x/y"); len(all) != 1 || all[0].State != change.Still {
		t.Errorf("got %+v", all)
	}
}

func TestFindings_WhatAssayChangedIsToldByTheObjects(t *testing.T) {
	if all := found(compare(t, world{manifests: ""}, world{manifests: deployment}), "harden/run-as-non-root"); len(all) > 0 {
		t.Errorf("got %+v", all)
	}
}

func TestFindings_ADenialWithoutAnAnswerOnTheBaseSaysSo(t *testing.T) {
	side := func(level plugin.Level) world {
		return world{manifests: deployment, findings: []plugin.Finding{{Rule: "x/y", Level: level, Object: web(), Message: "it is wrong"}}}
	}
	all := found(compare(t, side(plugin.Undetermined), side(plugin.Deny)), "x/y")
	if len(all) != 1 || !strings.Contains(strings.Join(all[0].Details, "\n"), "the base has no answer to this") {
		t.Errorf("got %+v", all)
	}
}
