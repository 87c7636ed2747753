package sqlite

import (
	"context"
	"io/fs"
	"os"

	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
)

// statFile is a file of a VFS that can tell what it is.
type statFile interface {
	vfs.File
	Stat() (fs.FileInfo, error)
}

// Identity gives device and inode of the open file and of its path, without opening
// anything.
func (c *Conn) Identity() (id Identity, err error) {
	err = c.do(context.Background(), "identify the database file", func() error {
		id.Device, id.Inode, id.Known = c.openIdentity()
		if !id.Known {
			return nil
		}
		info, err := os.Stat(c.path)
		if os.IsNotExist(err) {
			return nil
		}
		if err == nil {
			id.PathDevice, id.PathInode, _ = fileNumbers(info)
		}
		return err
	})
	return id, err
}

// openIdentity gives the numbers of the file behind SQLite's descriptor.
func (c *Conn) openIdentity() (device, inode uint64, ok bool) {
	f, err := c.mainFile()
	if err != nil {
		return 0, 0, false
	}
	s, ok := vfsutil.UnwrapFile[statFile](f)
	if !ok {
		return 0, 0, false
	}
	info, err := s.Stat()
	if err != nil {
		return 0, 0, false
	}
	return fileNumbers(info)
}
