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
	h := sha256.New()
	for _, suffix := range []string{"", "-wal", "-journal"} {
		sum, sizeBytes, err := HashFile(ctx, fsys, path+suffix)
		if suffix != "" && errors.Is(err, fs.ErrNotExist) {
			sizeBytes, err = 0, nil
		}
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
