// Package flux is the door for Flux. It reconciles GatedSources: the artifact
// of a Flux source is rendered and judged, and what passes is published as an
// ExternalArtifact (RFC-0012 of Flux), which Kustomizations and HelmReleases
// consume.
//
// A consumer does not look at the conditions of an ExternalArtifact. So the
// gate is that nothing is published which has not passed: a denial leaves the
// last good artifact where it is, or takes it away, as the GatedSource says.
package flux
