package gate

import (
	"encoding/json"
	"slices"
)

// params keeps, of the documents that are of no kind that a gate reads, those
// that an admission policy names as its paramKind, and refuses the rest.
// It runs when all files are read, as a param may stand before its policy.
func (l *loading) params() {
	kinds := map[[2]string]bool{}
	for _, policy := range l.config.Documents {
		if apiVersion, kind := policy.ParamKind(); kind != "" {
			kinds[[2]string{apiVersion, kind}] = true
		}
	}
	for _, doc := range l.others {
		if doc.kind == "" || doc.apiVersion == "" || !kinds[[2]string{doc.apiVersion, doc.kind}] {
			l.refuseKind(doc)
			continue
		}
		l.untyped(decoder{doc: doc, problems: l.problems, budget: l.budget.fresh()})
	}
}

// ParamKind is what an admission policy names as its paramKind; empty of one
// that takes no params, and of every other document.
func (d Document) ParamKind() (apiVersion, kind string) {
	if d.Kind != "ValidatingAdmissionPolicy" && d.Kind != mutatingKind {
		return "", ""
	}
	var read struct {
		Spec struct {
			ParamKind struct{ APIVersion, Kind string }
		}
	}
	// What cannot be decoded has no kind here and is refused by who decodes it.
	_ = json.Unmarshal(d.JSON, &read)
	return read.Spec.ParamKind.APIVersion, read.Spec.ParamKind.Kind
}

// IsMutationParam reports whether one of the mutating policies among the documents
// takes the document as its params.
func (d Document) IsMutationParam(of []Document) bool {
	return slices.ContainsFunc(of, func(policy Document) bool {
		apiVersion, kind := policy.ParamKind()
		return policy.IsMutation() && kind == d.Kind && apiVersion == d.APIVersion && kind != ""
	})
}
