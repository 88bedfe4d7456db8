// Package tree keeps the artifacts of Flux's sources as folders on disk: each
// is fetched once, checked against its digest before anything of it is used,
// unpacked under limits, and shared by everybody who asks that address for that digest.
//
// Everything that a source's status says, and every byte behind it, is
// untrusted. An artifact that breaks a rule is a [plugin.Refusal] that names
// the entry; an artifact that cannot be had is a [plugin.StageError], which
// heals when it is asked for again.
//
// Fetching is net/http and not fluxcd/pkg/http/fetch, which follows redirects to
// any host, reads what lies beyond its limit to the end, has no deadline of its
// own and unpacks through the system's temporary folder. Unpacking is
// archive/tar and not fluxcd/pkg/tar, which knows no limit of files, writes a
// file of the same name twice, and makes an empty file of a hard link. What
// both keep of an archive is the same: files and folders, and no symbolic links
// (fluxcd/pkg/tar, WithSkipSymlinks, which all of Flux's controllers set).
package tree
