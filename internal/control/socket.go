//go:build unix

package control

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"

	"github.com/officer-doofy/officer/messages"
)

// socketName is the socket in a home.
const socketName = "officer.sock"

// socketPathMax is what every system takes as the path of a Unix socket: macOS has room
// for 104 bytes, Linux for 108, both with the closing NUL.
const socketPathMax = 103

// socketPath is where the socket of a home is: in it, or when that path is too long
// under a hash of it in the user's runtime folder, or else in a folder of the user's
// own in the temporary one. make creates that folder.
func socketPath(home string, make bool) (string, error) {
	path := filepath.Join(home, socketName)
	if len(path) <= socketPathMax {
		return path, nil
	}
	sum := sha256.Sum256([]byte(home))
	name := hex.EncodeToString(sum[:8]) + ".sock"
	dir := ""
	if runtime := os.Getenv("XDG_RUNTIME_DIR"); filepath.IsAbs(runtime) {
		dir = filepath.Join(runtime, "officer")
	}
	if dir == "" || len(dir)+1+len(name) > socketPathMax {
		dir = filepath.Join(os.TempDir(), ownFolder())
	}
	path = filepath.Join(dir, name)
	if len(path) > socketPathMax {
		return "", messages.NewFailure("invalid", "open the socket", "there is no folder with a short enough path for %s", path)
	}
	if make {
		if err := os.Mkdir(dir, 0o700); err != nil && !os.IsExist(err) {
			return "", messages.NewFailure("permission", "open the socket", "the folder %s cannot be made", dir)
		}
	}
	// Everybody may write to the temporary folder: a folder somebody else put there, or
	// that others can enter, would hand the socket to them.
	if !private(dir) {
		return "", messages.NewFailure("refused", "open the socket", "the folder %s does not belong to you alone", dir).
			WithHints("XDG_RUNTIME_DIR=$HOME/.run officer …")
	}
	return path, nil
}
