package main

import (
	"bytes"
	"go/scanner"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tokens gives what the compiler sees of a file, and the lines it would note for it.
func tokens(t *testing.T, source []byte) (all []string, lines map[int]bool) {
	t.Helper()
	set := token.NewFileSet()
	file := set.AddFile("x.go", -1, len(source))
	var s scanner.Scanner
	s.Init(file, source, func(at token.Position, msg string) { t.Errorf("%v: %s", at, msg) }, scanner.ScanComments)
	lines = map[int]bool{}
	for {
		pos, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			return all, lines
		case kind == token.COMMENT && !strings.HasPrefix(text, "//go:"):
			continue
		case kind == token.SEMICOLON:
			text = ";"
		}
		if kind != token.COMMENT {
			lines[set.Position(pos).Line] = true
		}
		all = append(all, kind.String()+" "+text)
	}
}

func checkJoined(t *testing.T, name string, source []byte) {
	t.Helper()
	out, err := joined(name, source)
	if err != nil {
		t.Fatal(err)
	}
	want, _ := tokens(t, source)
	got, lines := tokens(t, out)
	if len(got) != len(want) {
		t.Fatalf("%s: %d tokens, want %d", name, len(got), len(want))
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("%s: token %d is %s, want %s", name, i, got[i], want[i])
		}
	}
	if len(lines) != 1 || !lines[1] {
		t.Errorf("%s: code on the lines %v, want 1 alone", name, lines)
	}
	again, err := joined(name, source)
	if err != nil || !bytes.Equal(out, again) {
		t.Errorf("%s: joined twice, it differs (%v)", name, err)
	}
}

func TestJoined_keepsEveryTokenOnOneLine(t *testing.T) {
	for _, source := range []string{
		"package a\n\nfunc f() int {\n\treturn 1 -\n\t\t-2 // why\n}\n",
		"package a\n\n//go:nosplit\nfunc f() { x++ }\n\n/* a\nb */ var x, y = `raw`, 'r'\n\n//go:embed a.dat\nvar data string",
		"package a\n\nimport (\n\t\"math\"\n)\n\ntype t interface{ ~int | ~[]byte }\n\nfunc f(c chan<- int, p *t) {\nL:\n\tfor {\n\t\tc <- 1 &^ 2\n\t\tbreak L\n\t}\n}",
	} {
		checkJoined(t, "/m@v1/a.go", []byte(source))
	}
}

func TestJoined_refusesWhatItWouldChange(t *testing.T) {
	for _, source := range []string{"package a\n\nvar x = `two\nlines`\n", "package a\n\nvar x = \"open\n", "package a\n\nvar x = 0x\x00\n"} {
		if out, err := joined("a.go", []byte(source)); err == nil {
			t.Errorf("%q: became %q", source, out)
		}
	}
}

// TestJoined_whatProgramsWrote joins the sources of the modules themselves, as a release does.
func TestJoined_whatProgramsWrote(t *testing.T) {
	list := exec.Command("go", "list", "-f", `{{range $f := .GoFiles}}{{$.Dir}}/{{$f}}{{"\n"}}{{end}}`,
		sqlite+"v6", sqlite+"v6/fts5", sqlite+"v6/rtree", "github.com/officer-doofy/officer/messages")
	list.Dir = filepath.Join("..", "..")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := strings.Fields(string(out))
	if len(names) < 6 {
		t.Errorf("only %v", names)
	}
	for _, name := range names {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		checkJoined(t, name, source)
	}
}

func TestReplaced_leavesTheSourcesAlone(t *testing.T) {
	dir := t.TempDir()
	source := filepath.Join(dir, "a.go")
	text := "package a\n\nvar x = 1\n"
	if err := os.WriteFile(source, []byte(text), 0o400); err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(dir, "b001")
	if err := os.Mkdir(scratch, 0o755); err != nil {
		t.Fatal(err)
	}
	args := []string{"compile", "-o", filepath.Join(scratch, "_pkg_.a"), "-p", "a", "-pack", source}
	got, err := replaced(args, sqlite+"v6")
	if err != nil {
		t.Fatal(err)
	}
	last := len(args) - 1
	if got[last] != filepath.Join(scratch, "joined_a.go") || args[last] != source {
		t.Errorf("the compiler is given %v; the caller has %v", got, args)
	}
	if kept, err := os.ReadFile(source); err != nil || string(kept) != text {
		t.Errorf("the source is %q (%v)", kept, err)
	}
	if _, err := replaced([]string{"compile", source}, sqlite+"v6"); err == nil {
		t.Error("a compiler that is told no -o was given something")
	}
}
