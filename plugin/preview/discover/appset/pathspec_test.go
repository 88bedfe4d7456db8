package appset

import "testing"

// plainMatch is what wildmatch does, written as the definition reads; it takes
// exponential time.
func plainMatch(pattern, text string) bool {
	switch {
	case pattern == "":
		return text == ""
	case pattern[0] == '*':
		for i := 0; i <= len(text); i++ {
			if plainMatch(pattern[1:], text[i:]) {
				return true
			}
		}
		return false
	case text == "":
		return false
	}
	matched, next := matchByte(pattern, 0, text[0])
	return matched && plainMatch(pattern[next:], text[1:])
}

func FuzzWildmatch(f *testing.F) {
	for _, pattern := range []string{"a*b", "**", "*a*b*", "[a-c]?", "[!a]", "[[:alpha:]]*", `\*`, "[", "[]]", "[a", `\`, "[a-", `[\]]`, "[[:no:]]", "a[b-]c", "[^-a]"} {
		f.Add(pattern, "apps/alpha/config.json")
		f.Add(pattern, "ab")
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if len(pattern) > 12 || len(text) > 12 {
			return
		}
		if is, want := wildmatch(pattern, text), plainMatch(pattern, text); is != want {
			t.Errorf("wildmatch(%q, %q) is %v", pattern, text, is)
		}
	})
}

// TestPathspec holds what git ls-files answers.
func TestPathspec(t *testing.T) {
	for _, test := range []struct {
		pattern, file string
		takes         bool
	}{
		{"config", "config/dev/config.json", true}, {"conf", "config/dev/config.json", false}, {"config/", "config/dev/config.json", true},
		{"config/dev/config.json", "config/dev/config.json", true}, {"config/*/config.json", "config/prod/eu/config.json", true},
		{"*.json", "config/dev/config.json", true}, {"config?dev/*", "config/dev/config.json", true}, {"config/[!p]*", "config/prod/config.json", false},
		{"config/{dev,prod}/config.json", "config/dev/config.json", false}, {".", "config/dev/config.json", true}, {"./config", "config/a", true},
		{"[[:alpha:]]onfig/*", "config/a", true}, {"[[:digit:]]onfig/*", "config/a", false}, {"a[b-d]e", "ace", true}, {"a[b-d]e", "aee", false},
		{`a\*b`, "a*b", true}, {`a\*b`, "axb", false}, {"a[*]b", "a[*]b", true}, {"[a", "[a", true}, {"[a", "a", false},
	} {
		spec, err := newPathspec(test.pattern)
		if err != nil || spec.matches(test.file) != test.takes {
			t.Errorf("%q takes %q: %v, expected %v (%v)", test.pattern, test.file, !test.takes, test.takes, err)
		}
	}
	for _, outside := range []string{"../x", "/x", "a/../../x", ":(glob)x", ":!x"} {
		if _, err := newPathspec(outside); err == nil {
			t.Errorf("%q is taken", outside)
		}
	}
}
