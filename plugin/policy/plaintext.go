package policy

import (
	"context"
	"fmt"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/gate"
)

/*
plaintextSecret denies Secrets with data in the rendering, because they stand
readable in Git and in the tool that syncs them.

Looked at: data and stringData of kind Secret, v1.
Allowed: no data (a controller fills it in, service account tokens for one);
other kinds that make Secrets, such as SealedSecret and ExternalSecret; values
that SOPS encrypted (noted, because whoever applies them must decrypt them).

Rule: secret/plaintext. The finding names keys, never values.
*/
type plaintextSecret struct{}

const rulePlaintextSecret = "secret/plaintext"

func plaintextSecretRule() codeRule {
	return codeRule{engine: func(gate.Gate) engine { return plaintextSecret{} }, page: Rule{
		ID: rulePlaintextSecret, Title: "No Secret stands readable in Git", Severity: "high", Level: "Deny", Adjustable: true,
		Why:        "whoever reads the repository, its history or the rendering reads the values",
		Fix:        "keep the value in a secret store (ExternalSecret), or encrypt it (SealedSecret, SOPS), and replace the value that was shown",
		References: []string{"https://kubernetes.io/docs/concepts/security/secrets-good-practices/"},
		Controls: []string{
			"CIS Kubernetes Benchmark 5.4.2", "NSA/CISA Kubernetes Hardening Guide: secrets", "MITRE ATT&CK T1552.001", "MITRE ATT&CK T1552.007",
		},
	}}
}

func (plaintextSecret) judge(_ context.Context, v *view) []plugin.Finding {
	var findings []plugin.Finding
	for _, object := range v.sealed.Objects {
		id := object.ID()
		if !strings.EqualFold(id.Kind, "Secret") || id.Group() != "" {
			continue
		}
		plain, encrypted := secretKeys(object.Fields)
		if len(plain)+len(encrypted) > 0 {
			findings = append(findings, secretFinding(object, plain, encrypted))
		}
	}
	return findings
}

func secretFinding(object plugin.Object, plain, encrypted []string) plugin.Finding {
	finding := plugin.Finding{Rule: rulePlaintextSecret, Object: object.ID(), Origin: object.Origin}
	if len(plain) == 0 {
		finding.Level = plugin.Info
		finding.Message = fmt.Sprintf("the Secret's values are encrypted by SOPS (%s)", strings.Join(encrypted, ", "))
		finding.Hint = "whoever applies it must decrypt it; Flux does with spec.decryption, Argo CD does not"
		return finding
	}
	finding.Field = strings.SplitN(plain[0], ".", 2)[0]
	finding.Message = fmt.Sprintf("the Secret's values are readable (%s)", strings.Join(plain, ", "))
	finding.Why = "whoever reads the repository, its history or the rendering reads the values"
	finding.Hint = "keep the value in a secret store (ExternalSecret), or encrypt it (SealedSecret, SOPS), and replace the value that was shown"
	return finding
}

// secretKeys lists the keys that have a value, as data.password.
func secretKeys(fields map[string]any) (plain, encrypted []string) {
	for _, section := range []string{"data", "stringData"} {
		values := mapAt(fields, section)
		if values == nil && fields[section] != nil {
			plain = append(plain, section) // not a map: the API server refuses it, nobody can say it is empty
		}
		for _, key := range sortedKeys(values) {
			switch text, isText := values[key].(string); {
			case values[key] == nil, isText && text == "":
			case isText && strings.HasPrefix(text, "ENC[") && strings.HasSuffix(text, "]"):
				encrypted = append(encrypted, section+"."+key)
			default:
				plain = append(plain, section+"."+key)
			}
		}
	}
	return plain, encrypted
}
