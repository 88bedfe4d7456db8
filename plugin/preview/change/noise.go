package change

import (
	"regexp"
	"slices"
	"strings"
)

// The reasons for which a field is folded.
const (
	noiseChecksum    = "checksum"
	noiseLabel       = "generated label"
	noiseName        = "generated name"
	noiseCertificate = "certificate"
	noiseTracking    = "tracking"
	noiseOrder       = "order"
	noiseIgnored     = "ignored"
)

// noiseOf says why a field changes with nothing that a reader has to look at;
// empty when it does not.
func noiseOf(d difference) string {
	if d.order {
		return noiseOrder
	}
	if len(d.path) == 0 {
		return ""
	}
	last := d.path[len(d.path)-1]
	if last.item {
		return ""
	}
	key := last.text
	switch {
	case under(d.path, "annotations"):
		return noiseAnnotation(key)
	case under(d.path, "labels"):
		return noiseLabelled(key)
	case key == "caBundle", key == "ca.crt" && under(d.path, "data"):
		return noiseCertificate
	}
	return ""
}

// under reports whether the last key stands in metadata.<holder>, or in data.
func under(path []step, holder string) bool {
	n := len(path)
	if n < 2 || path[n-2].item || path[n-2].text != holder {
		return false
	}
	return holder == "data" || n >= 3 && path[n-3].text == "metadata"
}

func noiseAnnotation(key string) string {
	switch {
	case strings.HasPrefix(key, "checksum/"), strings.HasSuffix(key, "/checksum"), key == "rollme", strings.Contains(key, "/config-hash"), strings.HasSuffix(key, "configHash"):
		return noiseChecksum
	case slices.Contains([]string{lastApplied, "argocd.argoproj.io/tracking-id", "argocd.argoproj.io/installation-id"}, key), strings.HasPrefix(key, "meta.helm.sh/"):
		return noiseTracking
	case key == "helm.sh/chart", key == "app.kubernetes.io/version":
		return noiseLabel
	}
	return ""
}

func noiseLabelled(key string) string {
	switch key {
	case "helm.sh/chart", "app.kubernetes.io/version", "chart", "heritage":
		return noiseLabel
	case "app.kubernetes.io/instance-id", "argocd.argoproj.io/instance":
		return noiseTracking
	case "kustomize.toolkit.fluxcd.io/checksum":
		return noiseChecksum
	}
	if strings.HasPrefix(key, "checksum/") {
		return noiseChecksum
	}
	return ""
}

// hashedName is a name with kustomize's hash of the content behind it (kustomize,
// api/hasher: ten characters of an alphabet without vowels).
var hashedName = regexp.MustCompile(`^(.+)-[bcdfghkmt2456789]{10}$`)

// stem is a generated name without its hash; false when it has none.
func stem(name string) (string, bool) {
	match := hashedName.FindStringSubmatch(name)
	if match == nil {
		return "", false
	}
	return match[1], true
}
