package gate

import "encoding/json"

// params keeps, of the documents that are of no kind that a gate reads, those
// that a ValidatingAdmissionPolicy names as its paramKind, and refuses the rest.
// It runs when all files are read, as a param may stand before its policy.
func (l *loading) params() {
	kinds := map[[2]string]bool{}
	for _, policy := range l.config.Documents {
		var read struct {
			Spec struct {
				ParamKind struct{ APIVersion, Kind string }
			}
		}
		// What cannot be decoded has no kind here and is refused by the judge.
		if err := json.Unmarshal(policy.JSON, &read); err == nil && policy.Kind == "ValidatingAdmissionPolicy" {
			kinds[[2]string{read.Spec.ParamKind.APIVersion, read.Spec.ParamKind.Kind}] = true
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
