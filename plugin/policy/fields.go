package policy

// mapAt is the member of that name when it is a map, else nil; reading a nil
// map is safe.
func mapAt(fields map[string]any, name string) map[string]any {
	member, _ := fields[name].(map[string]any)
	return member
}

// listAt is the member of that name when it is a list, else nil.
func listAt(fields map[string]any, name string) []any {
	member, _ := fields[name].([]any)
	return member
}

// stringAt is the member of that name when it is a string, else empty.
func stringAt(fields map[string]any, name string) string {
	member, _ := fields[name].(string)
	return member
}

// stringsAt are the strings of the list of that name; other items are left
// out.
func stringsAt(fields map[string]any, name string) []string {
	var texts []string
	for _, item := range listAt(fields, name) {
		if text, ok := item.(string); ok {
			texts = append(texts, text)
		}
	}
	return texts
}
