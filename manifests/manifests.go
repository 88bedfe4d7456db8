// Package manifests holds what a cluster needs so that no sync goes around the
// gate, and lends its admission policies to the judge of renderings: what the
// API server refuses and what self refuses is one text.
package manifests

import "embed"

// ArgoCD are the ValidatingAdmissionPolicies about Argo CD's kinds, each with
// its binding, as argocd/admission/<name>.yaml.
//
//go:embed argocd/admission/applications.yaml argocd/admission/applicationsets.yaml argocd/admission/source-hydrator.yaml
var ArgoCD embed.FS

// Flux are those about Flux's kinds and assay's own, as
// flux/admission/<name>.yaml. The others of that folder are about what nobody
// renders, or what may not be rendered at all.
//
//go:embed flux/admission/kustomizations.yaml flux/admission/helmreleases.yaml
//go:embed flux/admission/externalartifacts.yaml flux/admission/gatedsources.yaml
var Flux embed.FS
