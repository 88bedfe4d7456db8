// Package revision opens the two sides of a comparison: two revisions of a Git
// repository, a revision and the worktree, or two folders. Each side becomes a
// confined tree in a temporary folder of its own, so that nothing that the user
// does meanwhile, and nothing that the trees hold, changes what is judged.
//
// Git is read through the git program by commands that look and never write: the
// user's checkout, index, references and list of worktrees stay as they are. No
// hook, filter, text conversion or monitor runs, no replaced object is followed,
// and nothing is fetched, also not by a partial clone.
//
// The bytes of a revision are its blobs. Argo CD and Flux check out with git, so
// that where attributes (eol, ident, working-tree-encoding, a filter such as
// LFS) change a file on its way out, they read other bytes; a pointer of LFS is
// therefore told as a [Note]. The attribute export-ignore counts for neither. The
// worktree is what `git ls-files --cached --others --exclude-standard` lists, with the
// bytes that lie on disk; a file that differs from its blob by line endings alone, or
// as the file of a pointer of LFS, counts as its blob.
package revision
