// Package examples holds small real applications that the README, the demo and
// the tests share.
package examples

import "embed"

// FS are the examples that the demo walks through.
//
//go:embed shop-kustomize hostile/five-reasons gates/starter
var FS embed.FS
