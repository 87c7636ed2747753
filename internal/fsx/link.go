package fsx

import "os"

// Linker is an FS that can give a file a second name. Not every FS has it, and not
// every volume (FAT, some network mounts): whoever asks needs another way.
type Linker interface {
	// Link gives from the additional name to and fails with fs.ErrExist when to exists.
	Link(from, to string) error
}

// Link is os.Link.
func (osFS) Link(from, to string) error { return Wrap("link file", os.Link(from, to)) }
