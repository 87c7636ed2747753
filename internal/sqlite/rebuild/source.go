package rebuild

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/internal/salvage"
)

// source is a database on disk, with what lies beside it.
type source struct {
	salvage.Source
	path  string
	files []fsx.File
	was   [4]state
}

// suffixes of the files that belong to a database.
func suffixes() []string { return []string{"", "-wal", "-journal", "-shm"} }

type state struct {
	size int64
	time time.Time
}

func openSource(fsys fsx.FS, path string, reads *watch) (*source, error) {
	s := &source{path: path}
	for i, suffix := range suffixes() {
		info, err := fsys.Stat(path + suffix)
		if errors.Is(err, fs.ErrNotExist) && i > 0 {
			continue
		}
		if err == nil && !info.Mode().IsRegular() {
			err = fault.New(fault.Refused, opRecover, "%s is not a regular file but %s", filepath.Base(path+suffix), fsx.KindOf(info.Mode()))
		}
		var f fsx.File
		if err == nil {
			f, err = fsys.OpenFile(path+suffix, os.O_RDONLY, 0)
		}
		if err != nil {
			s.close()
			return nil, err
		}
		s.files = append(s.files, f)
		s.was[i] = state{info.Size(), info.ModTime()}
		read := watched{f, reads}
		switch i {
		case 0:
			s.File, s.FileBytes = read, info.Size()
		case 1:
			s.WAL, s.WALBytes = read, info.Size()
		case 2:
			s.Journal, s.JournalBytes = read, info.Size()
		default:
			s.Index = read
		}
	}
	return s, nil
}

// changed tells whether somebody wrote to the files since they were opened.
func (s *source) changed(fsys fsx.FS) bool {
	for i, suffix := range suffixes()[:3] { // a reader changes the -shm
		info, err := fsys.Stat(s.path + suffix)
		now := state{}
		if err == nil {
			now = state{info.Size(), info.ModTime()}
		}
		if now.size != s.was[i].size || !now.time.Equal(s.was[i].time) {
			return true
		}
	}
	return false
}

func (s *source) close() {
	for _, f := range s.files {
		_ = f.Close()
	}
}

// watch keeps the first read that failed. A salvage goes on past it, as it must with a
// device that is dying.
type watch struct {
	mu  sync.Mutex
	err error
}

func (w *watch) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// watched is a file whose failed reads are kept.
type watched struct {
	io.ReaderAt
	watch *watch
}

// ReadAt is that of the file.
func (r watched) ReadAt(p []byte, off int64) (int, error) {
	n, err := r.ReaderAt.ReadAt(p, off)
	if err != nil && !errors.Is(err, io.EOF) {
		r.watch.mu.Lock()
		if r.watch.err == nil {
			r.watch.err = err
		}
		r.watch.mu.Unlock()
	}
	return n, err
}
