package control

import (
	"crypto/rand"
	"encoding/hex"
	"runtime"
	"strings"

	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	tokenName     = "token"
	tokenBytes    = 32 // 256 bits
	tokenFileMost = 1 << 10
)

// newSecret is 256 bits in hexadecimal.
func newSecret() string {
	var b [tokenBytes]byte
	_, _ = rand.Read(b[:]) // never fails: https://pkg.go.dev/crypto/rand#Read
	return hex.EncodeToString(b[:])
}

// loadToken gives the token in a file. One that is missing, is no token, or could be read
// by others is made anew: whoever saw the old one is locked out. A symbolic link that was
// planted there is replaced, never followed. One that the device did not give (fsx.Unread) stays,
// for clients hold it.
func loadToken(files fsx.FS, path string) (string, error) {
	token, err := readToken(files, path)
	if token != "" || err != nil {
		return token, err
	}
	token = newSecret()
	return token, fsx.WriteAtomic(files, path, []byte(token+"\n"), 0o600)
}

// readToken gives "" for what is none.
func readToken(files fsx.FS, path string) (string, error) {
	data, err := fsx.ReadLimited(files, path, tokenFileMost)
	if err != nil {
		return "", onlyUnread(err)
	}
	info, err := files.Lstat(path)
	// On Windows the modes say nothing; there the folder's access list is what counts.
	if err != nil || runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return "", onlyUnread(err)
	}
	token := strings.TrimSpace(string(data))
	if raw, err := hex.DecodeString(token); err != nil || len(raw) != tokenBytes {
		return "", nil //nolint:nilerr // what is no token is as good as none
	}
	return token, nil
}

func onlyUnread(err error) error {
	if fsx.Unread(err) {
		return err
	}
	return nil
}
