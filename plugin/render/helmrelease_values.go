package render

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/v2/loader"
	"helm.sh/helm/v4/pkg/strvals"

	"github.com/assay-gitops/assay/plugin"
)

// ValuesReference is one entry of a HelmRelease's valuesFrom and what was read
// for it.
type ValuesReference struct {
	// Kind is ConfigMap or Secret.
	Kind string
	Name string
	// Key is "values.yaml" when it is empty.
	Key string
	// TargetPath puts the data there as one value, in the syntax of helm's --set.
	TargetPath string
	// Literal takes the data for one text that has no syntax.
	Literal bool
	// Optional passes over an object or key that is missing.
	Optional bool

	// Found says that the object is there and has the key.
	Found bool
	Data  []byte
}

// defaultValuesKey is the key where none is named
// (helm-controller/api/v2, ValuesReference).
const defaultValuesKey = "values.yaml"

// MergeReleaseValues makes the values of a release as Flux does
// (github.com/fluxcd/pkg/chartutil, ChartValuesFromReferences): each reference
// over those before it, inline over all of them, and what has a target path
// over what was merged so far, inline values included. A *plugin.Refusal names
// the reference that is missing or cannot be read, and no text of a Secret.
func MergeReleaseValues(inline map[string]any, references []ValuesReference) (map[string]any, error) {
	result := map[string]any{}
	for _, reference := range references {
		if reference.Kind != "ConfigMap" && reference.Kind != "Secret" {
			return nil, reference.refuse("values are read from ConfigMaps and Secrets alone", nil)
		}
		if !reference.Found {
			if reference.Optional {
				continue
			}
			return nil, reference.refuse("it is not there", nil)
		}
		if reference.TargetPath != "" {
			result = loader.MergeMaps(result, inline)
			if err := reference.setAtPath(result); err != nil {
				return nil, reference.refuse(fmt.Sprintf("its value does not fit at %q", reference.TargetPath), err)
			}
			continue
		}
		values, err := common.ReadValues(reference.Data)
		if err != nil {
			return nil, reference.refuse("it holds no values", err)
		}
		result = loader.MergeMaps(result, values)
	}
	return loader.MergeMaps(result, inline), nil
}

// setAtPath sets the data at the target path. Text within quotes is a text;
// otherwise strvals tells what it is, and takes commas and brackets for syntax.
func (r ValuesReference) setAtPath(values map[string]any) error {
	text := string(r.Data)
	quoted := func(mark string) bool { return strings.HasPrefix(text, mark) && strings.HasSuffix(text, mark) }
	switch {
	case r.Literal:
		escaped := strings.NewReplacer(`\`, `\\`, `,`, `\,`, `[`, `\[`, `]`, `\]`, `{`, `\{`, `}`, `\}`).Replace(text)
		return strvals.ParseIntoString(r.TargetPath+"="+escaped, values)
	case quoted(`'`), quoted(`"`):
		return strvals.ParseIntoString(r.TargetPath+"="+strings.Trim(text, `'"`), values)
	}
	return strvals.ParseInto(r.TargetPath+"="+text, values)
}

func (r ValuesReference) refuse(what string, cause error) *plugin.Refusal {
	key := r.Key
	if key == "" {
		key = defaultValuesKey
	}
	if r.Kind == "Secret" {
		cause = nil // it may repeat what the Secret holds
	}
	return &plugin.Refusal{
		Rule: ruleMissing, Message: fmt.Sprintf("reading values from key %s of %s %s: %s", key, r.Kind, r.Name, what), Cause: cause,
		Why: "with other values another thing is deployed", Hint: "add it or correct it, or mark the reference as optional",
	}
}

// EncodeReleaseValues writes values for plugin.HelmParameters.ReleaseValues,
// which keeps whole numbers and others apart: templates print them differently.
func EncodeReleaseValues(values map[string]any) (string, error) {
	if values == nil {
		values = map[string]any{}
	}
	data, err := plugin.JSONEncoding{}.Encode([]plugin.Object{{Fields: values}})
	if err != nil {
		return "", invalid(plugin.Origin{}, "writing the release's values", err)
	}
	return string(data), nil
}

func decodeReleaseValues(text string) (map[string]any, error) {
	if text == "" {
		return map[string]any{}, nil
	}
	decoded, err := plugin.JSONEncoding{}.Decode([]byte(text))
	if err != nil || len(decoded) != 1 {
		return nil, invalid(plugin.Origin{}, "reading the release's values", err)
	}
	return decoded[0].Fields, nil
}

// values are the release's own and those of the ConfigMaps and Secrets that it
// names. One that is not rendered is not known, also when it is optional: the
// cluster may have it.
func (s *releaseSearch) values() (map[string]any, error) {
	var references []ValuesReference
	for _, from := range s.fields.Spec.ValuesFrom {
		reference := from.Reference()
		object, found := s.lookup("", from.Kind, s.namespace, from.Name)
		if !found {
			return nil, s.unseen(fmt.Sprintf("%s %s/%s with its values", from.Kind, s.namespace, from.Name), "keep it in the same application, or write the values in the HelmRelease")
		}
		if isEncrypted(object, reference.Key) {
			return nil, s.unseen(fmt.Sprintf("the plain text of %s %s/%s with its values", from.Kind, s.namespace, from.Name), "keep what decides the images and the security settings out of encrypted values")
		}
		var err error
		if reference.Data, reference.Found, err = dataOf(object, reference.Key); err != nil {
			return nil, reference.refuse("it cannot be read", err)
		}
		references = append(references, reference)
	}
	values, err := MergeReleaseValues(s.fields.Spec.Values, references)
	var refusal *plugin.Refusal
	if errors.As(err, &refusal) {
		refusal.Origin = s.Release.Origin
	}
	return values, err
}

// dataOf is what the API server keeps under a key.
func dataOf(object plugin.Object, key string) ([]byte, bool, error) {
	if plain, has := textAt(object.Fields, "stringData", key); has && object.ID().Kind == "Secret" {
		return []byte(plain), true, nil
	}
	text, has := textAt(object.Fields, "data", key)
	if !has || object.ID().Kind != "Secret" {
		return []byte(text), has, nil
	}
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	return data, true, err
}

// isEncrypted reports whether SOPS keeps what stands there for itself.
func isEncrypted(object plugin.Object, key string) bool {
	data, _ := textAt(object.Fields, "data", key)
	plain, _ := textAt(object.Fields, "stringData", key)
	return object.Fields[sopsField] != nil || strings.Contains(data+plain, sopsMark)
}

func textAt(fields map[string]any, part, key string) (string, bool) {
	data, _ := fields[part].(map[string]any)
	text, has := data[key].(string)
	return text, has
}
