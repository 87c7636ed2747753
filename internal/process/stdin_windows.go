package process

import (
	"errors"
	"os"

	"golang.org/x/sys/windows"
)

// ended tells whether nobody holds the other end any more.
func ended(f *os.File, _ bool) bool {
	peek := windows.NewLazySystemDLL("kernel32.dll").NewProc("PeekNamedPipe")
	done, _, err := peek.Call(f.Fd(), 0, 0, 0, 0, 0)
	return done == 0 && errors.Is(err, windows.ERROR_BROKEN_PIPE)
}
