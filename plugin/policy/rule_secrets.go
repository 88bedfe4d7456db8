package policy

import (
	"fmt"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/apiserver"
)

const goodPractices = "https://kubernetes.io/docs/concepts/security/secrets-good-practices/"

func secretControls(more ...string) []string {
	return append([]string{"CIS Kubernetes Benchmark 5.4.2", "NSA/CISA Kubernetes Hardening Guide: secrets", "MITRE ATT&CK T1552.001"}, more...)
}

/*
bareSecretRule denies Secrets with readable values in the rendering.

Looked at: data and stringData of kind Secret, v1.
Allowed: no value (a controller fills it in); other kinds that make Secrets, such
as SealedSecret, ExternalSecret and SecretProviderClass; values that SOPS
encrypted, each whole and with SOPS' own block beside it, which are noted.
Stricter than secret/plaintext in what it takes for encrypted.
*/
func bareSecretRule() codeRule {
	return overView(Rule{
		ID: "secrets/bare-secret", Title: "No Secret stands readable in Git", Severity: "high", Level: "Deny",
		Why:        "whoever reads the repository, its history or the rendering reads the values; base64 is no encryption",
		Fix:        "keep the value in a secret store (ExternalSecret, SecretProviderClass), or encrypt it (SealedSecret, SOPS by value), and replace the value that was shown",
		References: []string{goodPractices}, Controls: secretControls("MITRE ATT&CK T1552.007"),
	}, func(page Rule, v *view) []plugin.Finding {
		var findings []plugin.Finding
		for _, object := range v.sealed.Objects {
			if id := object.ID(); !strings.EqualFold(id.Kind, "Secret") || id.Group() != "" {
				continue
			}
			plain, encrypted := bareKeys(object.Fields)
			if len(plain)+len(encrypted) > 0 {
				finding := secretFinding(object, plain, encrypted)
				finding.Rule = page.ID
				findings = append(findings, finding)
			}
		}
		return findings
	})
}

// bareKeys are [secretKeys], with what SOPS would not have written among the
// plain ones.
func bareKeys(fields map[string]any) (plain, encrypted []string) {
	plain, said := secretKeys(fields)
	for _, path := range said {
		section, key, _ := strings.Cut(path, ".")
		if encryptedBySOPS(fields, stringAt(mapAt(fields, section), key)) {
			encrypted = append(encrypted, path)
		} else {
			plain = append(plain, path)
		}
	}
	return plain, encrypted
}

/*
knownFormatRule denies values that have the form of a known issuer's
credentials, wherever they stand.

Looked at: every text of every object, annotations among them, but for a
Secret's values (secrets/bare-secret), environment variables whose name says it
already (secrets/env-literal), what SealedSecrets and SOPS encrypted, and the
schemas of CustomResourceDefinitions.
The finding names the field and the issuer, never the value.
*/
func knownFormatRule() codeRule {
	formats := credentialFormats()
	return overView(Rule{
		ID: "secrets/known-format", Title: "No value has the form of a credential", Severity: "critical", Level: "Deny",
		Why:        "whoever reads the repository, its history or the rendering can use it; such forms are searched for by machines",
		Fix:        "take it out, keep it in a secret store, and have it replaced where it was issued",
		References: []string{goodPractices}, Controls: secretControls(),
	}, func(page Rule, v *view) []plugin.Finding {
		var findings []plugin.Finding
		for _, s := range v.rendered() {
			if apiserver.IsDefinition(s.id) || s.kind.Kind == "SealedSecret" {
				continue
			}
			walk := textWalk{secret: s.kind.Group == "" && s.kind.Kind == "Secret"}
			walk.value(v.fields(s), "", func(path, text string) {
				if what := knownCredential(formats, text); what != "" {
					findings = append(findings, page.against(s, path, "the value has the form of "+what))
				}
			})
		}
		return findings
	})
}

// textWalk hands over every text of an object with its path, in the order of
// names.
type textWalk struct{ secret bool }

func (w textWalk) value(value any, path string, text func(path, text string)) {
	switch typed := value.(type) {
	case string:
		text(path, typed)
	case []any:
		for i, item := range typed {
			w.value(item, fmt.Sprintf("%s[%d]", path, i), text)
		}
	case map[string]any:
		if name := stringAt(typed, "name"); strings.Contains(path, ".env[") && namesCredential(name) {
			return
		}
		for _, key := range sortedKeys(typed) {
			if path == "" && (key == "sops" || w.secret && (key == "data" || key == "stringData")) {
				continue
			}
			w.value(typed[key], plugin.JoinField(path, key), text)
		}
	}
}

/*
configMapRule denies credentials in ConfigMaps.

Looked at: the keys of data, and the settings in their values, one a line, as in
properties, dotenv, INI, YAML and JSON files. What has a known issuer's form is
left to secrets/known-format.
Allowed: references such as ${DB_PASSWORD}, paths, numbers, switches,
placeholders in <>, and empty values.
The finding names keys and settings, never values.
*/
func configMapRule() codeRule {
	return overSubjects(Rule{
		ID: "secrets/config-map", Title: "No credential stands in a ConfigMap", Severity: "high", Level: "Deny",
		Why:        "a ConfigMap is read by far more accounts than a Secret, and stands readable in Git",
		Fix:        "move the value to a Secret that is not in Git as plain text, refer to it from the file, and replace the value that was shown",
		References: []string{goodPractices}, Controls: secretControls(),
	}, func(page Rule, s *subject) []plugin.Finding {
		config, ok := s.object.(*corev1.ConfigMap)
		if !ok {
			return nil
		}
		var findings []plugin.Finding
		for _, key := range sortedKeys(config.Data) {
			if said := saysCredential(key, config.Data[key]); said != "" {
				findings = append(findings, page.against(s, plugin.JoinField("data", key), said))
			}
		}
		return findings
	})
}

// saysCredential is what a setting, or a file of settings, gives away; empty
// when it is nothing.
func saysCredential(key, text string) string {
	if knownCredential(credentialFormats(), text) != "" {
		return ""
	}
	if namesCredential(key) && isLiteral(text) {
		return "the name says that the value is a credential"
	}
	if !strings.ContainsAny(text, ":=") {
		return ""
	}
	names := credentialLines(text)
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "the text sets " + strings.Join(slices.Compact(names), ", ") + " to a literal value"
}
