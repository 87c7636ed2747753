package fsx

import (
	"os"

	"github.com/officer-doofy/officer/internal/fault"
)

// Linker is an FS that can give a file a second name. Not every FS has it, and not
// every volume (FAT, some network mounts): whoever asks needs another way.
type Linker interface {
	// Link gives from the additional name to. It fails with fs.ErrExist when to exists, and
	// with fault.Refused where there are no hard links: any other failure is one of the disk.
	Link(from, to string) error
}

// Link is os.Link.
func (osFS) Link(from, to string) error {
	err := os.Link(from, to)
	if err != nil && noLinks(err) {
		return fault.Wrap(fault.Refused, "link file", "this volume makes no hard links", err)
	}
	return Wrap("link file", err)
}
