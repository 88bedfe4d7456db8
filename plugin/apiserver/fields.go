package apiserver

// mapAt is the member of that name when it is a map, else nil; reading a nil
// map is safe.
func mapAt(fields map[string]any, name string) map[string]any {
	member, _ := fields[name].(map[string]any)
	return member
}

// stringAt is the member of that name when it is a string, else empty.
func stringAt(fields map[string]any, name string) string {
	member, _ := fields[name].(string)
	return member
}
