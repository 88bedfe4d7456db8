// Package browser holds the tests of the preview's HTML pages in a real, headless
// Chromium. They are a module of their own, as what drives the browser is no
// dependency of assay. The pages are written by a test of plugin/preview/page;
// `make e2e-preview` in the root runs both.
package browser
