package check_test

import (
	"bytes"
	"errors"
	"runtime"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
	"github.com/officer-doofy/officer/internal/page"
)

// hostileBytes is what a check may take of memory, whatever is in the file. All that it allocates from beginning to end is
// counted, so what it held at any time was less.
const hostileBytes = 64 << 20

// FuzzVerify: whatever the bytes, there is a verdict, and twice the same, in bounded memory.
func FuzzVerify(f *testing.F) {
	for seed := range uint64(24) {
		if image, _ := generate(f, seed); len(image) <= 64<<10 {
			f.Add(image)
		}
	}
	f.Add(library0(f).b)
	f.Add(library2(f).b)
	f.Fuzz(func(t *testing.T, image []byte) {
		file, err := page.OpenFile(bytes.NewReader(image), int64(len(image)))
		if err != nil {
			var broken *page.Error
			if !errors.As(err, &broken) {
				t.Fatal(err)
			}
			return
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		db := check.Database{Pages: file, Header: file.Header, Geometry: file.Geometry}
		alone, err := check.Verify(t.Context(), db, check.Options{Digest: true})
		if err != nil {
			t.Fatal(err)
		}
		runtime.ReadMemStats(&after)
		if took := after.TotalAlloc - before.TotalAlloc; took > hostileBytes {
			t.Errorf("%d bytes of a database took %d bytes of memory", len(image), took)
		}
		together, err := check.Verify(t.Context(), db, check.Options{Crew: crew(3), Digest: true, Seed: [2]uint64{1, 2}})
		if err != nil || together.Verdict != alone.Verdict || len(together.Findings) != len(alone.Findings) {
			t.Fatalf("got %s %v, %v, then %s %v", alone.Verdict, alone.Findings, err, together.Verdict, together.Findings)
		}
	})
}
