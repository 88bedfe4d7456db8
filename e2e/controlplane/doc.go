// Package controlplane runs etcd, the Kubernetes API server, Argo CD and Flux
// on a plain machine for the end-to-end tests: no containers, no kubelet, nothing
// that is shared with the machine but its files. e2e/servers/build makes the
// servers; Debian has redis.
//
// A test binary enters namespaces of its own first ([Isolate]): there the ports
// can be fixed, nothing outside can be reached, and whatever was started dies
// with it. [Start] brings up the API server, [Cluster.StartArgoCD] or
// [Cluster.StartFlux] what stands on it. A server that is missing, or that does
// not come up, is an error. With ASSAY_E2E_KUBECONFIG the API server is that of a
// cluster which runs already.
package controlplane
