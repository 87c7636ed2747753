package sqlite

import (
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// The fence and a fresh connection are opened and closed while a job looks.
func TestForeignDriverGuard_knowsConnectionsThatComeAndGo(t *testing.T) {
	path := makeDB(t, filepath.Join(t.TempDir(), "app.db"), `PRAGMA journal_mode=wal;`+plain)
	held := &Descriptors{}
	var comers sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		comers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				c, err := Open(t.Context(), path, Options{ReadOnly: true, BusyTimeout: 10 * time.Second, Descriptors: held})
				if err == nil {
					err = c.Close()
				}
				if err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for range 300 {
		if _, err := ForeignDriverGuard([]string{path}, held); err != nil {
			t.Error(err)
			break
		}
	}
	close(stop)
	comers.Wait()
}
