package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/officer-doofy/officer/internal/fsx"
	"github.com/officer-doofy/officer/testkit"
)

// bytesPerLocation is what one location with its five images, their tags and all
// indexes takes in the file.
const bytesPerLocation = 2879

// archive builds the database of a photo archive: four tables, one without rowid, five
// indexes, in WAL mode. The same size gives the same content.
func archive(path string, sizeBytes int64) (err error) {
	report := &builder{}
	defer func() {
		if r := recover(); r != nil {
			if !errors.Is(report.failed, errBuild) {
				panic(r)
			}
			err = report.failed
		}
	}()
	testkit.BuildArchive(report, path, int(max(1, sizeBytes/bytesPerLocation)))
	return report.failed
}

var errBuild = errors.New("the database could not be built")

// builder lets the builders of testkit, which report to a test, report to a program.
type builder struct {
	testing.TB
	failed error
}

// Helper is nothing here.
func (b *builder) Helper() {}

// Errorf notes what went wrong.
func (b *builder) Errorf(format string, args ...any) {
	b.failed = fmt.Errorf("%w: %s", errBuild, fmt.Sprintf(format, args...))
}

// Fatalf notes it and ends the building.
func (b *builder) Fatalf(format string, args ...any) {
	b.Errorf(format, args...)
	panic(b.failed)
}

// copyOf puts a copy of a database that nobody has open under another name.
func copyOf(ctx context.Context, from, to string) error {
	if err := remove(to); err != nil {
		return err
	}
	return fsx.CopyFile(ctx, fsx.OS(), from, to, nil)
}

// remove takes a database away with all that stands beside it.
func remove(path string) (err error) {
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		err = errors.Join(err, os.RemoveAll(path+suffix))
	}
	return err
}

// cold makes the system forget what it holds of a file; only what is on the disk can be.
func cold(path string) error {
	files := fsx.OS()
	f, err := files.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), files.DropCache(f), f.Close())
}

const damagedPageBytes = 4096

// damage fills one page in a hundred, never the first, with zeroes.
func damage(ctx context.Context, from, to string) error {
	if err := copyOf(ctx, from, to); err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Clean(to), os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	rng := rand.New(rand.NewPCG(1, 1)) // the same damage each time
	pages := info.Size() / damagedPageBytes
	for range max(1, pages/100) {
		if _, err := f.WriteAt(make([]byte, damagedPageBytes), damagedPageBytes*(1+rng.Int64N(max(1, pages-1)))); err != nil {
			return err
		}
	}
	return f.Sync()
}
