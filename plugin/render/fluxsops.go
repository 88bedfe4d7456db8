package render

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/assay-gitops/assay/plugin"
)

// sopsMark begins every value that SOPS encrypted.
const sopsMark = "ENC[AES256_GCM,"

// sopsField holds what SOPS says about a file: keys, and a code over its
// values.
const sopsField = "sops"

// encrypted are the places where SOPS hides what would be deployed. Flux
// decrypts every object that has SOPS' own field, whatever its kind, after it
// was judged. In the data of a Secret ciphertext is as good as clear text:
// nobody judges either.
func encrypted(objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, object := range objects {
		fields := encryptedFields(object)
		if len(fields) == 0 {
			continue
		}
		finding := plugin.Finding{
			Rule: ruleEncrypted, Unwaivable: true, Object: object.ID(), Field: fields[0], Origin: object.Origin,
			Message: fields[0] + " is encrypted with SOPS",
			Why:     "what Flux makes of it in the cluster cannot be judged",
			Hint:    "encrypt nothing but data and stringData of Secrets: sops --encrypted-regex '^(data|stringData)$'",
		}
		if len(fields) > 1 {
			finding.Details = []string{"encrypted as well: " + strings.Join(fields[1:], ", ")}
		}
		findings = append(findings, finding)
	}
	return append(findings, neverDecrypted(objects)...)
}

// mostFields bounds the encrypted fields that are listed of one object.
const mostFields = 10

func encryptedFields(object plugin.Object) []string {
	var fields []string
	secret := isSecret(object.ID())
	for _, name := range slices.Sorted(maps.Keys(object.Fields)) {
		value := object.Fields[name]
		if secret && (name == "data" || name == "stringData" || name == sopsField) {
			continue
		}
		if stanza, is := value.(map[string]any); is && name == sopsField && stanza["mac"] != nil {
			fields = append(fields, name)
			continue
		}
		encryptedBelow(value, name, &fields)
	}
	return fields
}

func encryptedBelow(value any, field string, fields *[]string) {
	if len(*fields) >= mostFields {
		return
	}
	switch value := value.(type) {
	case string:
		if strings.Contains(value, sopsMark) {
			*fields = append(*fields, field)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			encryptedBelow(value[name], field+"."+name, fields)
		}
	case []any:
		for i, item := range value {
			encryptedBelow(item, field+"["+strconv.Itoa(i)+"]", fields)
		}
	}
}

func isSecret(id plugin.ObjectID) bool { return id.Kind == "Secret" && id.Group() == "" }

// neverDecrypted are Secrets that were generated from an encrypted file of
// lines: kustomize-controller decrypts those before it builds, and nobody
// decrypts them afterwards.
func neverDecrypted(objects []plugin.Object) []plugin.Finding {
	var findings []plugin.Finding
	for _, object := range objects {
		data, _ := object.Fields["data"].(map[string]any)
		if _, dotenv := data["sops_mac"]; !dotenv || !isSecret(object.ID()) {
			continue
		}
		findings = append(findings, plugin.Finding{
			Rule: ruleEncrypted, Unwaivable: true, Object: object.ID(), Field: "data", Origin: object.Origin,
			Message: fmt.Sprintf("%s is generated from a dotenv file that SOPS encrypted, line by line", object.ID()),
			Why:     "Flux decrypts such a file before it builds; what is published is built, and would be deployed encrypted",
			Hint:    "name the file under files of the secretGenerator, or encrypt a Secret as a manifest",
		})
	}
	return findings
}
