package fsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
)

// HashDatabase gives one SHA-256 over a database file that nobody writes and the -wal and
// -journal beside it: two are equal only if each of the three files is. One that is
// missing counts as one without a byte, which to SQLite is the same.
func HashDatabase(ctx context.Context, fsys FS, path string) (string, error) {
	return sumOf(func(suffix string) (sum string, sizeBytes int64, err error) {
		sum, sizeBytes, err = HashFile(ctx, fsys, path+suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			return "", 0, nil
		}
		return sum, sizeBytes, err
	})
}

// HashOpened is HashDatabase of files that are open already, by suffix.
func HashOpened(ctx context.Context, files map[string]*io.SectionReader) (string, error) {
	return sumOf(func(suffix string) (sum string, sizeBytes int64, err error) {
		f := files[suffix]
		if f == nil {
			return "", 0, nil
		}
		h := sha256.New()
		counted := &counter{w: h}
		err = pump(ctx, "hash database", counted, f, f.Size(), nil)
		return hex.EncodeToString(h.Sum(nil)), counted.n, err
	})
}

func sumOf(file func(suffix string) (sum string, sizeBytes int64, err error)) (string, error) {
	h := sha256.New()
	for _, suffix := range []string{"", "-wal", "-journal"} {
		sum, sizeBytes, err := file(suffix)
		if err != nil {
			return "", err
		}
		if sizeBytes == 0 {
			sum = ""
		}
		if _, err := io.WriteString(h, fmt.Sprintf("%s %d %s\n", suffix, sizeBytes, sum)); err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
