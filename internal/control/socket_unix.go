//go:build unix

package control

import (
	"context"
	"net"
	"os"
	"strconv"
	"syscall"

	"github.com/officer-doofy/officer/messages"
)

// listen opens the socket of a home for this user alone.
func listen(home string) (net.Listener, string, error) {
	path, err := socketPath(home, true)
	if err != nil {
		return nil, "", err
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode()&os.ModeSocket == 0:
		return nil, "", messages.NewFailure("refused", "open the socket", "%s is in the way and is no socket", path).
			WithDid("It was left alone.")
	case err == nil:
		if err := os.Remove(path); err != nil {
			return nil, "", messages.NewFailure("permission", "open the socket", "the old socket %s cannot be removed", path)
		}
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, "", messages.NewFailure("io_error", "open the socket", "%s cannot be made a socket", path).
			WithHints("officer run --home DIR …  with DIR on a local disk")
	}
	// The folder is 0700 already; this is the second door.
	if err := os.Chmod(path, 0o600); err != nil {
		_ = l.Close()
		return nil, "", messages.NewFailure("permission", "open the socket", "%s cannot be closed to others", path)
	}
	return l, path, nil
}

func connectSocket(ctx context.Context, path string) (net.Conn, error) {
	var d net.Dialer
	return d.DialContext(ctx, "unix", path)
}

// ownFolder is the name of this user's folder in the temporary one.
func ownFolder() string { return "officer-" + strconv.Itoa(os.Getuid()) }

// private tells whether a folder is this user's and closed to all others.
func private(dir string) bool {
	info, err := os.Lstat(dir)
	if err != nil || !info.IsDir() || info.Mode().Perm()&0o077 != 0 {
		return false
	}
	stat, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(stat.Uid) == os.Getuid()
}
