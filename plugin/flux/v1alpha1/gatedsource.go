package v1alpha1

import (
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/fluxcd/pkg/apis/meta"
)

// GatedSourceKind is the kind of a GatedSource.
const GatedSourceKind = "GatedSource"

// ArtifactPrefix begins the name of the ExternalArtifact that is published for
// a GatedSource: ArtifactPrefix + its name.
const ArtifactPrefix = "assay-"

// Finalizer is held by a GatedSource while what was published for it is there.
const Finalizer = "assay.dev/gatedsource"

// GatedSourceSpec says what is judged and published. A tenant writes it, so
// nothing in it can make the gate laxer.
//
// +kubebuilder:validation:XValidation:rule="!(has(self.kustomize) && has(self.helm))",message="spec has both kustomize and helm; keep the one that renders this source"
// +kubebuilder:validation:XValidation:rule="!has(self.kustomize) || self.sourceRef.kind != 'HelmChart'",message="a HelmChart is rendered by helm: write spec.helm in the place of spec.kustomize"
// +kubebuilder:validation:XValidation:rule="!(has(self.helm) || self.sourceRef.kind == 'HelmChart') || !has(self.paths) || size(self.paths) <= 1",message="a chart has one path; write a GatedSource for each chart"
type GatedSourceSpec struct {
	// SourceRef names the Flux source whose artifact is judged.
	SourceRef SourceReference `json:"sourceRef"`

	// Paths are folders of the source, each rendered and judged as an
	// application of its own; all of them have to pass. Without any it is the
	// source's root.
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=1024
	// +optional
	Paths []string `json:"paths,omitempty"`

	// Kustomize renders as a Flux Kustomization with these fields does. It is what
	// applies when neither this nor helm is written and the source is no HelmChart.
	// +optional
	Kustomize *KustomizeRendering `json:"kustomize,omitempty"`

	// Helm renders the chart as a Flux HelmRelease with these fields does, and
	// publishes a chart whose templates are what was judged.
	// +optional
	Helm *HelmRendering `json:"helm,omitempty"`

	// ServiceAccountName is the service account of this namespace as which
	// ConfigMaps, Secrets and the pull secret are read. Without it the controller's
	// --default-service-account is taken.
	// +kubebuilder:validation:MaxLength=253
	// +kubebuilder:validation:Pattern="^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$"
	// +optional
	ServiceAccountName string `json:"serviceAccountName,omitempty"`

	// PullSecretRef names a Secret of this namespace with credentials for
	// registries (kubernetes.io/dockerconfigjson). They are used for the hosts and
	// prefixes alone that the gate lists under tenantCredentials.
	// +optional
	PullSecretRef *meta.LocalObjectReference `json:"pullSecretRef,omitempty"`

	// Interval is the time after which what was judged is judged again: a
	// signature may have come, a waiver may have ended. The controller has a least,
	// 10 seconds unless its --min-interval says otherwise: less is taken as that, and
	// the condition says so.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	Interval metav1.Duration `json:"interval"`

	// RetryInterval is the time after which a try without an answer is repeated;
	// the interval is taken when it is not written. The interval's least holds for
	// it, too.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +optional
	RetryInterval *metav1.Duration `json:"retryInterval,omitempty"`

	// Timeout bounds one judgement; one minute when it is not written, and ten at
	// most, as others wait.
	// +kubebuilder:validation:Type=string
	// +kubebuilder:validation:Pattern="^([0-9]+(\\.[0-9]+)?(ms|s|m|h))+$"
	// +optional
	Timeout *metav1.Duration `json:"timeout,omitempty"`

	// Suspend stops judging. What is published stays.
	// +optional
	Suspend bool `json:"suspend,omitempty"`

	// OnDenied says what becomes of the last good artifact when the source's
	// newest is denied: Keep leaves it, and Flux goes on applying it; Withdraw
	// takes it away, and Flux waits.
	// +kubebuilder:validation:Enum=Keep;Withdraw
	// +kubebuilder:default=Keep
	// +optional
	OnDenied OnDenied `json:"onDenied,omitempty"`
}

// OnDenied is what becomes of the last good artifact after a denial.
type OnDenied string

// The values of OnDenied.
const (
	Keep     OnDenied = "Keep"
	Withdraw OnDenied = "Withdraw"
)

// SourceReference names a Flux source.
type SourceReference struct {
	// Kind of the source; all are of source.toolkit.fluxcd.io/v1.
	// +kubebuilder:validation:Enum=GitRepository;OCIRepository;Bucket;HelmChart;ExternalArtifact
	Kind string `json:"kind"`

	// Name of the source.
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=253
	Name string `json:"name"`

	// Namespace of the source; the GatedSource's own when it is not written. Another
	// is refused under --no-cross-namespace-refs.
	// +kubebuilder:validation:MaxLength=63
	// +optional
	Namespace string `json:"namespace,omitempty"`
}

