// Package appset expands Argo CD's ApplicationSets without a cluster: which
// Applications the generators and the template give, as Argo CD 3.5 makes them.
// e2e/applicationsets compares the two.
//
// What cannot be known from the repository (pull requests, other repositories,
// the clusters when their Secrets are not given) is told as a [Problem], never
// left out. A set in which anything is wrong gives no Application at all, as in
// Argo CD, and a problem for each thing that is wrong.
package appset
