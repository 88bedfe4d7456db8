// Package harden fills in the security settings that an author left out, where
// the image's own configuration says that the workload will still run.
//
// It never overrides what was written, at the container or at the Pod, and it
// never touches an image. Settings go to the containers: a value at the Pod
// would also bind the containers that others inject later. What cannot be set
// safely is held back, with a finding that says what would have broken and
// what to write.
package harden
