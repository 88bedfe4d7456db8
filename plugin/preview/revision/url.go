package revision

import (
	"net/url"
	"regexp"
	"strings"
)

// shortForm is "user@host:path", as ssh and git read it: no slash stands before
// the colon. A single letter is a drive.
var shortForm = regexp.MustCompile(`^(?:[^/@:]+@)?(\[[^\]/]+\]|[^/@:\[\]]{2,}):(.*)$`)

// NormalizeURL is the form in which two URLs of one repository are equal:
// "host/path" in lower case, as Argo CD compares them (util/git,
// NormalizeGitURL), and without what that keeps apart: the scheme, the user and
// password, the default port, slashes at the end. A folder keeps its case, and
// starts with a slash. It is empty for what names no repository, which equals
// nothing: a text that cannot be read, a relative path, a URL with a query or a
// fragment.
func NormalizeURL(text string) string {
	text = strings.TrimSpace(text)
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return ""
	}
	if strings.HasPrefix(text, "/") {
		return localForm(text)
	}
	if !strings.Contains(text, "://") {
		parts := shortForm.FindStringSubmatch(text)
		if parts == nil {
			return ""
		}
		return remoteForm(parts[1], parts[2])
	}
	parsed, err := url.Parse(text)
	if err != nil || parsed.RawQuery != "" || parsed.Fragment != "" || parsed.Opaque != "" {
		return ""
	}
	scheme := strings.TrimPrefix(strings.ToLower(parsed.Scheme), "git+")
	if scheme == "file" && (parsed.Host == "" || parsed.Host == "localhost") {
		return localForm(parsed.Path)
	}
	defaults := map[string]string{"https": "443", "http": "80", "ssh": "22", "git": "9418"}
	port, known := defaults[scheme]
	if !known {
		return ""
	}
	return remoteForm(strings.TrimSuffix(parsed.Host, ":"+port), parsed.Path)
}

func remoteForm(host, path string) string {
	path = trimRepository(strings.Trim(path, "/"))
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if host == "" || path == "" {
		return ""
	}
	return host + "/" + strings.ToLower(path)
}

func localForm(path string) string {
	if path = trimRepository(strings.TrimRight(path, "/")); path == "" {
		return ""
	}
	return path
}

func trimRepository(path string) string {
	if len(path) >= len(".git") && strings.EqualFold(path[len(path)-len(".git"):], ".git") {
		path = path[:len(path)-len(".git")]
	}
	return strings.TrimRight(path, "/")
}
