package discover_test

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/assay-gitops/assay/plugin/preview/discover"
)

// asUTF16 is a text as editors of Windows write it.
func asUTF16(text string) string {
	out := []byte{0xff, 0xfe}
	for _, unit := range utf16.Encode([]rune(text)) {
		out = binary.LittleEndian.AppendUint16(out, unit)
	}
	return string(out)
}

func TestFiles_ADefinitionIsFoundHoweverYAMLWritesItsGroup(t *testing.T) {
	const plain = "apiVersion: argoproj.io/v1alpha1"
	json := `{"apiVersion":"argoproj.io\/v1alpha1","kind":"Application","metadata":{"name":"hidden"},"spec":{"source":{"repoURL":"r","path":"p"}}}`
	if found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{"a.json": json})); len(found.Applications)+len(found.Unseen) != 1 {
		t.Errorf("JSON with an escaped slash is not seen: %+v", found)
	}
	for name, written := range map[string]string{
		"as everybody does":         plain,
		"on the next line":          "apiVersion:\n  argoproj.io/v1alpha1",
		"behind a remark":           "apiVersion: # the group\n  \"argoproj\\x2eio/v1alpha1\"",
		"folded":                    "apiVersion: >-\n  argoproj.io/v1alpha1",
		"with an escape":            `apiVersion: "argoproj\u002eio/v1alpha1"`,
		"with an escaped slash":     `apiVersion: "argoproj.io\/v1alpha1"`,
		"over a broken line":        "apiVersion: \"argoproj.io\\\n  /v1alpha1\"",
		"by an alias":               "metadata: &x {name: x}\nx: &v \"argoproj\\x2eio/v1alpha1\"\napiVersion: *v",
		"with an escape in the key": `"api\x56ersion": argoproj.io/v1alpha1`,
		"both escaped":              `"api\x56ersion": "argoproj\x2eio/v1alpha1"`,
		"as an explicit key":        "? apiVersion\n: argoproj.io/v1alpha1",
		"as an explicit key and an escape": "? apiVersion # key\n" +
			`: "argoproj\x2eio/v1alpha1"`,
		"with a tag": "apiVersion: !!str argoproj.io/v1alpha1",
	} {
		text := strings.Replace(defined("hidden"), plain, written, 1)
		if name == "by an alias" {
			text = strings.Replace(text, "metadata: &x {name: x}\n", "", 1)
		}
		t.Run(name, func(t *testing.T) {
			found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{"a.yaml": text}))
			if name == "with an escaped slash" && strings.Contains(reasons(found.Unseen), "unknown escape") {
				return // the reader does not take it, and that is told
			}
			if got := names(found); len(got) != 1 || !strings.HasPrefix(got[0], "hidden a.yaml:") {
				t.Errorf("%q, %+v", got, found.Unseen)
			}
		})
	}
}

func TestFiles_AFileInAnotherEncodingIsReadOrTold(t *testing.T) {
	found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{"a.yaml": asUTF16(defined("hidden"))}))
	if len(found.Applications)+len(found.Unseen) != 1 {
		t.Errorf("%+v", found)
	}
}

func TestFiles_WhatOnlyMentionsAGroupIsNothing(t *testing.T) {
	found, _ := discover.Files(t.Context(), treeOf(t, map[string]string{
		"wave.yaml":        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, annotations: {argocd.argoproj.io/sync-wave: '1'}}\n",
		"text.yaml":        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: text}\ndata: {text: \"a\\tb: argoproj.io/v1alpha1\"}\n",
		"values.yaml":      "apiVersions: [argoproj.io/v1alpha1]\n",
		"images.lock.yaml": "apiVersion: assay.dev/v1alpha1\nkind: ImagesLock\nimages: []\n",
	}))
	if len(found.Applications)+len(found.Unseen) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestFiles_ALinkToAFileOfAnotherNameIsReadWhereItStands(t *testing.T) {
	tree := treeOf(t, map[string]string{"texts/app.txt": defined("linked"), "texts/plain.yaml": defined("plain"), "apps/x": ""})
	for link, to := range map[string]string{"apps/a.yaml": "../texts/app.txt", "apps/b.yaml": "../texts/plain.yaml", "apps/c.yaml": "../../outside.txt"} {
		if err := os.Symlink(to, filepath.Join(tree.Root.Name(), link)); err != nil {
			t.Fatal(err)
		}
	}
	found, _ := discover.Files(t.Context(), tree)
	if got := names(found); !slices.Equal(got, []string{"linked apps/a.yaml:1", "plain texts/plain.yaml:1"}) {
		t.Errorf("%q", got)
	}
	if got := reasons(found.Unseen); !strings.HasPrefix(got, "apps/c.yaml") {
		t.Errorf("a link that leads out is not told: %q", got)
	}
}
