//go:build !unix

package control

import (
	"context"
	"errors"
	"net"

	"github.com/officer-doofy/officer/messages"
)

// listen refuses: on Windows the service will listen on a named pipe, and until then
// a TCP port on the loopback, which every user of the machine could reach, is no
// substitute for one.
func listen(string) (net.Listener, string, error) {
	return nil, "", messages.NewFailure("unsupported", "open the socket",
		"other processes cannot reach a running Officer on this system yet")
}

func connectSocket(context.Context, string) (net.Conn, error) {
	return nil, errors.New("no named pipes yet")
}

func ownFolder() string { return "officer" }

func private(string) bool { return true }
