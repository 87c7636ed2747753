//go:build !linux

package sqlite

import "github.com/ncruces/go-sqlite3/vfs"

func beginWriting(vfs.File, int64, int64) {}
