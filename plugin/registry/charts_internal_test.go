package registry

import (
	"errors"
	"strings"
	"testing"
)

func TestFindChart_StylesOfIndexes(t *testing.T) {
	for name, index := range map[string]string{
		"items as deep as their key": "entries:\n  team-a:\n  - urls:\n    - a.tgz\n    version: 0.1.0\n",
		"items deeper":               "entries:\n    team-a:\n      - version: 0.1.0\n        urls:\n          - a.tgz\n",
		"dash alone":                 "entries:\n  team-a:\n  -\n    version: 0.1.0\n    urls: [a.tgz]\n",
		"quoted":                     "---\n\"entries\":\n  'team-a':\n  - \"version\": \"0.1.0\"\n    'urls':\n    - 'a.tgz'\n",
		"carriage returns":           "entries:\r\n  team-a:\r\n  - version: 0.1.0\r\n    urls:\r\n    - a.tgz\r\n",
		"comments and empty lines":   "# index\n\nentries: # all\n\n# team-a\n  team-a:\n# more\n  - version: 0.1.0\n\n    urls:\n    - a.tgz\n",
		"others around it":           "apiVersion: v1\nentries:\n  team:\n  - version: 0.1.0\n    urls: [b.tgz]\n  team-a:\n  - version: 0.1.0\n    urls: [a.tgz]\n  team-a-b:\n  - version: 0.1.0\n    urls: [b.tgz]\ngenerated: now\n",
		"fields of the same name": "entries:\n  team-a:\n  - dependencies:\n    - name: x\n      version: 0.9.9\n      urls: [b.tgz]\n    version: 0.1.0\n" +
			"    description: >\n      text\n      urls: [b.tgz]\n    urls:\n    - a.tgz\n",
		"entries elsewhere": "annotations:\n  entries:\n    team-a:\n    - version: 0.1.0\n      urls: [b.tgz]\nentries:\n  team-a:\n  - version: 0.1.0\n    urls: [a.tgz]\n",
	} {
		entry, err := findChart([]byte(index), "team-a", "0.1.0")
		if err != nil || len(entry.URLs) != 1 || entry.URLs[0] != "a.tgz" {
			t.Errorf("%s: got %v, %v", name, entry, err)
		}
		if _, err := findChart([]byte(index), "team-a", "0.1.1"); !errors.Is(err, ErrNotFound) {
			t.Errorf("%s: another version: %v", name, err)
		}
	}
}

func TestFindChart_BrokenIndexIsNotAnAnswer(t *testing.T) {
	for name, index := range map[string]string{
		"one line":         "entries: {team-a: [{version: 0.1.0}]}\n",
		"chart in a line":  "entries:\n  team-a: [{version: 0.1.0}]\n",
		"entries as text":  "entries: team-a\n",
		"entries are gone": "apiVersion: v1\n",
		"fields of others": "entries:\n  team-a:\n  - version: [0.1.0]\n",
		"bad YAML":         "entries:\n  team-a:\n  - version: \"0.1.0\n",
		"unknown alias":    "x: &x [a.tgz]\nentries:\n  team-a:\n  - urls: *x\n    version: 0.1.0\n",
		"entry of 64 KiB":  "entries:\n  team-a:\n  - version: 0.1.0\n    urls: [" + strings.Repeat("a,", 64<<10) + "]\n",
	} {
		if entry, err := findChart([]byte(index), "team-a", "0.1.0"); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("%s: got %v, %v", name, entry, err)
		}
	}
}

func TestFindChart_ParsesNoMoreThanTheWantedVersion(t *testing.T) {
	bomb := "[" + strings.Repeat("a,", 1<<20) + "]"
	aliases := "\n    a: &a [x,x,x,x,x,x,x,x,x]\n    b: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\n    c: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\n"
	index := []byte("junk: " + bomb + "\nentries:\n  other: " + bomb + "\n  team-a:\n  - version: 0.2.0\n    keywords: " + bomb + aliases +
		"  - version: 0.1.0\n    urls: [a.tgz]\n    keywords: " + strings.Repeat("[", 1<<20) + "\n")
	var entry chartEntry
	var err error
	allocations := testing.AllocsPerRun(1, func() { entry, err = findChart(index, "team-a", "0.1.0") })
	if err != nil || len(entry.URLs) != 1 {
		t.Fatalf("got %v, %v", entry, err)
	}
	if allocations > 1000 {
		t.Errorf("%v allocations for two versions", allocations)
	}
}

func FuzzFindChart(f *testing.F) {
	f.Add([]byte("entries:\n  team-a:\n  - urls:\n    - a.tgz\n    version: 0.1.0\n"))
	f.Add([]byte(`{"entries":{"team-a":[{"version":"0.1.0","urls":["a.tgz"]}]}}`))
	f.Add([]byte("entries:\n  team-a:\n  - &a\n    version: *a\n-\n - -\n"))
	f.Fuzz(func(t *testing.T, index []byte) {
		entry, err := findChart(index, "team-a", "0.1.0")
		if err == nil && entry.Version != "0.1.0" || err != nil && entry.Version != "" {
			t.Errorf("got %v, %v", entry, err)
		}
	})
}
