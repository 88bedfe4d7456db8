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
