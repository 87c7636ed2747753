package campaign

import (
	"fmt"
	"hash/fnv"
	"maps"
	"os"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/officer-doofy/officer/testkit/simfs"
)

// What the campaign is told by the environment.
const (
	pointsVariable = "OFFICER_POINTS" // how many points; the default is pointsDefault
	seedVariable   = "OFFICER_SEED"   // the first seed; the default is 1
	faultVariable  = "OFFICER_FAULT"  // one point, to repeat it, with Officer's log
	onlyVariable   = "OFFICER_ONLY"   // protocols, separated by commas

	pointsDefault = 240
)

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

func TestCampaign_everyPromiseHoldsAfterAnyFault(t *testing.T) {
	b := &bases{made: map[string]*base{}, shm: t.TempDir()}
	if one := os.Getenv(faultVariable); one != "" {
		replay(t, b, one)
		return
	}
	c := &count{table: map[string]map[simfs.Kind]int{}, seen: map[string]int{}}
	began, points := time.Now(), number(t, pointsVariable, pointsDefault)
	jobs := make(chan job, 64)
	go func() {
		defer close(jobs)
		deal(t, b, points, uint64(number(t, seedVariable, 1)), jobs)
	}()
	t.Run("workers", func(t *testing.T) {
		for i := range runtime.GOMAXPROCS(0) {
			t.Run(strconv.Itoa(i), func(t *testing.T) {
				t.Parallel()
				for j := range jobs {
					c.take(t, j, b.run(t, j))
				}
			})
		}
	})
	t.Logf("%s\n%d points in %v on %d cores", c, c.points, time.Since(began).Round(time.Millisecond), runtime.GOMAXPROCS(0))
}

// job is one point with what it needs.
type job struct {
	protocol protocol
	at       point
}

// run carries a point out; a deadlock of the bubble is a finding like another.
func (b *bases) run(t *testing.T, j job) (r result) {
	stuck := time.AfterFunc(2*time.Minute, func() { _, _ = fmt.Fprintf(os.Stderr, "%s has been running for two minutes\n", j.at) })
	defer stuck.Stop()
	defer func() {
		if p := recover(); p != nil {
			r.wrong = append(r.wrong, fmt.Sprintf("P11: %v", p))
		}
	}()
	return run(t, b.shm, j.protocol, b.of(t, j.protocol, shapeOf(j.at.seed)), j.at, nil)
}

// deal gives out points: each protocol in turn, every seed another shape.
func deal(t *testing.T, b *bases, points int, seed uint64, jobs chan<- job) {
	var all []protocol
	for _, p := range append(protocols(), directs()...) {
		if only := os.Getenv(onlyVariable); only == "" || slices.Contains(strings.Split(only, ","), p.name) {
			all = append(all, p)
			if p.direct != nil { // three for each point of a tree: they are fast
				all = append(all, p, p)
			}
		}
	}
	if len(all) == 0 {
		t.Errorf("%s: there is no such protocol", onlyVariable)
		return
	}
	h := &hand{turns: map[string]int{}}
	for given, i := 0, 0; given < points; i++ {
		p := all[i%len(all)]
		at := point{protocol: p.name, seed: seed + uint64(i/len(all))}
		s := shapeOf(at.seed)
		if p.only != "" && p.only != s.journal {
			continue
		}
		at.fault = h.next(p, s, b.of(t, p, s).ops)
		jobs <- job{p, at}
		given++
	}
}

// hand deals faults: kinds by their share, and of the operations that a kind can strike
// each once before any comes again, far from the one before.
type hand struct{ turns map[string]int }

// shares say how often a kind comes: what leaves the most states gets the most points.
func shares() []simfs.Kind {
	var all []simfs.Kind
	for k, n := range map[simfs.Kind]int{simfs.PowerCut: 14, simfs.Kill: 8, simfs.IOError: 8, simfs.SyncFails: 4, simfs.Short: 3,
		simfs.FullFrom: 3, simfs.Full: 3, simfs.Broken: 2, simfs.Lie: 1, simfs.LieFrom: 2} {
		for range n {
			all = append(all, k)
		}
	}
	slices.Sort(all)
	return all
}

