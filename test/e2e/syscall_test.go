//go:build e2e && linux

package e2e

import (
	"fmt"
	"hash/fnv"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"golang.org/x/sys/unix"
)

const syscallsDefault = 2000 // OFFICER_SYSCALLS says otherwise

// sweptProtocol is one thing that the program does, on a database with a past.
type sweptProtocol struct {
	name, past string
	verb       []string // DB and ID stand for what they name
	// after: the rows that the database may hold, beside what it held.
	after func(p *sweptPast) int
	// damaged: before the verb is given again the database need not be whole.
	damaged bool
	// again gives the verb once more in the next life.
	again bool
	// resumes: what was struck is finished or given up by the next start of `run`.
	resumes bool
}

func sweptProtocols() []sweptProtocol {
	newest := func(p *sweptPast) int { return p.stored[p.newest] }
	return []sweptProtocol{
		{name: "first", past: "new", verb: []string{"backup", "DB"}},
		{name: "backup", past: "two", verb: []string{"backup", "DB"}},
		{name: "expiry", past: "four", verb: []string{"backup", "DB"}},
		{name: "pin", past: "two", verb: []string{"pin", "DB", "ID"}},
		{name: "verify", past: "four", verb: []string{"verify", "DB", "--all"}},
		{name: "drill", past: "two", verb: []string{"drill", "DB"}},
		{name: "restore", past: "two", verb: []string{"restore", "DB", "ID", "--yes"}, after: newest, again: true, resumes: true},
		{name: "undo", past: "undo", verb: []string{"undo", "DB", "--yes"}, after: func(p *sweptPast) int { return p.undo }, resumes: true},
		{name: "header", past: "header", verb: []string{"restore", "DB", "ID", "--yes"}, after: newest, damaged: true, again: true, resumes: true},
		{name: "repair", past: "leaf", verb: []string{"repair", "DB", "--yes"}, damaged: true, again: true, resumes: true},
		{name: "checkpoint", past: "two", verb: []string{"checkpoint", "DB"}},
		{name: "vacuum", past: "holes", verb: []string{"vacuum", "DB", "--force"}},
		{name: "resume", past: "half", verb: []string{"run", "DB"}, after: newest, damaged: true, resumes: true},
		{name: "run", past: "two", verb: []string{"run", "DB"}, resumes: true},
	}
}

// sweptPoint is one strike on one protocol: "restore/wal/kill@db:12".
type sweptPoint struct {
	protocol, mode string
	strike         strike
}

func (p sweptPoint) String() string { return p.protocol + "/" + p.mode + "/" + p.strike.String() }

// seed decides what is left to chance in a point, the same each time.
func (p sweptPoint) seed() uint64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(p.String())) // a hash never fails
	return h.Sum64()
}

// TestSyscall_failingOrKilledAtAnyCall strikes the program at any of its calls of the kernel
// that concern the database or what Officer keeps of it, and looks at what is left, and at
// what the next life makes of it (P1 to P8).
func TestSyscall_failingOrKilledAtAnyCall(t *testing.T) {
	t.Parallel()
	need(t, "sqlite3")
	s := &sweep{pasts: map[string]*sweptPast{}, root: t.TempDir(), table: map[string]map[string]int{}}
	var room unix.Statfs_t
	if err := unix.Statfs("/dev/shm", &room); err == nil && room.Bavail*uint64(room.Bsize) > 512<<20 {
		dir, err := os.MkdirTemp("/dev/shm", "officer-") // in memory, where an fsync costs nothing
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		s.root = dir
	}
	if one := os.Getenv("OFFICER_SYSCALL"); one != "" {
		s.replay(t, one)
		return
	}
	points, seed := fromEnv("OFFICER_SYSCALLS", syscallsDefault), fromEnv("OFFICER_SEED", 1)
	t.Logf("OFFICER_SEED=%d OFFICER_SYSCALLS=%d go test -tags e2e -run TestSyscall -v ./test/e2e", seed, points)
	jobs := s.deal(t, points, uint64(seed))
	var mu sync.Mutex
	next := 0
	t.Run("workers", func(t *testing.T) {
		for i := range max(2, sweptAtOnce()) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for !t.Failed() || s.failed < sweptFailuresMost {
					mu.Lock()
					if next == len(jobs) {
						mu.Unlock()
						return
					}
					at := jobs[next]
					next++
					mu.Unlock()
					s.take(t, at, s.point(t, filepath.Join(s.root, "worker"+strconv.Itoa(i)), at, false))
				}
			})
		}
	})
	t.Log(s.String())
	if s.points > 100 && s.missed > s.points/4 {
		t.Errorf("%d of %d strikes met no call", s.missed, s.points)
	}
}

const sweptFailuresMost = 40 // more show nothing new

func sweptAtOnce() int { return fromEnv("OFFICER_SYSCALL_WORKERS", 6) }

// sweep is the whole of the points.
type sweep struct {
	root  string
	pasts map[string]*sweptPast

	mu                                      sync.Mutex
	table                                   map[string]map[string]int
	possible                                int
	points, missed, killed, refused, failed int
}

// sweptResult is what became of a point.
type sweptResult struct {
	struck  *call
	killed  bool
	code    int
	wrong   []string
	said    string
	history []call
}

func (r *sweptResult) bad(format string, args ...any) {
	r.wrong = append(r.wrong, fmt.Sprintf(format, args...))
}

