package laws

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

const module = "github.com/officer-doofy/officer"

// source is one Go file of the house, for every operating system.
type source struct {
	path      string // from the root, with slashes: "internal/kit/ask.go"
	dir       string // "internal/kit"; "." for the root
	test      bool
	generated bool
	set       *token.FileSet
	file      *ast.File
	text      string
}

// house is all Go files of the module.
type house []*source

// load reads the house; nested modules (tools, foreign drivers) are not part of it.
func load(t *testing.T) house {
	t.Helper()
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	var all house
	err = filepath.WalkDir(root, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			return enter(root, name, d.Name())
		}
		if !strings.HasSuffix(name, ".go") {
			return nil
		}
		text, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), string(text))
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 10 {
		t.Fatalf("only %d Go files below %s: the laws look in the wrong place", len(all), root)
	}
	return all
}

func enter(root, name, base string) error {
	if name == root {
		return nil
	}
	if strings.HasPrefix(base, ".") || base == "testdata" || base == "node_modules" {
		return fs.SkipDir
	}
	if _, err := os.Stat(filepath.Join(name, "go.mod")); err == nil {
		return fs.SkipDir
	}
	return nil
}

func parse(name, text string) (*source, error) {
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, err
	}
	return &source{
		path: name, dir: path.Dir(name), test: strings.HasSuffix(name, "_test.go"),
		generated: ast.IsGenerated(file), set: set, file: file, text: text,
	}, nil
}

// at says where something is, clickable.
func (s *source) at(n ast.Node) string {
	return fmt.Sprintf("%s:%d", s.path, s.set.Position(n.Pos()).Line)
}

// lines counts the lines from the first to the last of a node.
func (s *source) lines(n ast.Node) int {
	return s.set.Position(n.End()).Line - s.set.Position(n.Pos()).Line + 1
}

// imports gives the import paths with their nodes.
func (s *source) imports() map[string]ast.Node {
	all := map[string]ast.Node{}
	for _, spec := range s.file.Imports {
		all[strings.Trim(spec.Path.Value, `"`)] = spec
	}
	return all
}

// local gives the name under which a file uses an import, "" when it does not.
func (s *source) local(importPath string) string {
	for _, spec := range s.file.Imports {
		if strings.Trim(spec.Path.Value, `"`) != importPath {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path.Base(importPath)
	}
	return ""
}

// uses lists where a file selects one of names from an import: pkg.Name.
func (s *source) uses(importPath string, names ...string) (found []ast.Node) {
	pkg := s.local(importPath)
	if pkg == "" {
		return nil
	}
	wanted := map[string]bool{}
	for _, n := range names {
		wanted[n] = true
	}
	ast.Inspect(s.file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || !wanted[sel.Sel.Name] {
			return true
		}
		if id, ok := sel.X.(*ast.Ident); ok && id.Name == pkg {
			found = append(found, sel)
		}
		return true
	})
	return found
}

// within tells whether a folder is one of the given ones or lies below one of them.
// "." is the root alone.
func within(dir string, folders ...string) bool {
	for _, f := range folders {
		if dir == f || (f != "." && strings.HasPrefix(dir, f+"/")) {
			return true
		}
	}
	return false
}
