package policy

import (
	"maps"
	"regexp"

	"k8s.io/apimachinery/pkg/runtime/schema"
)

// sopsValue is a value that SOPS encrypted.
var sopsValue = regexp.MustCompile(`^ENC\[AES256_GCM,data:[A-Za-z0-9+/=]*,iv:[A-Za-z0-9+/=]+,tag:[A-Za-z0-9+/=]+,type:(str|int|float|bool|bytes|comment)\]$`)

// encryptedBySOPS reports whether a value of the object is one that SOPS
// encrypted: it has the form, and SOPS' own block stands beside it.
func encryptedBySOPS(fields map[string]any, value string) bool {
	return stringAt(mapAt(fields, "sops"), "mac") != "" && sopsValue.MatchString(value)
}

// withoutSOPS is a Secret as far as it can be read before it is decrypted:
// without SOPS' own block, and with empty values for those that are encrypted,
// which are no base64. Whoever applies it decrypts it first. Other objects are
// returned as they are.
func withoutSOPS(kind schema.GroupVersionKind, fields map[string]any) map[string]any {
	if kind.Group != "" || kind.Kind != "Secret" || stringAt(mapAt(fields, "sops"), "mac") == "" {
		return fields
	}
	out := maps.Clone(fields)
	delete(out, "sops")
	for _, section := range []string{"data", "stringData"} {
		if values := mapAt(fields, section); values != nil {
			values = maps.Clone(values)
			for key, value := range values {
				if text, ok := value.(string); ok && encryptedBySOPS(fields, text) {
					values[key] = ""
				}
			}
			out[section] = values
		}
	}
	return out
}
