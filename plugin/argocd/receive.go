package argocd

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path"
	"strings"

	"github.com/assay-gitops/assay/plugin"
	"github.com/assay-gitops/assay/plugin/argocd/protocol"
)

// stream is what the repo-server sends: one metadata, then the archive.
type stream interface {
	Recv() (*protocol.AppStreamRequest, error)
}

// received is one request whose archive was checked. What it asks for is known
// also when it is refused.
type received struct {
	asked request
	// folder is the application's path in the tree.
	folder string
	tree   *tree
}

// receive reads one request to its end, also when it refuses it: the
// repo-server reports its own broken pipe in place of the answer otherwise.
// What the request asks for is told as soon as it is known.
func (t *trees) receive(ctx context.Context, from stream, tell func(received)) (received, error) {
	metadata, err := t.readMetadata(from)
	if err != nil {
		t.drain(from)
		return received{}, err
	}
	got := received{folder: path.Clean(metadata.GetAppRelPath())}
	if got.asked, err = readEnvironment(variables(metadata)); err != nil {
		t.drain(from)
		return got, err
	}
	tell(got)
	got.tree, err = t.archive(ctx, from, incoming{metadata, got.asked.application.Project})
	return got, err
}

func variables(metadata *protocol.ManifestRequestMetadata) []string {
	list := make([]string, 0, len(metadata.GetEnv()))
	for _, entry := range metadata.GetEnv() {
		list = append(list, entry.GetName()+"="+entry.GetValue())
	}
	return list
}

// incoming is an archive on its way: what is said of it, and whose it is.
type incoming struct {
	*protocol.ManifestRequestMetadata

	project string
}

// archive reads the archive into a tree, unless that tree is there already.
func (t *trees) archive(ctx context.Context, from stream, announced incoming) (*tree, error) {
	metadata := announced.ManifestRequestMetadata
	checksum := strings.ToLower(metadata.GetChecksum())
	if known, found := t.has(checksum); found {
		if err := t.checked(from, metadata, io.Discard); err != nil {
			t.release(known)
			return nil, err
		}
		return known, nil
	}
	if err := t.space.await(ctx, announced.project, metadata.GetSize()); err != nil {
		t.drain(from)
		return nil, err
	}
	file, err := t.store(from, metadata)
	if err != nil {
		t.space.give(announced.project, metadata.GetSize())
		return nil, err
	}
	return t.add(packed{checksum, announced.project, file, metadata.GetSize()}), nil
}

// store writes the archive into a file and checks it. Nothing is left of what
// is refused.
func (t *trees) store(from stream, metadata *protocol.ManifestRequestMetadata) (string, error) {
	file, err := os.CreateTemp(t.folder, "archive-")
	if err != nil {
		t.drain(from)
		return "", noDisk(err)
	}
	err = t.checked(from, metadata, file)
	if closeErr := file.Close(); err == nil && closeErr != nil {
		err = noDisk(closeErr)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return "", err
	}
	return file.Name(), nil
}

func (t *trees) readMetadata(from stream) (*protocol.ManifestRequestMetadata, error) {
	first, err := from.Recv()
	if err != nil {
		return nil, lost(err)
	}
	metadata := first.GetMetadata()
	switch {
	case metadata == nil:
		return nil, badRequest("the first message of the request is not its metadata", "")
	case metadata.GetAppRelPath() == "":
		return nil, badRequest("the request's metadata names no path of an application", "the whole repository would be taken for one")
	case !isLocal(metadata.GetAppRelPath()):
		return nil, badRequest(fmt.Sprintf("the application's path %q leads out of the repository", metadata.GetAppRelPath()), "")
	case len(metadata.GetChecksum()) != hex.EncodedLen(sha256.Size):
		return nil, badRequest("the request's metadata has no SHA-256 of the archive", "what arrives could not be checked")
	case metadata.GetSize() < 0 || metadata.GetSize() > t.limits.Bytes:
		return nil, archiveLimit(fmt.Sprintf("%d bytes", t.limits.Bytes))
	}
	return metadata, nil
}

func isLocal(name string) bool {
	cleaned := path.Clean(name)
	return !path.IsAbs(cleaned) && cleaned != ".." && !strings.HasPrefix(cleaned, "../")
}

// checked copies the archive and compares its length and SHA-256 with what the
// metadata says.
func (t *trees) checked(from stream, metadata *protocol.ManifestRequestMetadata, into io.Writer) error {
	sum := sha256.New()
	count, err := t.copy(from, metadata.GetSize(), io.MultiWriter(sum, into))
	if err != nil {
		t.drain(from)
		return err
	}
	return compare(metadata, sum, count)
}

func compare(metadata *protocol.ManifestRequestMetadata, sum hash.Hash, count int64) error {
	if got := hex.EncodeToString(sum.Sum(nil)); !strings.EqualFold(got, metadata.GetChecksum()) {
		return badArchive(fmt.Sprintf("its SHA-256 is %.12s..., the repo-server said %.12s... (%d bytes of %d arrived)",
			got, metadata.GetChecksum(), count, metadata.GetSize()), nil)
	}
	return nil
}

func (t *trees) copy(from stream, announced int64, into io.Writer) (int64, error) {
	var count int64
	for {
		message, err := from.Recv()
		if errors.Is(err, io.EOF) {
			return count, nil
		}
		if err != nil {
			return count, lost(err)
		}
		file := message.GetFile()
		if file == nil {
			return count, badRequest("the request has metadata where its archive goes on", "")
		}
		if count += int64(len(file.GetChunk())); count > announced {
			return count, badArchive(fmt.Sprintf("more arrives than the %d bytes that the repo-server announced", announced), nil)
		}
		if _, err := into.Write(file.GetChunk()); err != nil {
			return count, noDisk(err)
		}
	}
}

// drain reads what is left of a refused request, up to the bound of an
// archive; whoever sends more is cut off.
func (t *trees) drain(from stream) {
	for left := t.limits.Bytes; left > 0; {
		message, err := from.Recv()
		if err != nil {
			return
		}
		left -= int64(len(message.GetFile().GetChunk())) + 1
	}
}

// lost is no answer: the caller hung up.
func lost(cause error) error {
	if errors.Is(cause, io.EOF) {
		return badRequest("the request is empty", "")
	}
	if errors.Is(cause, context.Canceled) || errors.Is(cause, context.DeadlineExceeded) {
		return cause
	}
	return &plugin.StageError{Stage: stage, Subject: "the repository's archive", Cause: cause, Hint: "the repo-server hung up; it asks again at the next refresh"}
}
