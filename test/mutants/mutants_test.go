package mutants

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/parser"
	"go/token"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// What the run is told by the environment.
const (
	countVariable  = "OFFICER_MUTANTS" // how many, "all", or nothing for none
	seedVariable   = "OFFICER_SEED"    // which of them
	mutantVariable = "OFFICER_MUTANT"  // some by name, separated by commas
	budgetVariable = "OFFICER_MUTANTS_SECONDS"

	root       = "../.."
	killWithin = 4 * time.Minute // with the compiler; a mutant may make a test hang
	mutantsMin = 30
)

// mutant is one defect.
type mutant struct {
	name    string // system.defect
	promise string // P1 … P14 of docs/reliability.md
	file    string // from the root
	before  string // stands there exactly once
	after   string
	kill    kill
}

// kill is the test that must notice.
type kill struct {
	layer string // core, actor, tree, disk: what kind of test it is
	pkg   string
	run   string   // pattern of go test -run
	env   []string // for the campaign: which protocols, how many points
}

func (m mutant) mutated(t *testing.T) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		t.Fatalf("%s: %v", m.name, err)
	}
	if n := strings.Count(string(data), m.before); n != 1 {
		t.Fatalf("%s: %s holds the text %d times, want once:\n%s", m.name, m.file, n, m.before)
	}
	return []byte(strings.Replace(string(data), m.before, m.after, 1))
}

// TestMutants_standWhereTheyStood: a mutant whose text is gone breaks nothing and would be
// called killed by nobody; then whoever changed the code says here where the defect is now.
func TestMutants_standWhereTheyStood(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range mutants() {
		t.Run(m.name, func(t *testing.T) {
			if seen[m.name] {
				t.Errorf("there are two")
			}
			seen[m.name] = true
			if m.before == m.after || m.promise == "" || m.kill.layer == "" {
				t.Errorf("it changes nothing, or names no promise or layer")
			}
			if _, err := parser.ParseFile(token.NewFileSet(), m.file, m.mutated(t), 0); err != nil {
				t.Errorf("the mutant is no Go: %v", err)
			}
			m.kill.exists(t)
		})
	}
	if n := len(mutants()); n < mutantsMin {
		t.Errorf("%d mutants, want at least %d", n, mutantsMin)
	}
}

// exists holds that the killing test is there: a pattern that matches nothing passes.
func (k kill) exists(t *testing.T) {
	t.Helper()
	name := regexp.MustCompile(`^\^?\w+`).FindString(k.run)
	files, err := filepath.Glob(filepath.Join(root, filepath.FromSlash(k.pkg), "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if data, err := os.ReadFile(f); err == nil && strings.Contains(string(data), "func "+strings.TrimPrefix(name, "^")) {
			return
		}
	}
	t.Errorf("%s has no test %s", k.pkg, k.run)
}

func TestMutants_areKilled(t *testing.T) {
	chosen := choose(t)
	if len(chosen) == 0 {
		t.Skipf("%s is not set: each mutant compiles Officer anew; .ci/run tries a share, make mutants all", countVariable)
	}
	budget := time.Duration(number(t, budgetVariable, 24*3600)) * time.Second
	var table strings.Builder
	table.WriteString("\n| mutant | promise | killed by | layer | s |\n|---|---|---|---|---|\n")
	began, killed, tried := time.Now(), 0, 0
	for _, m := range chosen {
		if tried > 0 && time.Since(began) > budget*8/10 {
			break // the next might not end in time
		}
		tried++
		start := time.Now()
		by, err := m.die(t)
		if err != nil {
			t.Errorf("%s: %v", m.name, err)
			by = "nobody"
		} else {
			killed++
		}
		line := fmt.Sprintf("| %s | %s | %s | %s | %.0f |", m.name, m.promise, by, m.kill.layer, time.Since(start).Seconds())
		t.Log(line)
		table.WriteString(line + "\n")
	}
	t.Logf("%s%d of %d mutants tried, %d killed, %d survived, in %v", table.String(), tried, len(mutants()),
		killed, tried-killed, time.Since(began).Round(time.Second))
}

// choose takes some of the mutants, by seed, or one by name.
func choose(t *testing.T) []mutant {
	t.Helper()
	all := mutants()
	if names := os.Getenv(mutantVariable); names != "" {
		all = slices.DeleteFunc(all, func(m mutant) bool { return !slices.Contains(strings.Split(names, ","), m.name) })
		if len(all) != len(strings.Split(names, ",")) {
			t.Fatalf("not all of these are mutants: %s", names)
		}
		return all
	}
	switch os.Getenv(countVariable) {
	case "":
		return nil
	case "all":
		return all
	}
	seed := number(t, seedVariable, 1)
	t.Logf("seed %d: %s=%d", seed, seedVariable, seed)
	random := rand.New(rand.NewPCG(uint64(seed), 0))
	random.Shuffle(len(all), func(i, k int) { all[i], all[k] = all[k], all[i] })
	return all[:min(len(all), number(t, countVariable, 0))]
}

func number(t *testing.T, variable string, otherwise int) int {
	t.Helper()
	v := os.Getenv(variable)
	if v == "" {
		return otherwise
	}
	n, err := strconv.Atoi(v)
	if err != nil || n < 1 {
		t.Fatalf("%s: %q is no number from 1 on", variable, v)
	}
	return n
}

var failedTest = regexp.MustCompile(`(?m)^\s*--- FAIL: (\S+)`)

// die runs the killing test over the mutant and gives the test that failed.
func (m mutant) die(t *testing.T) (by string, err error) {
	t.Helper()
	dir := t.TempDir()
	changed := filepath.Join(dir, filepath.Base(m.file))
	if err := os.WriteFile(changed, m.mutated(t), 0o600); err != nil {
		return "", err
	}
	place, err := filepath.Abs(filepath.Join(root, filepath.FromSlash(m.file)))
	if err != nil {
		return "", err
	}
	overlay, err := json.Marshal(struct{ Replace map[string]string }{map[string]string{place: changed}})
	if err != nil {
		return "", err
	}
	plan := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(plan, overlay, 0o600); err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(t.Context(), killWithin)
	defer cancel()
	limit := killWithin - 30*time.Second
	cmd := exec.CommandContext(ctx, "go", "test", "-vet=off", "-count=1", "-failfast", "-timeout", limit.String(),
		"-overlay", plan, "-run", m.kill.run, "./"+m.kill.pkg)
	cmd.Dir, cmd.Env = root, append(os.Environ(), m.kill.env...)
	cmd.WaitDelay = 10 * time.Second
	out, err := cmd.CombinedOutput()
	first, _, _ := strings.Cut(m.kill.run, "|")
	var exit *exec.ExitError
	switch said := string(out); {
	case err == nil:
		return "", errors.New("it survived: no test failed")
	case ctx.Err() != nil:
		return first + " (hangs)", nil
	case !errors.As(err, &exit):
		return "", err
	case strings.Contains(said, "[build failed]") || strings.Contains(said, "[setup failed]"):
		return "", fmt.Errorf("it is not compiled, so nothing is proved:\n%s", said)
	case failedTest.MatchString(said):
		return failedTest.FindStringSubmatch(said)[1], nil
	case strings.Contains(said, "panic: "):
		return first + " (panic)", nil
	default:
		return "", fmt.Errorf("the run failed, but no test of it did:\n%s", said)
	}
}
