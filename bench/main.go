package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// settings are what the command line says.
type settings struct {
	officer string         // the program; "" = built as a release builds it
	sizes   []int64        // of the databases, in bytes
	rounds  int            // of each work
	dir     string         // where everything is built; "" = a temporary folder
	sqlite3 string         // the C program
	only    *regexp.Regexp // works whose names match
	shapes  bool           // databases of strange shapes instead of sizes
	idle    time.Duration  // how long a resting Officer is watched
	limit   time.Duration  // what one run may take before it counts as without an end
}

func main() {
	if len(os.Args) > 2 && isChild(os.Args[1]) {
		if err := asChild(os.Args[1], os.Args[2:]); err != nil {
			fmt.Fprintln(os.Stderr, "bench", os.Args[1], err)
			os.Exit(1)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	s, err := parseSettings(os.Args[1:])
	if errors.Is(err, flag.ErrHelp) {
		return
	}
	if err == nil {
		err = run(ctx, s, os.Stdout, os.Stderr)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}

// What this program does in processes of its own: a writer beside a backup, and building,
// whose memory would be counted as that of each program started later.
const (
	writerVerb  = "-writer"
	builderVerb = "-builder"
	shapeVerb   = "-shape"
)

func isChild(verb string) bool { return verb == writerVerb || verb == builderVerb || verb == shapeVerb }

func asChild(verb string, args []string) error {
	if verb == writerVerb {
		return write(args[0], os.Stdin, os.Stdout)
	}
	if len(args) != 2 {
		return errors.New("want a path, and a size or a name")
	}
	if verb == shapeVerb {
		return shapeNamed(args[1], args[0])
	}
	sizeBytes, err := parseBytes(args[1])
	if err != nil {
		return err
	}
	return archive(args[0], sizeBytes)
}

func parseSettings(args []string) (settings, error) {
	s := settings{}
	set := flag.NewFlagSet("bench", flag.ContinueOnError)
	set.StringVar(&s.officer, "officer", "", "the `program` to measure (default: built from this tree as a release builds it)")
	set.StringVar(&s.sqlite3, "sqlite3", "sqlite3", "the C `program` to compare with")
	sizes := set.String("sizes", "100MB", "sizes of the databases, such as 100MB,1GB")
	set.BoolVar(&s.shapes, "shapes", false, "measure databases of strange shapes instead")
	set.IntVar(&s.rounds, "rounds", 5, "rounds of each work")
	set.StringVar(&s.dir, "dir", "", "`folder` for the databases, about six times the largest size (default: a temporary one)")
	only := set.String("only", "", "works whose names match this `expression`")
	set.DurationVar(&s.idle, "idle", time.Minute, "how long a resting Officer is watched, after as long a rest")
	set.DurationVar(&s.limit, "limit", 5*time.Minute, "when a run counts as one without an end")
	if err := set.Parse(args); err != nil {
		return s, err
	}
	if s.rounds < 1 || set.NArg() > 0 {
		return s, fmt.Errorf("%d rounds of %q: at least one round, and only flags", s.rounds, set.Args())
	}
	for _, text := range strings.Split(*sizes, ",") {
		n, err := parseBytes(text)
		if err != nil {
			return s, err
		}
		s.sizes = append(s.sizes, n)
	}
	var err error
	s.only, err = regexp.Compile(*only)
	return s, err
}

// parseBytes reads "100MB", "1GB" or a number of bytes.
func parseBytes(text string) (int64, error) {
	number, unit := strings.TrimSpace(text), int64(1)
	for suffix, bytes := range map[string]int64{"kB": 1e3, "MB": 1e6, "GB": 1e9} {
		if rest, ok := strings.CutSuffix(number, suffix); ok {
			number, unit = rest, bytes
			break
		}
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n <= 0 || n > 1e12/unit {
		return 0, fmt.Errorf("%q is no size; write 100MB or 1GB", text)
	}
	return n * unit, nil
}

// run measures everything that was asked for.
func run(ctx context.Context, s settings, out, progress io.Writer) (err error) {
	if s.dir == "" {
		if s.dir, err = os.MkdirTemp("", "officer-bench-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(s.dir)) }()
	}
	if s.officer == "" {
		if s.officer, err = build(ctx, s.dir, progress); err != nil {
			return err
		}
	}
	facts := machine(ctx, s)
	fmt.Fprintf(out, "%s\n", facts)
	peak := &worst{}
	if s.shapes {
		s.sizes = nil
		table, err := (&lab{settings: s, peers: peers(s.sqlite3), progress: progress}).measureShapes(ctx, peak)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n### Shapes\n\n%s", table)
	}
	for _, sizeBytes := range s.sizes {
		l := &lab{settings: s, sizeBytes: sizeBytes, peers: peers(s.sqlite3), progress: progress}
		table, err := l.measure(ctx, peak)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "\n### %s\n\n%s", sizeText(sizeBytes), table)
	}
	size, err := os.Stat(s.officer)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n### Of all\n\n%s", overall(peak, size.Size()))
	fmt.Fprintf(out, "\nLoad of the machine when it ended: %s.\n", load())
	return nil
}

const (
	module = "github.com/officer-doofy/officer"
	// releaseFlags is what go build gets for a release, one a line, from the root of the module.
	releaseFlags = "packaging/build.flags"
)

// build makes the program as a release does, without its list of contents.
func build(ctx context.Context, dir string, progress io.Writer) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", module).Output()
	if err != nil {
		return "", fmt.Errorf("find the module: %w", err)
	}
	root := strings.TrimSpace(string(out))
	flags, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(releaseFlags)))
	if err != nil {
		return "", err
	}
	fmt.Fprintln(progress, "building officer")
	goBuild := func(dir string, args ...string) error {
		cmd := exec.CommandContext(ctx, "go", append([]string{"build"}, args...)...)
		cmd.Dir, cmd.Env, cmd.Stderr = dir, append(os.Environ(), "CGO_ENABLED=0"), progress
		return cmd.Run()
	}
	// What stands before the compiler, as in a release: docs/decisions/0032-sqlite-without-lines.md.
	lines := filepath.Join(dir, "lines"+executableSuffix)
	if err := goBuild(filepath.Join(root, "packaging"), "-o", lines, "./lines"); err != nil {
		return "", err
	}
	path := filepath.Join(dir, "officer"+executableSuffix)
	args := append([]string{"-toolexec='" + lines + "'"}, flagsIn(string(flags))...)
	if runtime.GOARCH == "amd64" {
		args = append(args, "-ldflags=-s -w -buildid= -funcalign=1") // as packaging/release.go has it
	}
	return path, goBuild(root, append(args, "-o", path, module+"/cmd/officer")...)
}

// flagsIn gives the lines that are no comments.
func flagsIn(text string) (flags []string) {
	for line := range strings.Lines(text) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			flags = append(flags, line)
		}
	}
	return flags
}
