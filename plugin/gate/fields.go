package gate

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
)

// fieldOf is what the tags of a struct's field say: `yaml:"name"` without
// omitempty is required, `enum:"A,B"` lists the values.
type fieldOf struct {
	name     string
	index    int
	required bool
	enum     []string
}

func fieldsOf(structure reflect.Type) []fieldOf {
	var fields []fieldOf
	for i := range structure.NumField() {
		field := structure.Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		one := fieldOf{name: name, index: i, required: options != "omitempty"}
		if enum := field.Tag.Get("enum"); enum != "" {
			one.enum = strings.Split(enum, ",")
		}
		fields = append(fields, one)
	}
	return fields
}

// checkField refuses an empty required field and a value that the field's list
// does not have.
func (d *decoder) checkField(field fieldOf, value reflect.Value, full string) {
	empty := value.Kind() != reflect.Struct && value.IsZero() || value.Kind() == reflect.Slice && value.Len() == 0
	switch {
	case field.required && empty:
		d.add(d.doc.at(full), full, "is empty", "give it a value")
	case field.enum != nil && !slices.Contains(field.enum, value.String()):
		d.add(d.doc.at(full), full, fmt.Sprintf("%q is none of its values", value.String()), "write "+oneOf(field.enum))
	}
}

// oneOf is a choice in words.
func oneOf(values []string) string {
	if len(values) == 2 {
		return values[0] + " or " + values[1]
	}
	return "one of " + strings.Join(values, ", ")
}

// notImplemented says what to do instead of a field that sigstore's kinds have
// and assay does not read; empty when there is no such field at all.
func notImplemented(in reflect.Type, key string) string {
	const outOfGate = "; the file stays usable in the cluster, but not in a gate"
	switch in.Name() + "." + key {
	case "ImagePolicySpec.match":
		return "a policy covers images, whoever uses them: choosing by resource, or by labels that the application writes, would let the application choose; write the globs in images"
	case "ImagePolicySpec.policy":
		return "write the rule as a ValidatingAdmissionPolicy or choose a pack" + outOfGate
	case "AttestationPolicy.remote", "AttestationPolicy.configMapRef":
		return "write the condition's text in data: a gate loads nothing from the network or the cluster"
	case "KeyRef.secretRef":
		return "a gate reads no Secrets: write the public key in data, or name a file"
	case "KeylessRef.ca-cert":
		return "write a TrustRoot with that certificate and name it in trustRootRef"
	case "SignatureSource.signaturePullSecrets":
		return "write the credentials under a Gate's registries"
	case "SignatureSource.tagPrefix":
		return "copy the signatures to tags without a prefix"
	}
	return ""
}