// GatedSourceStatus is what came of the last judgement.
type GatedSourceStatus struct {
	meta.ReconcileRequestStatus `json:",inline"`

	// ObservedGeneration is the generation that was judged last.
	// +optional
	ObservedGeneration int64 `json:"observedGeneration,omitempty"`

	// Conditions are Ready, and Reconciling or Stalled while they hold.
	// +optional
	Conditions []metav1.Condition `json:"conditions,omitempty"`

	// LastAttemptedRevision is the source's revision that was judged last,
	// whatever the answer.
	// +optional
	LastAttemptedRevision string `json:"lastAttemptedRevision,omitempty"`

	// LastAttemptedDigest is the digest of the source's artifact that was judged
	// last.
	// +optional
	LastAttemptedDigest string `json:"lastAttemptedDigest,omitempty"`

	// LastGateDigest tells the gate's configuration by which it was judged.
	// +optional
	LastGateDigest string `json:"lastGateDigest,omitempty"`

	// LastJudged is when that was.
	// +optional
	LastJudged *metav1.Time `json:"lastJudged,omitempty"`

	// Artifact is what is published, as the ExternalArtifact has it.
	// +optional
	Artifact *meta.Artifact `json:"artifact,omitempty"`

	// PublishedRevision is the source's revision that what is published was made
	// of.
	// +optional
	PublishedRevision string `json:"publishedRevision,omitempty"`

	// Verdict counts what was found.
	// +optional
	Verdict *VerdictSummary `json:"verdict,omitempty"`
}

// VerdictSummary counts what the last judgement found.
type VerdictSummary struct {
	// Outcome is "allowed", "denied" or "undetermined".
	Outcome string `json:"outcome"`
	// Objects and Images are how many were judged.
	Objects int `json:"objects"`
	Images  int `json:"images"`
	// Denied, Undetermined and Warnings count findings.
	Denied       int `json:"denied"`
	Undetermined int `json:"undetermined"`
	Warnings     int `json:"warnings"`
	// Report names the whole report in the controller's log.
	// +optional
	Report string `json:"report,omitempty"`
}

// GatedSource puts the gate between a Flux source and the Kustomization or
// HelmRelease that consumes it: what passes is published as the
// ExternalArtifact assay-<name>.
//
// +kubebuilder:object:root=true
// +kubebuilder:resource:shortName=gs,categories=fluxcd
// +kubebuilder:subresource:status
// +kubebuilder:metadata:annotations="kustomize.toolkit.fluxcd.io/substitute=disabled"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp",description=""
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status",description=""
// +kubebuilder:printcolumn:name="Status",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].message",description=""
// +kubebuilder:printcolumn:name="Source",type="string",JSONPath=".spec.sourceRef.name",description="",priority=1
// +kubebuilder:printcolumn:name="Published",type="string",JSONPath=".status.publishedRevision",description="",priority=1
// +kubebuilder:validation:XValidation:rule="size(self.metadata.name) <= 247",message="the name is longer than 247 characters; assay-<name> has to fit an object's name"
type GatedSource struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	Spec GatedSourceSpec `json:"spec"`
	// +kubebuilder:default={"observedGeneration":-1}
	Status GatedSourceStatus `json:"status,omitempty"`
}

// GatedSourceList is a list of GatedSources.
//
// +kubebuilder:object:root=true
type GatedSourceList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []GatedSource `json:"items"`
}

// GetConditions implements the getter of fluxcd/pkg/runtime/conditions.
func (g *GatedSource) GetConditions() []metav1.Condition { return g.Status.Conditions }

// SetConditions implements the setter of fluxcd/pkg/runtime/conditions.
func (g *GatedSource) SetConditions(conditions []metav1.Condition) { g.Status.Conditions = conditions }

// ArtifactName is the name of the ExternalArtifact that is published for it.
func (g *GatedSource) ArtifactName() string { return ArtifactPrefix + g.Name }

// GetTimeout bounds one judgement.
func (g *GatedSource) GetTimeout() time.Duration {
	if g.Spec.Timeout != nil && g.Spec.Timeout.Duration > 0 {
		return min(g.Spec.Timeout.Duration, mostTimeout)
	}
	return time.Minute
}

const (
	mostTimeout   = 10 * time.Minute
	leastInterval = time.Second
)

// GetInterval is the time after which it is judged again.
func (g *GatedSource) GetInterval() time.Duration {
	return max(g.Spec.Interval.Duration, leastInterval)
}

// GetRetryInterval is the longest time until a try without an answer is
// repeated.
func (g *GatedSource) GetRetryInterval() time.Duration {
	if g.Spec.RetryInterval != nil && g.Spec.RetryInterval.Duration > 0 {
		return max(g.Spec.RetryInterval.Duration, leastInterval)
	}
	return g.GetInterval()
}
