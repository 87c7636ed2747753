//go:build !unix

package sqlite

import "io/fs"

// fileNumbers has no answer here: Windows tells them only of an open handle.
func fileNumbers(fs.FileInfo) (device, inode uint64, ok bool) { return 0, 0, false }
