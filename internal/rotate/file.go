package rotate

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	readBackBytes = 256 << 10 // of an earlier run: some 1,000 lines
	edgeBytes     = 128 << 10 // holds the first or last line of a file, however long
	modeLog       = 0o600
)

// logFile is the file being written and its rotated elders.
type logFile struct {
	fsys fsx.FS
	cfg  Config
	path string

	f         fsx.File
	closed    bool // for good
	info      fs.FileInfo
	sizeBytes int64
	oldest    time.Time // of the records in f, zero = empty
	torn      bool      // the last line has no end
	lost      uint64    // lines not written since the last success
	lostEver  uint64
	lostWhy   string
}

func newLogFile(fsys fsx.FS, cfg Config) logFile {
	return logFile{fsys: fsys, cfg: cfg, path: filepath.Join(cfg.Dir, cfg.Name+".log")}
}

// open opens the file for appending, unless it is. Only a regular file is written to: a
// link or FIFO in its place is refused.
func (l *logFile) open() error {
	if l.f != nil {
		return nil
	}
	if err := l.fsys.MkdirAll(l.cfg.Dir); err != nil {
		return err
	}
	if info, err := l.fsys.Lstat(l.path); err == nil && !info.Mode().IsRegular() {
		return fault.New(fault.Refused, "open log", "%s is not a regular file", l.path)
	}
	f, err := l.fsys.OpenFile(l.path, os.O_RDWR|os.O_CREATE|os.O_APPEND, modeLog)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		_ = f.Close()
		return err
	}
	l.f, l.info, l.sizeBytes, l.torn, l.oldest = f, info, info.Size(), false, time.Time{}
	if l.sizeBytes > 0 {
		last := make([]byte, 1)
		_, err := f.ReadAt(last, l.sizeBytes-1)
		l.torn = err != nil || last[0] != '\n'
		l.oldest = oldestOf(f)
		if l.oldest.IsZero() {
			l.oldest = info.ModTime()
		}
	}
	return nil
}

// follow reopens when the path no longer names the open file: logrotate or a person
// moved or removed it, and lines written on would be seen by nobody.
func (l *logFile) follow() error {
	if l.f != nil {
		info, err := l.fsys.Lstat(l.path)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil // cannot be told; the open file still takes lines
		}
		if err != nil || !l.same(info) {
			_ = l.f.Close()
			l.f = nil
		}
	}
	return l.open()
}

func (l *logFile) same(info fs.FileInfo) bool {
	device, inode, ok := l.fsys.Identity(info)
	openDevice, openInode, openOK := l.fsys.Identity(l.info)
	return !ok || !openOK || (device == openDevice && inode == openInode)
}

// write appends one record, after a word about lines that were lost before it.
func (l *logFile) write(r Record) {
	if l.closed {
		return
	}
	line := appendLine(l.cfg.Format, r)
	err := l.prepare(int64(len(line)), r.Time)
	if err == nil && l.lost > 0 {
		if err = l.append(appendLine(l.cfg.Format, l.lostRecord(r.Time))); err == nil {
			l.lost = 0
		}
	}
	if err == nil {
		err = l.append(line)
	}
	if err != nil {
		if l.lost == 0 {
			l.lostWhy = err.Error()
		}
		l.lost++
		l.lostEver++
		return
	}
	if l.oldest.IsZero() {
		l.oldest = r.Time
	}
}

func (l *logFile) lostRecord(at time.Time) Record {
	return Record{Time: at, Level: "warn", Component: "logs",
		Message: strconv.FormatUint(l.lost, 10) + " lines were lost: the log could not be written",
		Context: `{"first_error":` + quote(l.lostWhy) + `}`}
}

// prepare makes sure of an open file with room for a line of that time. A file that was
// left for longer than RotateAfter (Officer did not run) takes no new lines: they would
// keep its old ones alive beyond Keep.
func (l *logFile) prepare(lineBytes int64, at time.Time) error {
	if err := l.follow(); err != nil {
		return err
	}
	if l.sizeBytes == 0 || l.sizeBytes+lineBytes <= l.cfg.MaxFileBytes && at.Sub(l.oldest) <= l.cfg.RotateAfter {
		return nil
	}
	err := l.rotate()
	if err != nil && l.sizeBytes+lineBytes <= l.cfg.MaxTotalBytes {
		// A file that is too large is better than a log that ends; the cap on the total
		// still holds as far as this file goes.
		return l.open()
	}
	return err
}

