// Command gallery serves every state of Officer's page on the loopback, to be looked at.
package main

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"github.com/officer-doofy/officer/test/browser/gallery"
)

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Printf("http://%s/\n", listener.Addr())
	server := &http.Server{Handler: gallery.Handler(), ReadHeaderTimeout: 5 * time.Second}
	fmt.Fprintln(os.Stderr, server.Serve(listener))
	os.Exit(1)
}
