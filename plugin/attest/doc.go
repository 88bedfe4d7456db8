// Package attest writes a verdict as an in-toto Verification Summary
// Attestation (https://slsa.dev/spec/v1.1/verification_summary) about the sealed
// manifests, signed as a sigstore bundle, so that whoever receives the manifests
// later can ask stock tools whether a gate judged them, and by what.
package attest
