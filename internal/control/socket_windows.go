package control

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/Microsoft/go-winio"
	"golang.org/x/sys/windows"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/messages"
)

// A named pipe stands in one room for the whole machine, so its name could be taken by
// anybody. It has a part that nobody guesses, and the home, which is the user's, tells it.
const (
	pipeRoom     = `\\.\pipe\officer-`
	pipeBytesMax = 1 << 10
)

// listen opens a pipe for this user alone.
func listen(home string) (net.Listener, string, error) {
	const op = "open the pipe"
	user, err := windows.GetCurrentProcessToken().GetTokenUser()
	if err != nil {
		return nil, "", messages.NewFailure("io_error", op, "the user of this process cannot be told")
	}
	sum := sha256.Sum256([]byte(home))
	name := pipeRoom + hex.EncodeToString(sum[:8]) + "-" + newID()
	// Protected: nothing is inherited; this user may do everything, nobody else anything.
	l, err := winio.ListenPipe(name, &winio.PipeConfig{SecurityDescriptor: "D:P(A;;GA;;;" + user.User.Sid.String() + ")"})
	if err != nil {
		return nil, "", messages.NewFailure("io_error", op, "a pipe cannot be made for %s", home)
	}
	if err := fsx.WriteAtomic(fsx.OS(), filepath.Join(home, pipeFile), []byte(name+"\n"), 0o600); err != nil {
		_ = l.Close()
		return nil, "", messages.NewFailure("permission", op, "the name of the pipe cannot be written into %s", home)
	}
	return l, name, nil
}

// socketPath is the name of the pipe of a home.
func socketPath(home string, _ bool) (string, error) {
	data, err := fsx.ReadLimited(fsx.OS(), filepath.Join(home, pipeFile), pipeBytesMax)
	if err != nil {
		return "", err
	}
	name := strings.TrimSpace(string(data))
	if !strings.HasPrefix(name, pipeRoom) {
		return "", os.ErrInvalid
	}
	return name, nil
}

func connectSocket(ctx context.Context, path string) (net.Conn, error) {
	return winio.DialPipeContext(ctx, path)
}
