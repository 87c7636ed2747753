package laws

import (
	"fmt"
	"go/ast"
	"go/token"
	"path"
	"regexp"
	"strings"
)

const (
	functionLinesMax = 70
	fileLinesMax     = 400
	receiveLinesMax  = 40
)

// sizes: functions, files and Receive stay short enough to be read at once. Tests and
// generated code are free.
func sizes(h house) (broken []string) {
	for _, s := range h {
		if s.test || s.generated {
			continue
		}
		if n := strings.Count(s.text, "\n"); n > fileLinesMax {
			broken = append(broken, fmt.Sprintf("%s: %d lines, at most %d", s.path, n, fileLinesMax))
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			limit := functionLinesMax
			if f.Recv != nil && f.Name.Name == "Receive" {
				limit = receiveLinesMax
			}
			if n := s.lines(f); n > limit {
				broken = append(broken, fmt.Sprintf("%s: %s has %d lines, at most %d", s.at(f), f.Name.Name, n, limit))
			}
		}
	}
	return broken
}

// noInit: nothing happens by importing.
func noInit(h house) (broken []string) {
	for _, s := range h {
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && f.Name.Name == "init" && !s.generated {
				broken = append(broken, s.at(f)+": func init")
			}
		}
	}
	return broken
}

// noAnyMaps: a value has a type that says what is in it.
func noAnyMaps(h house) (broken []string) {
	for _, s := range h {
		if s.generated {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			m, ok := n.(*ast.MapType)
			if !ok {
				return true
			}
			key, _ := m.Key.(*ast.Ident)
			value, _ := m.Value.(*ast.Ident)
			empty, _ := m.Value.(*ast.InterfaceType)
			if key != nil && key.Name == "string" &&
				((value != nil && value.Name == "any") || (empty != nil && len(empty.Methods.List) == 0)) {
				broken = append(broken, s.at(m)+": map[string]any")
			}
			return true
		})
	}
	return broken
}

// unfinished is what no source may say; put together, so that this file does not.
var unfinished = regexp.MustCompile(`(?i)\b(TO` + `DO|FIX` + `ME|XX` + `X|HA` + `CK)\b`)

// nothingUnfinished: what is left for later is an issue, not a comment.
func nothingUnfinished(h house) (broken []string) {
	for _, s := range h {
		if s.generated {
			continue
		}
		for _, group := range s.file.Comments {
			for _, c := range group.List {
				if m := unfinished.FindString(c.Text); m != "" {
					broken = append(broken, s.at(c)+": "+m)
				}
			}
		}
	}
	return broken
}

// exportsAreDocumented: every exported name has its sentence, every package its own.
func exportsAreDocumented(h house) (broken []string) {
	packages := map[string]bool{}
	for _, s := range h {
		if s.test || s.generated {
			continue
		}
		packages[s.dir] = packages[s.dir] || s.file.Doc != nil
		for _, d := range s.file.Decls {
			broken = append(broken, undocumented(s, d)...)
		}
	}
	for dir, documented := range packages {
		if !documented {
			broken = append(broken, dir+": the package has no sentence")
		}
	}
	return broken
}

func undocumented(s *source, d ast.Decl) (broken []string) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && d.Doc == nil && (d.Recv == nil || ast.IsExported(receiver(d))) {
			broken = append(broken, s.at(d)+": "+d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				if spec.Name.IsExported() && d.Doc == nil && spec.Doc == nil {
					broken = append(broken, s.at(spec)+": "+spec.Name.Name)
				}
			case *ast.ValueSpec:
				if spec.Names[0].IsExported() && d.Doc == nil && spec.Doc == nil && spec.Comment == nil {
					broken = append(broken, s.at(spec)+": "+spec.Names[0].Name)
				}
			}
		}
	}
	return broken
}

// receiver gives the name of a method's type.
func receiver(f *ast.FuncDecl) string {
	expr := f.Recv.List[0].Type
	for {
		switch e := expr.(type) {
		case *ast.StarExpr:
			expr = e.X
		case *ast.IndexExpr:
			expr = e.X
		case *ast.IndexListExpr:
			expr = e.X
		case *ast.Ident:
			return e.Name
		default:
			return ""
		}
	}
}

// actorsShowOneFace: a system exports Config, Props, Conditions and the interfaces and
// plain values they name; its actor, its messages to itself and its state are private.
func actorsShowOneFace(h house) (broken []string) {
	for _, s := range h {
		if s.test || !within(s.dir, "actors") {
			continue
		}
		for _, d := range s.file.Decls {
			switch d := d.(type) {
			case *ast.FuncDecl:
				if d.Recv == nil && d.Name.IsExported() && d.Name.Name != "Props" && d.Name.Name != "Conditions" {
					broken = append(broken, s.at(d)+": func "+d.Name.Name)
				}
				if d.Recv != nil && d.Name.Name == "Receive" && ast.IsExported(receiver(d)) {
					broken = append(broken, s.at(d)+": the actor "+receiver(d))
				}
			case *ast.GenDecl:
				if d.Tok != token.VAR {
					continue
				}
				for _, spec := range d.Specs {
					if v := spec.(*ast.ValueSpec); v.Names[0].IsExported() {
						broken = append(broken, s.at(v)+": var "+v.Names[0].Name)
					}
				}
			}
		}
	}
	return broken
}

// packageNames: one short noun that says what is inside.
func packageNames(h house) (broken []string) {
	for _, s := range h {
		name := strings.TrimSuffix(s.file.Name.Name, "_test")
		switch name {
		case "util", "utils", "common", "helper", "helpers", "manager", "service", "base", "misc", "shared", "types", "lib":
			broken = append(broken, s.path+": package "+name)
		}
		if strings.ContainsAny(name, "_ABCDEFGHIJKLMNOPQRSTUVWXYZ") {
			broken = append(broken, s.path+": package "+name)
		}
		if base := path.Base(s.dir); s.dir != "." && name != base && name != "main" {
			broken = append(broken, fmt.Sprintf("%s: package %s in folder %s", s.path, name, base))
		}
	}
	return broken
}

// noAssertionLibraries: a test says what it got and what it wanted in its own words.
func noAssertionLibraries(h house) (broken []string) {
	for _, s := range h {
		for imported, node := range s.imports() {
			if within(imported, "github.com/stretchr", "gotest.tools", "github.com/onsi", "github.com/matryer/is", "github.com/frankban") {
				broken = append(broken, s.at(node)+": "+imported)
			}
		}
	}
	return broken
}

// testNames: TestThing or TestThing_whatHappens.
func testNames(h house) (broken []string) {
	shape := regexp.MustCompile(`^(Test|Fuzz|Benchmark)[A-Z0-9][A-Za-z0-9]*(_[a-z0-9][A-Za-z0-9]*)?$`)
	for _, s := range h {
		if !s.test {
			continue
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || f.Name.Name == "TestMain" || len(f.Type.Params.List) != 1 {
				continue
			}
			name := f.Name.Name
			for _, prefix := range []string{"Test", "Fuzz", "Benchmark"} {
				if strings.HasPrefix(name, prefix) && !shape.MatchString(name) {
					broken = append(broken, s.at(f)+": "+name+", want TestThing_whatHappens")
				}
			}
		}
	}
	return broken
}
