package policy

import (
	"context"
	"fmt"
	"strings"
	"testing"
)

// BenchmarkSchema_ThousandObjects judges 1,000 Deployments by the schemas
// alone, once they are unpacked.
func BenchmarkSchema_ThousandObjects(b *testing.B) {
	var texts []string
	for i := range 1000 {
		texts = append(texts, strings.Replace(deployment, "name: web,", fmt.Sprintf("name: web-%d,", i), 1))
	}
	input := newView(sealed(b, strings.Join(texts, "\n---\n")), nil)
	engine, err := newSchemas(nil, nil)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if found := engine.judge(context.Background(), input); len(found) != 0 {
			b.Fatalf("findings %+v", found[0])
		}
	}
}