// past makes each past once.
func (s *sweep) past(t *testing.T, name, mode string) *sweptPast {
	t.Helper()
	key := name + "-" + mode
	if s.pasts[key] == nil {
		s.pasts[key] = makePast(t, filepath.Join(s.root, "past", key), name, mode)
	}
	return s.pasts[key]
}

// deal makes a list of all points that there are, from runs of each protocol that nothing
// strikes, and gives as many as are wanted: of each protocol, journal mode and kind in turn
// another call, none twice.
func (s *sweep) deal(t *testing.T, points int, seed uint64) []sweptPoint {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 0x73797363))
	var piles [][]sweptPoint
	var shares []int
	for _, p := range sweptProtocols() {
		for _, mode := range []string{"wal", "delete"} {
			if p.name == "checkpoint" && mode != "wal" {
				continue
			}
			s.past(t, p.past, mode)
			share := 1
			if p.verb[0] == "run" {
				share = 2 // a whole life of it takes as long as four verbs: it comes half as often
			}
			byKind := map[string][]sweptPoint{}
			for _, class := range []string{"db", "db.look"} {
				at := sweptPoint{p.name, mode, strike{"none", class, 0}}
				clean := s.point(t, filepath.Join(s.root, "clean"), at, false)
				if len(clean.wrong) > 0 || clean.code != 0 && clean.code != 3 { // 3: lent rows, an app with an old SQLite
					t.Fatalf("%s, which nothing struck: exit %d, %v\n%s", at, clean.code, clean.wrong, clean.said)
				}
				for _, c := range clean.history {
					for _, kind := range strikeKinds() {
						if strikes(kind, c) {
							byKind[kind] = append(byKind[kind], sweptPoint{p.name, mode, strike{kind, c.stream, c.number}})
						}
					}
				}
			}
			for _, kind := range strikeKinds() {
				pile := byKind[kind]
				s.possible += len(pile)
				random.Shuffle(len(pile), func(i, k int) { pile[i], pile[k] = pile[k], pile[i] })
				shares = append(shares, share)
				piles = append(piles, pile)
				if kind == "kill" && len(pile) > 2 { // what leaves the most states gets the most points
					piles[len(piles)-1] = pile[:len(pile)/2]
					piles, shares = append(piles, pile[len(pile)/2:]), append(shares, share)
				}
			}
		}
	}
	var all []sweptPoint
	order := random.Perm(len(piles))
	for turn := 0; len(all) < min(points, s.possible); turn++ {
		for _, i := range order {
			if at := turn / shares[i]; turn%shares[i] == 0 && at < len(piles[i]) && len(all) < points {
				all = append(all, piles[i][at])
			}
		}
	}
	return all
}

// take counts a result.
func (s *sweep) take(t *testing.T, at sweptPoint, r *sweptResult) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.points++
	if s.table[at.protocol] == nil {
		s.table[at.protocol] = map[string]int{}
	}
	s.table[at.protocol][at.strike.kind]++
	switch {
	case r.struck == nil:
		s.missed++
	case r.killed:
		s.killed++
	case r.code != 0:
		s.refused++
	}
	if len(r.wrong) > 0 {
		s.failed++
		t.Errorf("%s struck %v (exit %d)\n  %s\n%s\nrepeat it: OFFICER_SYSCALL=%s go test -tags e2e -run TestSyscall -v ./test/e2e",
			at, r.struck, r.code, strings.Join(r.wrong, "\n  "), r.said, at)
	}
}

// String is the table of counts.
func (s *sweep) String() string {
	var out strings.Builder
	out.WriteString("\n| protocol | " + strings.Join(strikeKinds(), " | ") + " |\n|---" + strings.Repeat("|---", len(strikeKinds())) + "|\n")
	for _, name := range slices.Sorted(maps.Keys(s.table)) {
		out.WriteString("| " + name)
		for _, kind := range strikeKinds() {
			fmt.Fprintf(&out, " | %d", s.table[name][kind])
		}
		out.WriteString(" |\n")
	}
	fmt.Fprintf(&out, "syscalls: %d violations in %d points of %d that there are: %d killed, %d answered with an error, %d went on, %d met no call",
		s.failed, s.points, s.possible, s.killed, s.refused, s.points-s.killed-s.refused-s.missed, s.missed)
	return out.String()
}

// replay repeats one point and shows what the program did and said.
func (s *sweep) replay(t *testing.T, one string) {
	t.Helper()
	parts := strings.Split(one, "/")
	if len(parts) != 3 {
		t.Fatalf("%q is no point; one is restore/wal/kill@db:12", one)
	}
	strike, err := parseStrike(parts[2])
	if err != nil {
		t.Fatal(err)
	}
	at := sweptPoint{parts[0], parts[1], strike}
	i := slices.IndexFunc(sweptProtocols(), func(p sweptProtocol) bool { return p.name == at.protocol })
	if i < 0 {
		t.Fatalf("there is no protocol %q", at.protocol)
	}
	s.past(t, sweptProtocols()[i].past, at.mode)
	r := s.point(t, filepath.Join(s.root, "replay"), at, true)
	for _, c := range r.history {
		t.Log(c)
	}
	t.Logf("%s struck %v: exit %d, killed %v\n%s", at, r.struck, r.code, r.killed, r.said)
	for _, wrong := range r.wrong {
		t.Error(wrong)
	}
}

// copyTree copies a past to where a point is tried.
func copyTree(from, to string) error {
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if d.IsDir() {
			return os.MkdirAll(filepath.Join(to, rel), info.Mode().Perm())
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, rel), data, info.Mode().Perm())
	})
}
