package plugin

import (
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// masked stands in place of what is not shown.
const masked = "***"

func isSecret(id ObjectID) bool { return id.Kind == "Secret" && id.Group() == "" }

// MaskObject returns a Secret with its data hidden, its keys kept; any other
// object is returned as it is.
func MaskObject(object Object) Object {
	if !isSecret(object.ID()) {
		return object
	}
	out := object.DeepCopy()
	for _, field := range []string{"data", "stringData"} {
		if value, found := out.Fields[field]; found {
			out.Fields[field] = maskMembers(value)
		}
	}
	metadata, _ := out.Fields["metadata"].(map[string]any)
	if annotations, found := metadata["annotations"].(map[string]any); found {
		if _, found := annotations[lastApplied]; found {
			annotations[lastApplied] = masked
		}
	}
	return out
}

// lastApplied is the annotation in which kubectl keeps a copy of the object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

func maskMembers(value any) any {
	fields, ok := value.(map[string]any)
	if !ok {
		return masked
	}
	out := map[string]any{}
	for name := range fields {
		out[name] = masked
	}
	return out
}

// maskFindings is the last thing done to findings: Secret data, credentials in
// URLs and control characters leave every text, whoever wrote it.
func (r *run) maskFindings() {
	hidden, given := r.secretsInFindings(), newSecrets(r.secretVariables())
	findings := r.verdict.Findings
	for i := range findings {
		values, known := hidden[findings[i].Object]
		if !known {
			values = given
		}
		findings[i].mask(values)
	}
}

// MaskFindings does to findings that no run made what a run does to its own:
// hidden values, credentials in URLs and control characters leave every text.
func MaskFindings(findings []Finding, hidden []string) {
	values := map[string]bool{}
	for _, value := range hidden {
		values[value] = true
	}
	delete(values, "")
	given := newSecrets(values)
	for i := range findings {
		findings[i].mask(given)
	}
}

// mask hides values in every text of a finding.
func (f *Finding) mask(values *secrets) {
	if isSecret(f.Object) {
		maskChange(f)
	}
	for _, text := range f.texts() {
		*text = plainText(RedactText(values.hide(*text)))
	}
	details := slices.Clone(f.Details)
	for d := range details {
		details[d] = plainText(RedactText(values.hide(details[d])))
	}
	f.Details = details
	f.Image = RedactReference(values.hide(f.Image))
	for _, name := range f.names() {
		*name = plainText(*name)
	}
}

// secretsInFindings are the values of the Secrets that findings are about.
func (r *run) secretsInFindings() map[ObjectID]*secrets {
	values := map[ObjectID]map[string]bool{}
	for _, finding := range r.verdict.Findings {
		if isSecret(finding.Object) {
			values[finding.Object] = r.secretVariables()
		}
	}
	for _, object := range r.objects {
		if found, wanted := values[object.ID()]; wanted {
			addSecrets(found, object)
		}
	}
	hidden := map[ObjectID]*secrets{}
	for id, found := range values {
		hidden[id] = newSecrets(found)
	}
	return hidden
}

// secretVariables are the values that came from Secrets and may stand anywhere
// in what was rendered.
func (r *run) secretVariables() map[string]bool {
	values := map[string]bool{}
	for _, value := range r.source.Hidden {
		values[value] = true
	}
	asked := r.source.Parameters.Flux.PostBuild
	if asked == nil {
		return values
	}
	for _, name := range asked.Secret {
		values[asked.Substitute[name]] = true
		values[strings.ReplaceAll(asked.Substitute[name], "\n", "")] = true
	}
	delete(values, "")
	return values
}

// names are the parts of a finding that the author of an application chose.
func (f *Finding) names() []*string {
	return []*string{&f.Image, &f.Field, &f.Origin.File, &f.Object.APIVersion, &f.Object.Kind, &f.Object.Namespace, &f.Object.Name}
}

func (f *Finding) texts() []*string {
	return []*string{&f.Message, &f.Why, &f.Hint, &f.Was, &f.Now}
}

// maskChange hides the values of a change to a Secret.
func maskChange(finding *Finding) {
	for _, text := range []*string{&finding.Was, &finding.Now} {
		if *text != "" && *text != "null" {
			*text = `"` + masked + `"`
		}
	}
}

// plainText replaces what a terminal or a reader could be misled by: control
// and direction characters, line breaks.
func plainText(text string) string {
	misleading := func(char rune) bool { return char != ' ' && !strconv.IsPrint(char) || char == utf8.RuneError }
	if !strings.ContainsFunc(text, misleading) {
		return text
	}
	var out strings.Builder
	for _, char := range text {
		if misleading(char) {
			quoted := strconv.QuoteRuneToASCII(char)
			out.WriteString(quoted[1 : len(quoted)-1])
			continue
		}
		out.WriteRune(char)
	}
	return out.String()
}

var (
	urlInText    = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^\s"'<>\x60]+`)
	loginInText  = regexp.MustCompile(`[^\s"'<>\x60@/:=]+:[^\s"'<>\x60]*@[^\s"'<>\x60]+`)
	digestInText = regexp.MustCompile(`@[A-Za-z0-9]+(?:[.+_-][A-Za-z0-9]+)*:[0-9a-fA-F]+\W*$`)
	// globInText is a glob over the digests of a repository at a host with a
	// port. No host stands behind its "@", so nothing in front of it is a login.
	globInText = regexp.MustCompile(`^\(?(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\]):[0-9]{1,5}/[^@]*@(?:\*+|[a-z0-9]+:[0-9a-f]*\*+)[^A-Za-z0-9*@./:_-]*$`)
	// hostPattern is a regular expression over identities whose host is written
	// out, dots escaped: its "@" stands in the path, and it has no query.
	hostPattern  = regexp.MustCompile(`^https?://[A-Za-z0-9-]+(?:\\{1,2}\.[A-Za-z0-9-]+)+/[^#=&]*$`)
	schemeOrPurl = regexp.MustCompile(`://|^pkg:`)
)

// RedactText redacts every URL in a text, see [RedactURL], and every user with
// a password in front of a host, see [RedactReference].
func RedactText(text string) string {
	if strings.Contains(text, "://") {
		text = urlInText.ReplaceAllStringFunc(text, func(found string) string {
			bare := strings.TrimRight(found, ".,;:)]}")
			return RedactURL(bare) + found[len(bare):]
		})
	}
	if !strings.Contains(text, "@") {
		return text
	}
	return loginInText.ReplaceAllStringFunc(text, func(found string) string {
		if schemeOrPurl.MatchString(found) || globInText.MatchString(found) {
			return found
		}
		return RedactReference(found)
	})
}

// RedactReference drops a user and password in front of the host of an image
// reference, which has no place for them: whatever stands before an "@" that no
// digest follows.
func RedactReference(text string) string {
	rest, digest := text, ""
	if at := digestInText.FindStringIndex(text); at != nil {
		rest, digest = text[:at[0]], text[at[0]:]
	}
	if strings.Contains(rest, "://") {
		return RedactURL(rest) + digest
	}
	at := strings.LastIndexByte(rest, '@')
	if at < 0 {
		return text
	}
	return masked + rest[at:] + digest
}

// RedactURL drops what may be secret in a URL: the user and password, the
// fragment, and the value of every query parameter but those that name a
// version or a page. What cannot be parsed as a URL keeps nothing before an
// "@" and nothing behind a "?".
func RedactURL(text string) string {
	parsed, err := url.Parse(text)
	if err != nil && hostPattern.MatchString(text) {
		return text
	}
	if err != nil || parsed.Opaque != "" || parsed.Host == "" {
		return redactLoose(text)
	}
	if parsed.User == nil && parsed.RawQuery == "" && parsed.Fragment == "" {
		return text
	}
	parsed.User, parsed.Fragment, parsed.RawFragment = nil, "", ""
	var query []string
	for pair := range strings.SplitSeq(parsed.RawQuery, "&") {
		name, _, valued := strings.Cut(pair, "=")
		harmless := slices.Contains([]string{"ref", "version", "tag", "n", "scope", "service", "artifactType"}, name)
		if valued && !harmless {
			pair = name + "=" + masked
		}
		query = append(query, pair)
	}
	parsed.RawQuery = strings.Join(query, "&")
	return parsed.String()
}

func redactLoose(text string) string {
	scheme, rest, found := strings.Cut(text, "://")
	if !found {
		scheme, rest = "", text
	} else {
		scheme += "://"
	}
	if at := strings.LastIndexByte(rest, '@'); at >= 0 && strings.ContainsAny(rest[:at], ":/") || at >= 0 && found {
		rest = rest[at+1:]
	}
	rest, _, cut := strings.Cut(rest, "?")
	if cut {
		rest += "?" + masked
	}
	return scheme + rest
}
