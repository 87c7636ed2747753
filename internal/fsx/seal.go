package fsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"unsafe"

	"github.com/officer-doofy/officer/internal/fault"
)

const (
	// SealBytes is the length of the bursts that are sealed; the last one of a file is shorter.
	SealBytes = chunkBytes
	// besideMin is the size of a file below which nothing is gained by doing anything beside
	// reading it back.
	besideMin = 8 << 20
	// readersMax is how many bursts are asked of the device at once: without the system's
	// reading ahead, one at a time leaves it idle in between.
	readersMax = 4
	// alignBytes is what reads past the cache have to be aligned to, at most.
	alignBytes = 4096
)

// Sealer makes sums of files that only it can make again: 64 bits under a seed of its own,
// in a tenth of the time of a SHA-256. Equal seals are equal bytes, as far as chance goes:
// for a process that compares what it reads with what it wrote, and for nothing that is kept.
type Sealer struct{ seed maphash.Seed }

// NewSealer makes one, unlike all others.
func NewSealer() *Sealer { return &Sealer{maphash.MakeSeed()} }

// Burst gives the share of a burst in the seal of its file, which is the sum of all. off
// is a multiple of SealBytes.
func (s *Sealer) Burst(off int64, p []byte) uint64 {
	return maphash.Comparable(s.seed, [2]uint64{uint64(off), maphash.Bytes(s.seed, p)})
}

// Uncached is an FS that can read a file past the page cache. Not every file can be read so.
type Uncached interface {
	// OpenUncached opens a file whose ReadAt reads from the device, and leaves alone what
	// the system holds in memory. Offsets and the place and length of buffers must be
	// multiples of 4096. Where that is not sure the error is fault.Refused.
	OpenUncached(name string) (File, error)
}

// GivenBack is what the device gave back of a file.
type GivenBack struct {
	Seal      uint64
	SHA256    string // of the same bytes, in hexadecimal
	SizeBytes int64
}

// ReadBack has the device give back a file that was just written: it is fsynced and read
// past the page cache, and its sums are made. Where the cache cannot be passed by it is
// dropped first (DropCache, which is advice).
//
// beside, when not nil, looks at the same file meanwhile, through the page cache: what it
// sees there is what the device holds if the seal is that of what was written. Where the
// cache has to be dropped, or for a small file, it follows the reading.
func (s *Sealer) ReadBack(ctx context.Context, fsys FS, name string, beside func()) (got GivenBack, err error) {
	op := "read back " + filepath.Base(name)
	past, sizeBytes, err := openPast(fsys, op, name)
	if err != nil {
		return got, err
	}
	if past != nil {
		defer past.Close()
	}
	if beside != nil && past != nil && sizeBytes >= besideMin {
		wait := Alongside(beside)
		defer wait()
	} else if beside != nil {
		defer func() {
			if err == nil {
				beside()
			}
		}()
	}
	if err := SyncFile(fsys, op, name); err != nil {
		return got, err
	}
	if past != nil {
		got, err = s.read(ctx, op, past, sizeBytes, readersMax)
		if !errors.Is(err, syscall.EINVAL) {
			return got, err
		} // a volume that opens files for what it cannot do
	}
	return s.readDropped(ctx, fsys, op, name)
}

// openPast opens a file for reading past the cache; nil where that cannot be.
func openPast(fsys FS, op, name string) (f File, sizeBytes int64, err error) {
	info, err := fsys.Lstat(name)
	switch {
	case err != nil:
		return nil, 0, Wrap(op, err)
	case !info.Mode().IsRegular():
		return nil, 0, fault.New(fault.Refused, op, "not a regular file but %s", KindOf(info.Mode()))
	}
	if u, ok := fsys.(Uncached); ok {
		if f, err = u.OpenUncached(name); fault.CodeOf(err) != fault.Refused {
			return f, info.Size(), Wrap(op, err)
		}
	}
	return nil, info.Size(), nil
}

