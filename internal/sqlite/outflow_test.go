package sqlite

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"testing"
)

// TestOutflow_keepsTheOrder: whatever is done beside what, bursts arrive whole and one after
// the other, and the sum is theirs.
func TestOutflow_keepsTheOrder(t *testing.T) {
	for _, beside := range []bool{true, false} {
		for _, hashed := range []bool{true, false} {
			var want, got []byte
			o := startOutflow(func(p []byte, off int64) error {
				if off != int64(len(got)) {
					return fmt.Errorf("a burst for %d at %d", off, len(got))
				}
				got = append(got, p...)
				return nil
			}, beside, hashed)
			for i := range 50 {
				p, off := o.buffer(int64(100+i)), int64(len(want))
				copy(p, bytes.Repeat([]byte{byte(i)}, len(p)))
				want = append(want, p...)
				if err := o.feed(p, off); err != nil {
					t.Fatal(err)
				}
			}
			sum, err := o.end()
			if err != nil || !bytes.Equal(got, want) {
				t.Errorf("beside %v: got %d bytes, %v; want %d", beside, len(got), err, len(want))
			}
			sha := sha256.Sum256(want)
			if w := map[bool]string{true: hex.EncodeToString(sha[:])}[hashed]; sum != w {
				t.Errorf("beside %v, hashed %v: got %q, want %q", beside, hashed, sum, w)
			}
		}
	}
}

// TestOutflow_endsWithTheFirstError: nobody waits for room that never comes, and nothing is
// written behind a gap.
func TestOutflow_endsWithTheFirstError(t *testing.T) {
	full := errors.New("full")
	for _, beside := range []bool{true, false} {
		for at := range 5 {
			wrote := 0
			o := startOutflow(func([]byte, int64) error {
				if wrote == at {
					return full
				}
				wrote++
				return nil
			}, beside, true)
			var err error
			for i := int64(0); i < 5 && err == nil; i++ {
				err = o.feed(o.buffer(10), i*10)
			}
			_, ended := o.end()
			if err == nil {
				err = ended
			}
			if !errors.Is(err, full) || wrote != at {
				t.Errorf("beside %v: got %v after %d bursts, want %v after %d", beside, err, wrote, full, at)
			}
			if _, err := o.end(); err != nil {
				t.Errorf("ended twice: %v", err)
			}
		}
	}
}
