//go:build e2e

package bulk_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/page"
	"github.com/officer-doofy/officer/internal/schema"
)

// The C library finds nothing wrong with what is written, in any page size.
func TestTree_isSoundForTheCLibrary(t *testing.T) {
	for i, size := range []int{512, 1024, 2048, 4096, 8192, 16384, 32768, 65536} {
		s := shape{size, []page.Encoding{page.UTF8, page.UTF16LE, page.UTF16BE}[i%3], []string{schema.Binary, schema.NoCase, schema.RTrim}[i%3], i%2 == 0}
		rng := rand.New(rand.NewPCG(uint64(i), 9))
		rows := make([][2]value, 4000)
		for j := range rows {
			rows[j] = [2]value{randomValue(rng, 900), randomValue(rng, 5000)}
		}
		path := filepath.Join(t.TempDir(), fmt.Sprint(size, ".db"))
		if err := os.WriteFile(path, s.fill(t, database(t, s.sql()), rows, 100_000), 0o600); err != nil {
			t.Fatal(err)
		}
		out, err := exec.CommandContext(t.Context(), "sqlite3", path, "PRAGMA integrity_check; SELECT count(*) FROM t; SELECT count(*) FROM w").CombinedOutput()
		if got := strings.Fields(string(out)); err != nil || len(got) != 3 || got[0] != "ok" || got[1] != "4000" || got[2] != "4000" {
			t.Errorf("%v: %v %s", s, err, out)
		}
	}
}
