package revision

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// errMissing says that the repository lacks objects of a commit that it has.
var errMissing = errors.New("objects of the commit are missing")

// measure asks for the sizes of blobs, in bytes.
func (r *repository) measure(ctx context.Context, objects []string) (map[string]int64, error) {
	sizes := make(map[string]int64, len(objects))
	if len(objects) == 0 {
		return sizes, nil
	}
	err := r.git.stream(ctx, lines(objects), func(answer *bufio.Reader) error {
		for _, object := range objects {
			size, err := blobHeader(answer, object)
			if err != nil {
				return err
			}
			sizes[object] = size
		}
		return nil
	}, "cat-file", "--batch-check", "--buffer")
	return sizes, err
}

// contents reads blobs of the sizes that were measured, in the order that they
// are asked for. What is handed over is valid until the next.
func (r *repository) contents(ctx context.Context, objects []string, sizes map[string]int64, take func(object string, content []byte) error) error {
	if len(objects) == 0 {
		return nil
	}
	return r.git.stream(ctx, lines(objects), func(answer *bufio.Reader) error {
		var buffer []byte
		for _, object := range objects {
			size, err := blobHeader(answer, object)
			if err != nil {
				return err
			}
			if size != sizes[object] {
				return fmt.Errorf("reading the blob %s: git answers that it has %d bytes, and before that it has %d", object, size, sizes[object])
			}
			if int64(cap(buffer)) < size+1 {
				buffer = make([]byte, size+1)
			}
			if _, err := io.ReadFull(answer, buffer[:size+1]); err != nil {
				return fmt.Errorf("reading the blob %s: %w", object, whole(err))
			}
			if err := take(object, buffer[:size]); err != nil {
				return err
			}
		}
		return nil
	}, "cat-file", "--batch", "--buffer")
}

func lines(objects []string) io.Reader {
	return strings.NewReader(strings.Join(objects, "\n") + "\n")
}

// blobHeader reads "object SP type SP size" (git-cat-file, batch output).
func blobHeader(answer *bufio.Reader, object string) (int64, error) {
	line, err := answer.ReadString('\n')
	if err != nil {
		return 0, fmt.Errorf("reading the blob %s: %w", object, whole(err))
	}
	fields := strings.Fields(line)
	switch {
	case len(fields) == 2 && fields[1] == "missing":
		return 0, fmt.Errorf("%w: %s", errMissing, object)
	case len(fields) != 3 || fields[0] != object:
		return 0, fmt.Errorf("reading the blob %s: git answers %.100q", object, line)
	case fields[1] != "blob":
		return 0, fmt.Errorf("reading the blob %s: it is a %s", object, fields[1])
	}
	size, err := strconv.ParseInt(fields[2], 10, 64)
	if err != nil || size < 0 {
		return 0, fmt.Errorf("reading the blob %s: git answers %.100q", object, line)
	}
	return size, nil
}
