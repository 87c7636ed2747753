package fsx

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/officer-doofy/officer/internal/fault"
)

const (
	chunkBytes    = 1 << 20 // a burst: large enough for a disk, small enough for the memory budget
	tempNameTries = 100     // strays of as many killed runs
)

// WriteAtomic puts data under name so that, whenever the power fails, either the old
// or the new content is there: temporary file beside it (O_EXCL) → write → fsync →
// rename → fsync of the directory. On failure the temporary file is removed and the
// old content is untouched.
func WriteAtomic(fsys FS, name string, data []byte, perm fs.FileMode) (err error) {
	f, err := createBeside(fsys, name, perm)
	if err != nil {
		return err
	}
	temp := f.Name()
	defer func() {
		if err != nil {
			_ = fsys.Remove(temp)
		}
	}()
	_, err = f.Write(data)
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Wrap("write "+filepath.Base(name), err)
	}
	if err = fsys.Rename(temp, name); err != nil {
		return Wrap("write "+filepath.Base(name), err)
	}
	// From here the new content has the name: temp is gone and must not be removed.
	if serr := fsys.SyncDir(filepath.Dir(name)); serr != nil {
		return Wrap("write "+filepath.Base(name), serr)
	}
	return nil
}

// RemoveTemps removes what WriteAtomic left of a file when it was killed. Nobody may be
// writing it.
func RemoveTemps(fsys FS, name string) error {
	dir, base := filepath.Split(name)
	entries, err := fsys.ReadDir(filepath.Clean(dir))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return Wrap("remove temporary files", err)
	}
	var errs []error
	for _, e := range entries {
		digits, temp := strings.CutPrefix(e.Name(), base+".tmp")
		if temp && strings.Trim(digits, "0123456789") == "" && e.Type().IsRegular() {
			errs = append(errs, fsys.Remove(filepath.Join(dir, e.Name())))
		}
	}
	return Wrap("remove temporary files", errors.Join(errs...))
}

// MakeDirs is MkdirAll with names that outlive a power cut: each folder that was missing
// is made durable in its parent.
func MakeDirs(fsys FS, dir string) error {
	var missing []string
	for d := dir; filepath.Dir(d) != d; d = filepath.Dir(d) {
		if _, err := fsys.Lstat(d); !errors.Is(err, fs.ErrNotExist) {
			break
		}
		missing = append(missing, d)
	}
	if err := fsys.MkdirAll(dir); err != nil {
		return Wrap("make directory", err)
	}
	for _, d := range missing {
		if err := fsys.SyncDir(filepath.Dir(d)); err != nil {
			return Wrap("make directory", err)
		}
	}
	return nil
}

// createBeside makes {name}.tmp or, when a stray has that name, {name}.tmp2 and so on.
// Names are counted, not random, so that a simulated run repeats exactly.
func createBeside(fsys FS, name string, perm fs.FileMode) (File, error) {
	for i := 1; ; i++ {
		temp := name + ".tmp"
		if i > 1 {
			temp += strconv.Itoa(i)
		}
		f, err := fsys.OpenFile(temp, os.O_RDWR|os.O_CREATE|os.O_EXCL, perm)
		if err == nil || !errors.Is(err, fs.ErrExist) || i == tempNameTries {
			return f, err
		}
	}
}

// ReadLimited reads a small file whole. It refuses everything that is not a regular
// file (a FIFO would hang, a symbolic link may have been planted) with fault.Refused
// and a file of more than maxBytes with fault.TooBig.
func ReadLimited(fsys FS, name string, maxBytes int64) ([]byte, error) {
	op := "read " + filepath.Base(name)
	info, err := fsys.Lstat(name)
	if err != nil {
		return nil, Wrap(op, err)
	}
	if !info.Mode().IsRegular() {
		return nil, fault.New(fault.Refused, op, "not a regular file but %s", KindOf(info.Mode()))
	}
	if info.Size() > maxBytes {
		return nil, fault.New(fault.TooBig, op, "%d bytes, at most %d are read", info.Size(), maxBytes)
	}
	f, err := fsys.OpenFile(name, os.O_RDONLY|flagNoFollow, 0)
	if err != nil {
		return nil, Wrap(op, err)
	}
	defer f.Close()
	// Between Lstat and open somebody may have put another file there.
	if now, err := f.Stat(); err != nil {
		return nil, Wrap(op, err)
	} else if !now.Mode().IsRegular() {
		return nil, fault.New(fault.Refused, op, "not a regular file but %s", KindOf(now.Mode()))
	}
	data, err := io.ReadAll(io.LimitReader(f, maxBytes+1))
	if err != nil {
		return nil, Wrap(op, err)
	}
	if int64(len(data)) > maxBytes {
		return nil, fault.New(fault.TooBig, op, "grew beyond %d bytes while being read", maxBytes)
	}
	return data, nil
}