// append writes a line whole or not at all: half a line would swallow the next one.
func (l *logFile) append(line []byte) error {
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	n, err := l.f.Write(line)
	if err == nil && n < len(line) {
		err = io.ErrShortWrite
	}
	if err == nil {
		l.sizeBytes += int64(n)
		l.torn = false
		return nil
	}
	if n > 0 && l.f.Truncate(l.sizeBytes) != nil {
		l.sizeBytes += int64(n)
		l.torn = true
	}
	return err
}

// rotate puts the file aside as .log.1 and opens a new one. Elders move up by one, the
// eldest first, each to a free name: a crash between two renames leaves a gap in the
// numbers, which the next rotation fills, and loses nothing.
func (l *logFile) rotate() error {
	elders, err := l.elders()
	if err != nil {
		return err
	}
	run := 0 // elders numbered 1, 2 … without a gap: only they are in the way
	for run < len(elders) && elders[run].number == run+1 {
		run++
	}
	for i := run - 1; i >= 0; i-- {
		if err := l.fsys.RenameNoReplace(elders[i].path, l.elder(elders[i].number+1)); err != nil {
			return err
		}
	}
	if l.f != nil {
		_ = l.f.Close() // Windows renames no open file
		l.f = nil
	}
	if err := l.fsys.RenameNoReplace(l.path, l.elder(1)); err != nil {
		return err
	}
	if err := l.cap(); err != nil {
		return errors.Join(err, l.open())
	}
	return l.open()
}

type elderFile struct {
	path      string
	number    int
	sizeBytes int64
	modified  time.Time
}

func (l *logFile) elder(number int) string { return l.path + "." + strconv.Itoa(number) }

// elders lists the rotated files, youngest (.log.1) first.
func (l *logFile) elders() ([]elderFile, error) {
	entries, err := l.fsys.ReadDir(l.cfg.Dir)
	if err != nil {
		return nil, err
	}
	var all []elderFile
	for _, e := range entries {
		suffix, ok := strings.CutPrefix(e.Name(), filepath.Base(l.path)+".")
		number, err := strconv.Atoi(suffix)
		if !ok || err != nil || number < 1 || strconv.Itoa(number) != suffix || !e.Type().IsRegular() {
			continue // not a file of ours
		}
		info, err := e.Info()
		if err != nil {
			continue // removed meanwhile
		}
		all = append(all, elderFile{filepath.Join(l.cfg.Dir, e.Name()), number, info.Size(), info.ModTime()})
	}
	sort.Slice(all, func(a, b int) bool { return all[a].number < all[b].number })
	return all, nil
}

// cap removes the eldest files until a full new one fits into the total.
func (l *logFile) cap() error {
	elders, err := l.elders()
	if err != nil {
		return err
	}
	room := l.cfg.MaxTotalBytes - max(l.cfg.MaxFileBytes, l.present())
	for i, e := range elders {
		if room -= e.sizeBytes; room >= 0 {
			continue
		}
		for j := len(elders) - 1; j >= i; j-- {
			if err := l.fsys.Remove(elders[j].path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
		return nil
	}
	return nil
}

func (l *logFile) present() int64 {
	if l.f == nil {
		return 0
	}
	return l.sizeBytes
}

// prune rotates a file that is old and removes elders whose newest record is too old.
func (l *logFile) prune(now time.Time) error {
	var errs []error
	if !l.closed && l.f != nil && !l.oldest.IsZero() && now.Sub(l.oldest) > l.cfg.RotateAfter {
		errs = append(errs, l.rotate())
	}
	elders, err := l.elders()
	if err != nil {
		return errors.Join(append(errs, err)...)
	}
	for _, e := range elders {
		if now.Sub(l.newestOf(e)) <= l.cfg.Keep {
			continue
		}
		if err := l.fsys.Remove(e.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(append(errs, l.cap())...)
}

func (l *logFile) close() error {
	l.closed = true
	if l.f == nil {
		return nil
	}
	err := errors.Join(l.f.Sync(), l.f.Close())
	l.f = nil
	return err
}
