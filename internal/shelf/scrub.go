package shelf

import (
	"context"

	"github.com/officer-doofy/officer/internal/fsx"
)

// HashPaced reads a stored backup back from the device at an average of at most
// bytesPerSecond: SHA-256 in hex and size in bytes.
func (s *Shelf) HashPaced(ctx context.Context, rel string, bytesPerSecond int64) (sha256Hex string, sizeBytes int64, err error) {
	if _, err := s.Size(rel); err != nil {
		return "", 0, err
	}
	file, err := s.Path(rel)
	if err != nil {
		return "", 0, err
	}
	return fsx.HashPaced(ctx, s.cfg.FS, file, bytesPerSecond)
}