func (h *hand) next(p protocol, s shape, ops []simfs.Op) simfs.Fault {
	kinds := shares()
	for {
		kind := kinds[h.turn(p.name, len(kinds))]
		var at []simfs.Fault
		for _, op := range ops {
			if kind.Strikes(op) {
				at = append(at, simfs.Fault{Kind: kind, At: op.Number, On: op.Stream})
			}
		}
		if len(at) > 0 {
			return at[h.turn(fmt.Sprint(p.name, s, kind), len(at))]
		}
	}
}

// turn gives each number below n once before any comes again, far from the one before.
func (h *hand) turn(key string, n int) int {
	step := n*382/1000 | 1
	for gcd(step, n) != 1 {
		step += 2
	}
	first := fnv.New32a()
	_, _ = first.Write([]byte(key)) // a hash never fails
	h.turns[key]++
	return (int(first.Sum32()%uint32(n)) + h.turns[key]*step) % n
}

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// count gathers what became of the points.
type count struct {
	mu     sync.Mutex
	points int
	missed int // the fault never struck: the run took another way
	failed int
	seen   map[string]int // failures by what they say
	table  map[string]map[simfs.Kind]int
}

func (c *count) take(t *testing.T, j job, r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.points++
	if !r.struck {
		c.missed++
	}
	if c.table[j.at.protocol] == nil {
		c.table[j.at.protocol] = map[simfs.Kind]int{}
	}
	c.table[j.at.protocol][j.at.fault.Kind]++
	if len(r.wrong) == 0 {
		return
	}
	c.failed++
	key := j.at.protocol + " " + plain(strings.Join(r.wrong, " "))
	if c.seen[key]++; c.seen[key] > 1 {
		t.Fail()
		return
	}
	t.Errorf("%s struck %s (answer: %v)\n  %s\nrepeat it: %s=%s go test -run TestCampaign -v ./test/campaign",
		j.at, struckAt(r, j.at), r.answer, strings.Join(r.wrong, "\n  "), faultVariable, j.at)
}

// plain takes the numbers out of a text, so that one defect is shown once.
func plain(s string) string { return regexp.MustCompile(`\d+`).ReplaceAllString(s, "#") }

func struckAt(r result, at point) string {
	for _, op := range r.ops {
		if op.Number == at.fault.At && op.Stream == at.fault.On {
			return op.String()
		}
	}
	return "nothing"
}

// String is the table of counts.
func (c *count) String() string {
	var out strings.Builder
	out.WriteString("\n| protocol |")
	for _, k := range simfs.Kinds() {
		fmt.Fprintf(&out, " %s |", k)
	}
	out.WriteString(" all |\n|---|" + strings.Repeat("---|", len(simfs.Kinds())+1) + "\n")
	for _, name := range slices.Sorted(maps.Keys(c.table)) {
		all := 0
		fmt.Fprintf(&out, "| %s |", name)
		for _, k := range simfs.Kinds() {
			fmt.Fprintf(&out, " %d |", c.table[name][k])
			all += c.table[name][k]
		}
		fmt.Fprintf(&out, " %d |\n", all)
	}
	for _, what := range slices.Sorted(maps.Keys(c.seen)) {
		fmt.Fprintf(&out, "%d × %s\n", c.seen[what], what)
	}
	fmt.Fprintf(&out, "%d violations in %d points; %d faults did not strike", c.failed, c.points, c.missed)
	return out.String()
}

// replay repeats one point and shows what Officer logged.
func replay(t *testing.T, b *bases, one string) {
	at, err := parsePoint(one)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(protocols(), directs()...) {
		if p.name != at.protocol {
			continue
		}
		log := &lines{}
		r := run(t, b.shm, p, b.of(t, p, shapeOf(at.seed)), at, log)
		for _, op := range r.ops {
			if op.Kind.Changes() || op.Number == at.fault.At && op.Stream == at.fault.On {
				t.Log(op)
			}
		}
		t.Log(strings.Join(log.text, ""))
		t.Logf("%s on %v struck %s; answer: %v", at, shapeOf(at.seed), struckAt(r, at), r.answer)
		for _, wrong := range r.wrong {
			t.Error(wrong)
		}
		return
	}
	t.Fatalf("there is no protocol %q", at.protocol)
}
