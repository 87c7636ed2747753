//go:build e2e

package check_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
)

// askC runs the C library's check of an image.
func askC(t *testing.T, image []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "image.db")
	if err := os.WriteFile(path, image, 0o600); err != nil {
		t.Fatal(err)
	}
	out, _ := exec.Command("sqlite3", "file:"+path+"?mode=ro&immutable=1", "pragma integrity_check").CombinedOutput()
	return strings.TrimSpace(string(out))
}

// missing is what the command may lack that this library has.
func missing(said string) bool {
	for _, s := range []string{"no such module", "no such collation", "no such function", "unknown function"} {
		if strings.Contains(said, s) {
			return true
		}
	}
	return false
}

func TestVerify_neverPassesWhatCCallsDamaged(t *testing.T) {
	if _, err := exec.LookPath("sqlite3"); err != nil {
		t.Fatal(err)
	}
	damaged := 0
	for i := range uint64(count(t, 20)) {
		seed := first() + i
		image, sql := generate(t, seed)
		if askC(t, image) != "ok" { // another version writes some numbers in another way, which an index on c || 'x' shows
			continue
		}
		if out, _ := judgeImage(t, image, check.Options{}); out.Verdict != check.OK {
			t.Errorf("seed %d: got %s %v, C says ok\n%s", seed, out.Verdict, out.Findings, sql)
		}
		rng := rand.New(rand.NewPCG(seed, 11))
		for range 30 {
			m := mutate(rng, image)
			out, _ := judgeImage(t, m.apply(image), check.Options{})
			said := askC(t, m.apply(image))
			if said != "ok" && !missing(said) {
				damaged++
				if out.Verdict == check.OK {
					t.Errorf("seed %d, %v: ok, although C says %s\n%s", seed, m, said, sql)
				}
			}
		}
	}
	t.Logf("C called %d images damaged", damaged)
}
