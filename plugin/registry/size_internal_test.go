package registry

import (
	"fmt"
	"strings"
	"testing"

	"github.com/assay-gitops/assay/plugin"
)

func TestSizeOf_AManifestThatLiesHasNoSize(t *testing.T) {
	client := &Client{limits: limits{plugin.DefaultLimits()}}
	for name, test := range map[string]struct {
		layers string
		want   int64
	}{
		"Layers":   {`[{"size":1},{"size":2}]`, 13},
		"None":     {`[]`, 10},
		"Negative": {`[{"size":-20},{"size":2}]`, 0},
		"TooLarge": {`[{"size":9223372036854775807},{"size":9223372036854775807}]`, 0},
		"NoList":   {`"x"`, 0},
		"TooMany":  {`[` + strings.Repeat(`{"size":1},`, 200) + `{"size":1}]`, 0},
	} {
		if got := client.sizeOf(Manifest{Bytes: fmt.Appendf(nil, `{"layers":%s}`, test.layers)}, 10); got != test.want {
			t.Errorf("%s: got %d, want %d", name, got, test.want)
		}
	}
}
