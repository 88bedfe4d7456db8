package page_test

import (
	"io"
	"testing"

	"github.com/assay-gitops/assay/plugin/preview/page"
)

// BenchmarkWrite writes 10,000 objects with 50 MB of differences.
func BenchmarkWrite(b *testing.B) {
	r := huge()
	for _, format := range page.Formats() {
		b.Run(format, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := page.Write(io.Discard, format, r, page.Options{Rule: somePages}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
