package discover

import (
	"bytes"
	"regexp"
	"unicode/utf8"
)

// groupLine is a line that names one of the API groups of definitions.
var groupLine = regexp.MustCompile(`apiVersion[^\n]*(argoproj\.io|fluxcd\.io|fluxcd\.controlplane\.io|assay\.dev)/`)

// groupVersion is one of the groups with a version, wherever it stands: YAML has
// many ways to put it beside its key.
var groupVersion = regexp.MustCompile(`(argoproj\.io|fluxcd\.io|fluxcd\.controlplane\.io|assay\.dev)\\?/\\?v[0-9]`)

// ownGroupLine is a group at the beginning of a line: a kustomization that is an
// object of Flux and not a file for kustomize.
var ownGroupLine = regexp.MustCompile(`(?m)^apiVersion[^\n]*(argoproj\.io|fluxcd\.io|fluxcd\.controlplane\.io|assay\.dev)/`)

// veiledGroup is where YAML may say a group in other letters: apiVersion is an
// alias, a block, has a tag, a remark or an escape, or a key is written in
// escapes, as an alias or explicitly.
var veiledGroup = regexp.MustCompile(`apiVersion["']?\s*:\s*(?:[|>*&!#]|"[^"]*\\)|"[^"\n]*\\[^"\n]*"\s*:|(?m:^[ \t-]*\*[^\s:]+\s*:|^[ \t-]*\?[ \t]|[{,]\s*[?*])|!!binary`)

// mayDefine reports whether a file may hold a definition. It is asked of every
// file, so what no definition can do without is looked for first.
func mayDefine(data []byte) bool {
	if !utf8.Valid(data) || bytes.IndexByte(data, 0) >= 0 {
		return true // the reader says what is wrong with it
	}
	for _, group := range []string{"argoproj.io", "fluxcd.io", "fluxcd.controlplane.io", "assay.dev"} {
		if bytes.Contains(data, []byte(group)) {
			return groupLine.Match(data) || groupVersion.Match(data) || veiledGroup.Match(data)
		}
	}
	return bytes.IndexByte(data, '\\') >= 0 && veiledGroup.Match(data) || bytes.Contains(data, []byte("!!binary"))
}
