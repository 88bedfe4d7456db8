// Package yamltext adds to YAML and JSON as text: comments, order, quotes,
// indentation and line ends stay as their author wrote them, and only lines
// that carry an addition change.
//
// Positions come from the parsed document, never from a search in the text.
// Every result is parsed again: it must say what the old text said and the
// additions, nothing else, or it is an error.
package yamltext