// readDropped reads a file whose cache was dropped, one burst after the other, as the
// system reads ahead.
func (s *Sealer) readDropped(ctx context.Context, fsys FS, op, name string) (GivenBack, error) {
	f, sizeBytes, err := openRegular(fsys, op, name)
	if err != nil {
		return GivenBack{}, err
	}
	defer f.Close()
	_ = fsys.DropCache(f) // advice only, as in HashFile
	return s.read(ctx, op, f, sizeBytes, 1)
}

// lane is one of several readers that take turns, burst by burst: what they read is hashed
// in the order of the file, and each reads on only when that was done.
type lane struct {
	full chan burst
	free chan struct{}
}

type burst struct {
	p     []byte
	share uint64 // in the seal
	err   error
}

// read makes the sums of a file of a known size.
func (s *Sealer) read(ctx context.Context, op string, f File, sizeBytes int64, readers int64) (GivenBack, error) {
	bursts := (sizeBytes + SealBytes - 1) / SealBytes
	readers = max(1, min(readers, bursts))
	lanes, over := make([]lane, readers), make(chan struct{})
	var wg sync.WaitGroup
	defer wg.Wait()
	defer close(over)
	for i := range lanes {
		lanes[i] = lane{make(chan burst), make(chan struct{}, 1)}
		wg.Go(func() { s.readLane(ctx, op, f, sizeBytes, int64(i), readers, lanes[i], over) })
	}
	got, sum := GivenBack{SizeBytes: sizeBytes}, sha256.New()
	for i := range bursts {
		l := lanes[i%readers]
		b := <-l.full
		if b.err != nil {
			return GivenBack{}, b.err
		}
		sum.Write(b.p)
		got.Seal += b.share
		l.free <- struct{}{}
	}
	got.SHA256 = hex.EncodeToString(sum.Sum(nil))
	return got, nil
}

// readLane reads every readers-th burst from the first on, until one fails or it is over.
func (s *Sealer) readLane(ctx context.Context, op string, f File, sizeBytes, first, readers int64, l lane, over <-chan struct{}) {
	buf := aligned(int(min(SealBytes, (sizeBytes+alignBytes-1)/alignBytes*alignBytes)))
	for off := first * SealBytes; off < sizeBytes; off += readers * SealBytes {
		var b burst
		if b.p, b.err = readBurst(ctx, op, f, buf, off, min(SealBytes, sizeBytes-off)); b.err == nil {
			b.share = s.Burst(off, b.p)
		}
		select {
		case l.full <- b:
		case <-over:
			return
		}
		if b.err != nil {
			return
		}
		select {
		case <-l.free:
		case <-over:
			return
		}
	}
}

// readBurst reads want bytes into a buffer that may hold more: what is read past the cache
// is asked for in whole blocks, also the end of a file.
func readBurst(ctx context.Context, op string, f File, buf []byte, off, want int64) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, fault.Wrap(fault.Interrupted, op, "stopped before the end", err)
	}
	n := 0
	for int64(n) < want {
		got, err := f.ReadAt(buf[n:], off+int64(n))
		n += got
		if err != nil && int64(n) < want {
			return nil, fault.Wrap(fault.IO, op, "the file could not be read to its end", err)
		}
		if got == 0 || got%alignBytes != 0 {
			break // the end of the file, which must be where want says
		}
	}
	if int64(n) != want {
		return nil, fault.New(fault.IO, op, "%d bytes at %d instead of %d", n, off, want)
	}
	return buf[:n], nil
}

// aligned gives a buffer that reads past the cache may go to.
func aligned(size int) []byte {
	b := make([]byte, size+alignBytes)
	at := int(-uintptr(unsafe.Pointer(unsafe.SliceData(b))) & (alignBytes - 1))
	return b[at : at+size : at+size]
}

// Alongside runs f beside the caller, who waits for it and gets its panic.
func Alongside(f func()) (wait func()) {
	done := make(chan any, 1)
	go func() {
		defer func() { done <- recover() }()
		f()
	}()
	return func() {
		if r := <-done; r != nil {
			panic(r)
		}
	}
}

// SyncFile makes the content of a file durable.
func SyncFile(fsys FS, op, name string) error {
	f, err := fsys.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return Wrap(op, err)
	}
	err = f.Sync()
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return Wrap(op, err)
}
