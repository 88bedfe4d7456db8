package plugin

// fillContent writes the content hash of every finding about an object.
func (r *run) fillContent() {
}
