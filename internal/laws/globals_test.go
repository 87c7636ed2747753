package laws

import (
	"fmt"
	"go/ast"
	"go/token"
	"strings"
)

// noGlobals allows a variable of a package only when it never changes: an error, a
// compiled expression, an embedded file, a table, an assertion that a type fits an
// interface.
func noGlobals(h house) (broken []string) {
	written := map[string]map[string]string{} // folder → variable → where it is written
	for _, s := range h {
		if written[s.dir] == nil {
			written[s.dir] = map[string]string{}
		}
		if !s.test {
			writes(s, written[s.dir])
		}
	}
	for _, s := range h {
		if s.test || s.generated {
			continue
		}
		for _, d := range s.file.Decls {
			g, ok := d.(*ast.GenDecl)
			if !ok || g.Tok != token.VAR {
				continue
			}
			for _, spec := range g.Specs {
				broken = append(broken, changeable(s, g, spec.(*ast.ValueSpec), written[s.dir])...)
			}
		}
	}
	return broken
}

func changeable(s *source, g *ast.GenDecl, v *ast.ValueSpec, written map[string]string) (broken []string) {
	for i, name := range v.Names {
		if name.Name == "_" || embedded(g) || embedded(v) {
			continue
		}
		if where, ok := written[name.Name]; ok {
			broken = append(broken, fmt.Sprintf("%s: %s is written at %s", s.at(name), name.Name, where))
			continue
		}
		if i >= len(v.Values) {
			// The linker may set a string of package main (-X main.version=…).
			if t, ok := v.Type.(*ast.Ident); !ok || t.Name != "string" || s.file.Name.Name != "main" {
				broken = append(broken, fmt.Sprintf("%s: %s has no value", s.at(name), name.Name))
			}
			continue
		}
		if why := suspicious(v.Values[i]); why != "" {
			broken = append(broken, fmt.Sprintf("%s: %s is %s", s.at(name), name.Name, why))
		}
	}
	return broken
}

func embedded(n ast.Node) bool {
	var doc *ast.CommentGroup
	switch n := n.(type) {
	case *ast.GenDecl:
		doc = n.Doc
	case *ast.ValueSpec:
		doc = n.Doc
	}
	if doc == nil {
		return false
	}
	for _, c := range doc.List {
		if strings.HasPrefix(c.Text, "//go:embed ") {
			return true
		}
	}
	return false
}

// suspicious names what can change although the variable is never assigned.
func suspicious(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.UnaryExpr:
		if e.Op == token.AND {
			if c, ok := e.X.(*ast.CompositeLit); ok && typeSays(c.Type, "Error", "Failure") {
				return "" // a sentinel
			}
			return "a pointer to something that can change"
		}
	case *ast.CompositeLit:
		if typeSays(e.Type, "Mutex", "RWMutex", "Once", "WaitGroup", "Pool", "Map", "Bool", "Int32", "Int64", "Uint32", "Uint64", "Pointer", "Value") {
			return "shared state"
		}
	case *ast.CallExpr:
		if id, ok := e.Fun.(*ast.Ident); ok && (id.Name == "make" || id.Name == "new") {
			return "made to be filled"
		}
	}
	return ""
}

func typeSays(t ast.Expr, names ...string) bool {
	var got string
	switch t := t.(type) {
	case *ast.SelectorExpr:
		got = t.Sel.Name
	case *ast.Ident:
		got = t.Name
	}
	for _, n := range names {
		if got == n {
			return true
		}
	}
	return false
}

// writes notes every assignment to a name that its function did not declare itself.
func writes(s *source, into map[string]string) {
	for _, d := range s.file.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Body == nil {
			continue
		}
		local := declared(f)
		note := func(e ast.Expr) {
			if name := rootName(e); name != "" && !local[name] {
				into[name] = s.at(e)
			}
		}
		ast.Inspect(f.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				if n.Tok != token.DEFINE {
					for _, e := range n.Lhs {
						note(e)
					}
				}
			case *ast.IncDecStmt:
				note(n.X)
			case *ast.UnaryExpr:
				if n.Op == token.AND {
					note(n.X)
				}
			case *ast.CallExpr:
				if id, ok := n.Fun.(*ast.Ident); ok && (id.Name == "delete" || id.Name == "clear") {
					note(n.Args[0])
				}
			}
			return true
		})
	}
}

// declared gives every name that a function declares anywhere inside.
func declared(f *ast.FuncDecl) map[string]bool {
	names := map[string]bool{}
	ast.Inspect(f, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.Field:
			for _, id := range n.Names {
				names[id.Name] = true
			}
		case *ast.AssignStmt:
			if n.Tok == token.DEFINE {
				for _, e := range n.Lhs {
					names[rootName(e)] = true
				}
			}
		case *ast.RangeStmt:
			names[rootName(n.Key)] = true
			names[rootName(n.Value)] = true
		case *ast.ValueSpec:
			for _, id := range n.Names {
				names[id.Name] = true
			}
		}
		return true
	})
	return names
}

// rootName gives x for x, x.f, x[i] and *x.
func rootName(e ast.Expr) string {
	for {
		switch n := e.(type) {
		case *ast.Ident:
			return n.Name
		case *ast.SelectorExpr:
			e = n.X
		case *ast.IndexExpr:
			e = n.X
		case *ast.StarExpr:
			e = n.X
		case *ast.ParenExpr:
			e = n.X
		default:
			return ""
		}
	}
}