// CopyFile copies a regular file to a name that must not exist yet (mode 0600),
// fsyncs it and its directory. progress, when not nil, hears bytes done and in all
// after every burst. The unfinished copy is removed on failure.
func CopyFile(ctx context.Context, fsys FS, from, to string, progress func(doneBytes, totalBytes int64)) error {
	op := "copy " + filepath.Base(from)
	if err := copyFile(ctx, fsys, op, from, to, true, progress); err != nil {
		return err
	}
	err := fsys.SyncDir(filepath.Dir(to))
	if err != nil {
		_ = fsys.Remove(to)
	}
	return Wrap(op, err)
}

// CopyToWork is CopyFile for a working copy: a crash may leave anything of it. Who makes more of it than that fsyncs it then.
func CopyToWork(ctx context.Context, fsys FS, from, to string) error {
	return copyFile(ctx, fsys, "copy "+filepath.Base(from), from, to, false, nil)
}

func copyFile(ctx context.Context, fsys FS, op, from, to string, durable bool, progress func(doneBytes, totalBytes int64)) (err error) {
	src, sizeBytes, err := openRegular(fsys, op, from)
	if err != nil {
		return err
	}
	defer src.Close()
	dst, err := fsys.Create(to)
	if err != nil {
		return Wrap(op, err)
	}
	defer func() {
		if err != nil {
			_ = fsys.Remove(to)
		}
	}()
	err = pump(ctx, op, dst, src, sizeBytes, progress)
	if err == nil && durable {
		err = dst.Sync()
	}
	return Wrap(op, cmp.Or(err, dst.Close()))
}

// openRegular opens a file for reading after a look at what it is: opening a FIFO
// would hang, opening a device may do anything.
func openRegular(fsys FS, op, name string) (f File, sizeBytes int64, err error) {
	info, err := fsys.Stat(name)
	if err != nil {
		return nil, 0, Wrap(op, err)
	}
	if !info.Mode().IsRegular() {
		return nil, 0, fault.New(fault.Refused, op, "not a regular file but %s", KindOf(info.Mode()))
	}
	f, err = fsys.Open(name)
	return f, info.Size(), Wrap(op, err)
}

func pump(ctx context.Context, op string, dst io.Writer, src io.Reader, totalBytes int64, progress func(doneBytes, totalBytes int64)) error {
	buf := make([]byte, burstOf(totalBytes))
	var doneBytes int64
	for {
		if err := ctx.Err(); err != nil {
			return fault.Wrap(fault.Interrupted, op, "stopped before the end", err)
		}
		n, err := io.ReadFull(src, buf)
		if n > 0 {
			if _, werr := dst.Write(buf[:n]); werr != nil {
				return Wrap(op, werr)
			}
			doneBytes += int64(n)
			if progress != nil {
				progress(doneBytes, max(totalBytes, doneBytes))
			}
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil
		}
		if err != nil {
			return Wrap(op, err)
		}
	}
}

// burstOf is how much is read of a file at once: a small one with a buffer of its size and a
// byte more, which tells its end by the same read.
func burstOf(sizeBytes int64) int64 { return min(max(sizeBytes, 0)+1, chunkBytes) }

// HashFile gives SHA-256 in hexadecimal and size of a file as the device has it: the
// page cache is dropped first, so that bytes are read back and not remembered.
func HashFile(ctx context.Context, fsys FS, name string) (sha256Hex string, sizeBytes int64, err error) {
	return hashFile(ctx, fsys, name, true)
}

// HashChecked is HashFile of the bytes that were just checked: what the system remembers
// of them is hashed, so that the sum is of what was checked and not of a second reading.
func HashChecked(ctx context.Context, fsys FS, name string) (sha256Hex string, sizeBytes int64, err error) {
	return hashFile(ctx, fsys, name, false)
}

func hashFile(ctx context.Context, fsys FS, name string, fromDevice bool) (sha256Hex string, sizeBytes int64, err error) {
	op := "hash " + filepath.Base(name)
	f, statBytes, err := openRegular(fsys, op, name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	if fromDevice {
		// Advice only: a file system that cannot forget (tmpfs) is still hashed.
		_ = fsys.DropCache(f)
	}
	h := sha256.New()
	counted := &counter{w: h}
	if err := pump(ctx, op, counted, f, statBytes, nil); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), counted.n, nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
