package sqlite

import "context"

// CopyBySQLite is the copy of the backup API, which copies of pages are held to.
func (c *Conn) CopyBySQLite(ctx context.Context, dst string) (CopyResult, error) {
	return c.copyBySQLite(ctx, dst, CopyOptions{})
}
