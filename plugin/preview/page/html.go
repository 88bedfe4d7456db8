package page

import (
	"bufio"
	"crypto/sha256"
	_ "embed" // the page's parts
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"strings"
	"sync"

	"github.com/assay-gitops/assay/plugin/preview/change"
)

var (
	//go:embed html/page.html
	pageTemplate string
	//go:embed html/page.css
	pageStyle string
	//go:embed html/page.js
	pageScript string
)

// parsed is the template, read when the first page is written.
var parsed = sync.OnceValues(func() (*template.Template, error) {
	return template.New("page").Parse(pageTemplate)
})

// writeHTML writes one file that needs nothing else: it asks no network, and a
// browser runs nothing in it but the script that it came with. It works without
// that script, too.
func writeHTML(w io.Writer, r change.Report, o Options) error {
	body, err := parsed()
	if err != nil {
		return fmt.Errorf("parsing the page's template: %w", err)
	}
	const buffer = 64 << 10
	out := bufio.NewWriterSize(w, buffer)
	// What stands here is our own; all that others wrote goes through the template.
	_, _ = out.WriteString("<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n" + // an error stays in the writer
		`<meta http-equiv="Content-Security-Policy" content="` + contentPolicy() + "\">\n<style>" + pageStyle + "</style>\n")
	if err := body.Execute(out, newView(r, o)); err != nil {
		return err
	}
	_, _ = out.WriteString("<script>" + pageScript + "</script>\n</body>\n</html>\n")
	return out.Flush()
}

// contentPolicy lets the browser use the page's own style and script, known by
// their hashes, and nothing else (CSP level 3, 2.3.1).
func contentPolicy() string {
	return strings.Join([]string{
		"default-src 'none'", "style-src '" + hashOf(pageStyle) + "'", "script-src '" + hashOf(pageScript) + "'",
		"img-src data:", "base-uri 'none'", "form-action 'none'",
	}, "; ")
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}
