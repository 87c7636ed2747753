package sqlite

import (
	"github.com/ncruces/go-sqlite3/util/vfsutil"
	"github.com/ncruces/go-sqlite3/vfs"
	"golang.org/x/sys/unix"
)

// beginWriting has the system begin to write what a file holds in memory of a range, without
// waiting for it. It is no fsync and takes the place of none.
func beginWriting(f vfs.File, off, sizeBytes int64) {
	if real, ok := vfsutil.UnwrapFile[fder](f); ok {
		_ = unix.SyncFileRange(int(real.Fd()), off, sizeBytes, unix.SYNC_FILE_RANGE_WRITE) // a wish
	}
}
