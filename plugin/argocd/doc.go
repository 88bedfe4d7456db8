// Package argocd is the door for Argo CD: it speaks the protocol of config
// management plugins with the repo-server, or stands behind
// argocd-cmp-server, hands the application to the pipeline and turns the
// verdict into manifests or into the text that stands in the Application's
// condition. It has no rules of its own.
//
// The protocol is Argo CD's cmpserver/plugin/plugin.proto, the same in 2.14 to
// 3.6.
package argocd
