package fsx

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"path/filepath"
	"time"

	"github.com/officer-doofy/officer/internal/fault"
)

// HashPaced is HashFile at an average of at most bytesPerSecond, for work that nobody
// waits for; 0 = full speed.
func HashPaced(ctx context.Context, fsys FS, name string, bytesPerSecond int64) (sha256Hex string, sizeBytes int64, err error) {
	op := "hash " + filepath.Base(name)
	f, statBytes, err := openRegular(fsys, op, name)
	if err != nil {
		return "", 0, err
	}
	defer f.Close()
	_ = fsys.DropCache(f) // advice only, as in HashFile
	h := sha256.New()
	counted := &counter{w: h}
	if err := pump(ctx, op, counted, &pacer{ctx: ctx, op: op, r: f, rate: bytesPerSecond, began: time.Now()}, statBytes, nil); err != nil {
		return "", 0, err
	}
	return hex.EncodeToString(h.Sum(nil)), counted.n, nil
}

// pacer delays reads so that no more than rate bytes a second come through on average.
type pacer struct {
	ctx   context.Context
	op    string
	r     io.Reader
	rate  int64
	began time.Time
	n     int64
}

// Read waits for its turn and reads.
func (p *pacer) Read(b []byte) (int, error) {
	if wait := p.wait(); wait > 0 {
		t := time.NewTimer(wait)
		defer t.Stop()
		select {
		case <-t.C:
		case <-p.ctx.Done():
			return 0, fault.Wrap(fault.Interrupted, p.op, "stopped before the end", p.ctx.Err())
		}
	}
	n, err := p.r.Read(b)
	p.n += int64(n)
	return n, err
}

func (p *pacer) wait() time.Duration {
	if p.rate <= 0 {
		return 0
	}
	due := time.Duration(float64(p.n) / float64(p.rate) * float64(time.Second))
	return due - time.Since(p.began)
}
