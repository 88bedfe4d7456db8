// Package verify answers, for one gate, who vouches for an image: it reads
// signatures beside the image in its registry and checks them against the
// gate's ClusterImagePolicies and TrustRoots. It never asks a log or a TUF
// repository; all trust material is given when it is made. Only then, and only
// in a build with the tag kms, is a key service asked for the public keys that
// the policies name.
//
// There are three answers. Verified: evidence. Not verified: a finding with
// the reason for every signature that was looked at. Undetermined: something
// could not be looked at, and nothing else vouched.
//
// Signatures come in two formats: sigstore bundles as OCI 1.1 referrers, and
// cosign's older simple-signing payloads under the tag sha256-<hex>.sig. Both
// go through one check by sigstore-go, [authority.check], so that they cannot
// differ in what they demand. The image's digest is always bound: by the
// in-toto statement's subject in a bundle, by critical.image in a payload.
package verify
