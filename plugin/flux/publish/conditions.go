package publish

import (
	"slices"

	"github.com/fluxcd/pkg/apis/meta"
	sourcev1 "github.com/fluxcd/source-controller/api/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The reasons of RFC-0012 for an ExternalArtifact that is not ready.
const (
	// VerificationFailed: the newest content did not pass the gate.
	VerificationFailed = "VerificationFailed"
	// FetchFailed: it could not be had or judged.
	FetchFailed = "FetchFailed"
	// StorageOperationFailed: it could not be stored.
	StorageOperationFailed = "StorageOperationFailed"
)

// Succeeded are the conditions of content that passed and is state.
func Succeeded(message string) []metav1.Condition {
	return []metav1.Condition{
		{Type: meta.ReadyCondition, Status: metav1.ConditionTrue, Reason: meta.SucceededReason, Message: bounded(message)},
		{Type: sourcev1.SourceVerifiedCondition, Status: metav1.ConditionTrue, Reason: meta.SucceededReason, Message: bounded(message)},
	}
}

// Failed are the conditions when the newest content is not published, for one of
// the reasons above. SourceVerified becomes false when the content was judged
// and did not pass; otherwise it stays what it was.
func Failed(reason, message string) []metav1.Condition {
	conditions := []metav1.Condition{{Type: meta.ReadyCondition, Status: metav1.ConditionFalse, Reason: reason, Message: bounded(message)}}
	if reason == VerificationFailed {
		conditions = append(conditions, metav1.Condition{Type: sourcev1.SourceVerifiedCondition, Status: metav1.ConditionFalse, Reason: reason, Message: bounded(message)})
	}
	return conditions
}

// longestMessage is what the API server takes of a condition's message.
const longestMessage = 32768

// bounded cuts a message at a character, and says so.
func bounded(message string) string {
	const cut = "... (cut)"
	if len(message) <= longestMessage {
		return message
	}
	at := longestMessage - len(cut)
	for at > 0 && message[at]&0xc0 == 0x80 {
		at--
	}
	return message[:at] + cut
}

// merged are the conditions as they are to be: those of the same type are
// replaced and keep their time when their status stays. Without an artifact
// nothing is said to be verified.
func merged(found *sourcev1.ExternalArtifact, state State) []metav1.Condition {
	conditions := slices.Clone(found.Status.Conditions)
	if state.Artifact == nil {
		conditions = slices.DeleteFunc(conditions, func(condition metav1.Condition) bool {
			return condition.Type == sourcev1.SourceVerifiedCondition && condition.Status == metav1.ConditionTrue
		})
	}
	for _, condition := range state.Conditions {
		condition.ObservedGeneration = found.Generation
		apimeta.SetStatusCondition(&conditions, condition)
	}
	return conditions
}

// same reports whether a status needs no writing. Times count in seconds, as the
// API server keeps them.
func same(before, after sourcev1.ExternalArtifactStatus) bool {
	if before.Artifact != nil && after.Artifact != nil && before.Artifact.LastUpdateTime.Unix() == after.Artifact.LastUpdateTime.Unix() {
		copied := *after.Artifact
		copied.LastUpdateTime = before.Artifact.LastUpdateTime
		after.Artifact = &copied
	}
	return equality.Semantic.DeepEqual(before, after)
}
