//go:build e2e

package check_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/officer-doofy/officer/internal/check"
)

// nearLine is how the command says for what an error is.
var nearLine = regexp.MustCompile(`(?m)^.* near line (\d+): .*$`)

// askC has the C library check images, all in one process, and gives what it says of each. After a crash it asks of the others alone.
func askC(t *testing.T, dir string, images ...[]byte) []string {
	t.Helper()
	const linesEach, mark = 3, "--- next"
	var script strings.Builder
	for i, image := range images {
		path := filepath.Join(dir, strconv.Itoa(i)+".db")
		if err := os.WriteFile(path, image, 0o600); err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&script, ".open 'file:%s?mode=ro&immutable=1'\npragma integrity_check;\n.print '%s'\n", path, mark)
	}
	var out, errs bytes.Buffer
	cmd := exec.Command("sqlite3", "-batch")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(script.String()), &out, &errs
	_ = cmd.Run() // of damaged images it may end with any code
	said := strings.Split(out.String(), mark+"\n")
	if len(said) <= len(images) { // the last part is what comes after the last mark: nothing
		if len(images) == 1 {
			return []string{"crashed: " + out.String() + errs.String()}
		}
		said = said[:0]
		for _, image := range images {
			said = append(said, askC(t, dir, image)...)
		}
		return said
	}
	for _, m := range nearLine.FindAllStringSubmatch(errs.String(), -1) {
		line, err := strconv.Atoi(m[1])
		if i := (line - 1) / linesEach; err == nil && i >= 0 && i < len(images) {
			said[i] += m[0]
		}
	}
	said = said[:len(images)]
	for i := range said {
		said[i] = strings.TrimSpace(said[i])
	}
	return said
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
	const perImage = 30
	damaged, tried, dir := 0, 0, t.TempDir()
	for i := range uint64(count(t, 20)) {
		seed := first() + i
		image, sql := generate(t, seed)
		if askC(t, dir, image)[0] != "ok" { // another version writes some numbers in another way, which an index on c || 'x' shows
			continue
		}
		if out := judgeByPages(t, image); out.Verdict != check.OK {
			t.Errorf("seed %d: got %s %v, C says ok\n%s", seed, out.Verdict, out.Findings, sql)
		}
		rng := rand.New(rand.NewPCG(seed, 11))
		var mutations []mutation
		var mutated [][]byte
		for range perImage {
			m := mutate(rng, image)
			mutations, mutated = append(mutations, m), append(mutated, m.apply(image))
		}
		for j, said := range askC(t, dir, mutated...) {
			out := judgeByPages(t, mutated[j]) // of what is healthy, too: it must not panic
			tried++
			if said == "ok" || missing(said) {
				continue
			}
			damaged++
			if out.Verdict == check.OK {
				t.Errorf("seed %d, %v: ok, although C says %s\n%s", seed, mutations[j], said, sql)
			}
		}
	}
	t.Logf("C called %d of %d images damaged", damaged, tried)
}
