package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"

	"github.com/assay-gitops/assay/plugin"
)

// stream gives read the bytes of a blob as they come, anew for each try. It
// ends well only when all of them came, as many as the descriptor says, and
// they hash to its digest, whether or not read wanted them all: what read made
// of them may be believed then, and not before.
func (c *Client) stream(ctx context.Context, origin place, blob Descriptor, read func(io.Reader)) error {
	_, err := c.first(ctx, origin, func(ctx context.Context, at place) (*response, error) {
		return at.session.send(ctx, request{
			method: http.MethodGet, path: at.path, rest: "blobs/" + blob.Digest,
			read: func(body io.Reader) error {
				// One byte more tells that there are more.
				counted := &counting{from: io.LimitReader(body, blob.Size+1), sum: sha256.New()}
				read(counted)
				_, _ = io.Copy(io.Discard, counted) // what went wrong is in counted
				return counted.judge(at.session.host+"/"+at.path+"@"+blob.Digest, blob)
			},
		})
	})
	return err
}

// counting hashes and counts what is read through it.
type counting struct {
	from io.Reader
	sum  hash.Hash
	read int64
	// err is why the body ended before its end.
	err error
}

func (c *counting) Read(data []byte) (int, error) {
	count, err := c.from.Read(data)
	_, _ = c.sum.Write(data[:count]) // never fails (hash.Hash)
	c.read += int64(count)
	if err != nil && !errors.Is(err, io.EOF) {
		c.err = err
	}
	return count, err
}

func (c *counting) judge(what string, blob Descriptor) error {
	if c.err != nil {
		return c.err
	}
	if c.read > blob.Size {
		return wrongSize(what, blob.Size, "more")
	}
	if got := "sha256:" + hex.EncodeToString(c.sum.Sum(nil)); got != blob.Digest {
		return wrongDigest(what, blob.Digest, got)
	}
	if c.read < blob.Size {
		return wrongSize(what, blob.Size, "fewer")
	}
	return nil
}

// wrongSize refuses a layer whose manifest lies about it.
func wrongSize(what string, want int64, than string) error {
	return &plugin.Refusal{
		Rule: "registry/invalid-answer", Message: fmt.Sprintf("%s: the manifest says that it has %d bytes, and it has %s", what, want, than),
		Hint: "nodes refuse such an image, too; build it and push it again",
	}
}
