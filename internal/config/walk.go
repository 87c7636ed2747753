package config

import (
	"bytes"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// Limits against files made to hurt: no sensible one comes near.
const (
	depthMax = 32     // of nesting
	visitMax = 20_000 // of nodes looked at, aliases followed
)

// walker goes through the nodes of a file along the table and notes every mistake.
type walker struct {
	file     string
	dir      string // what relative paths are taken from
	lines    []string
	anchors  map[string]ast.Node
	visits   int
	found    ListError
	warnings []string
}

// items says how an object, or each object of a list, is read.
type items struct {
	list   bool
	walk   func(*walker, ast.Node, string)
	schema func() *schemaNode
}

// listOf reads a list of objects with settings of their own.
func listOf[T any](table func(*T) []setting, add func(T)) items {
	return items{list: true, schema: func() *schemaNode { return schemaOf(table(new(T))) },
		walk: func(w *walker, n ast.Node, prefix string) {
			list, ok := w.resolve(n, 0).(*ast.SequenceNode)
			if !ok {
				w.report(n, "%s is a list; begin each entry with a dash", prefix)
				return
			}
			for i, item := range list.Values {
				var one T
				w.object(item, fmt.Sprintf("%s[%d]", prefix, i), table(&one), keptBy(&one))
				add(one)
			}
		}}
}

// oneOf reads one object with settings of its own.
func oneOf[T any](table func(*T) []setting, set func(T)) items {
	return items{schema: func() *schemaNode { return schemaOf(table(new(T))) },
		walk: func(w *walker, n ast.Node, prefix string) {
			var one T
			w.object(n, prefix, table(&one), keptBy(&one))
			set(one)
		}}
}

// keeper is what remembers where its values came from.
type keeper interface{ keep() origins }

func (d *Database) keep() origins {
	d.origins = origins{}
	return d.origins
}

func keptBy(one any) origins {
	if k, ok := one.(keeper); ok {
		return k.keep()
	}
	return nil
}

// parse reads a whole text.
func (w *walker) parse(text []byte, c *Config) {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))
	w.lines = strings.Split(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n")
	if why := unreadable(text); why != "" {
		w.found.add(&Error{File: w.file, Text: why})
		return
	}
	if line := tabbed(w.lines); line > 0 {
		w.found.add(w.at(line, 1, "a tab is no indentation in YAML; use spaces"))
		return
	}
	root, problem := w.tree(text)
	if problem != nil {
		w.found.add(problem)
		return
	}
	if root == nil {
		return // empty, or comments alone
	}
	w.anchors = make(map[string]ast.Node)
	w.collect(root, 0)
	if len(w.found.List) == 0 {
		w.object(root, "", topSettings(c), c.origins)
	}
}

// tree parses; a panic of the parser is a mistake in the text, too.
func (w *walker) tree(text []byte) (root ast.Node, problem *Error) {
	defer func() {
		if r := recover(); r != nil {
			root, problem = nil, &Error{File: w.file, Text: "it cannot be read as YAML"}
		}
	}()
	file, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	var syntax *yaml.SyntaxError
	switch {
	case errors.As(err, &syntax) && syntax.Token != nil && syntax.Token.Position != nil:
		return nil, w.at(syntax.Token.Position.Line, syntax.Token.Position.Column, "this is no YAML: "+syntax.Message)
	case err != nil:
		return nil, &Error{File: w.file, Text: "this is no YAML"}
	}
	for _, doc := range file.Docs {
		if doc.Body == nil {
			continue
		}
		if root != nil {
			line, column := place(doc.Body)
			return nil, w.at(line, column, "a second document begins here; one file is one configuration")
		}
		root = doc.Body
	}
	if _, comment := root.(*ast.CommentGroupNode); comment {
		return nil, nil
	}
	return root, nil
}

// collect notes the anchors, so that aliases can be followed, and refuses what is
// nested without end.
func (w *walker) collect(n ast.Node, depth int) {
	w.visits++
	if depth > depthMax || w.visits > visitMax {
		if len(w.found.List) == 0 {
			w.report(n, "it is nested too deeply or too large")
		}
		return
	}
	switch n := n.(type) {
	case *ast.MappingNode:
		for _, v := range n.Values {
			w.collect(v.Value, depth+1)
		}
	case *ast.MappingValueNode:
		w.collect(n.Value, depth+1)
	case *ast.SequenceNode:
		for _, v := range n.Values {
			w.collect(v, depth+1)
		}
	case *ast.AnchorNode:
		if n.Name != nil && n.Name.GetToken() != nil {
			w.anchors[n.Name.GetToken().Value] = n.Value
		}
		w.collect(n.Value, depth+1)
	}
}

// resolve follows anchors and aliases. Each step counts, so that aliases of aliases end.
func (w *walker) resolve(n ast.Node, depth int) ast.Node {
	w.visits++
	if depth > depthMax || w.visits > visitMax {
		return nil
	}
	switch n := n.(type) {
	case *ast.AnchorNode:
		return w.resolve(n.Value, depth+1)
	case *ast.AliasNode:
		if n.Value != nil && n.Value.GetToken() != nil {
			return w.resolve(w.anchors[n.Value.GetToken().Value], depth+1)
		}
		return nil
	}
	return n
}

// pairs gives the keys and values of an object, in order.
func pairs(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// object reads an object along a table; dotted paths of the table are objects in it.
func (w *walker) object(n ast.Node, prefix string, table []setting, from origins) {
	given := make(map[string]bool)
	w.level(n, prefix, "", table, from, given)
	for _, s := range table {
		if s.required && !given[s.path] {
			w.report(n, "%s is missing", join(prefix, s.path))
		}
	}
}

func (w *walker) level(n ast.Node, prefix, group string, table []setting, from origins, given map[string]bool) {
	if len(w.found.List) >= mistakesMax || w.visits > visitMax {
		return
	}
	list, ok := pairs(w.resolve(n, 0))
	if !ok {
		if _, null := w.resolve(n, 0).(*ast.NullNode); null && group != "" {
			return // "backup:" with nothing in it
		}
		w.report(n, "%s holds settings, one a line: name: value", word(join(prefix, group)))
		return
	}
	known := names(table, group)
	seen := make(map[string]bool)
	for _, pair := range list {
		key := pair.Key.GetToken().Value
		path := join(group, key)
		switch {
		case pair.Key.IsMergeKey():
			w.report(pair.Key, "<< is not understood; name the settings, or use an alias for a whole part: backup: *name")
			continue
		case seen[key]:
			w.report(pair.Key, "%s stands here twice", join(prefix, path))
			continue
		case !known[key]:
			w.unknown(pair.Key, join(prefix, group), key, known)
			continue
		}
		seen[key] = true
		if s, ok := find(table, path); ok {
			given[path] = true
			w.setting(pair.Value, prefix, s, from)
			continue
		}
		w.level(pair.Value, prefix, path, table, from, given)
	}
}

func (w *walker) setting(n ast.Node, prefix string, s setting, from origins) {
	full := join(prefix, s.path)
	line, column := place(n)
	if from != nil {
		from[s.path] = Origin{Source: FromFile, Where: fmt.Sprintf("%s:%d:%d", w.file, line, column)}
	}
	if s.kind == kindItems {
		s.items.walk(w, n, full)
		return
	}
	got := w.resolve(n, 0)
	if s.kind == kindTexts {
		if list, ok := got.(*ast.SequenceNode); ok {
			v := value{}
			for _, item := range list.Values {
				text, ok := w.scalar(item, full)
				if !ok {
					return
				}
				v.texts = append(v.texts, text)
			}
			s.put(v)
			return
		}
	}
	text, ok := w.scalar(n, full)
	if !ok {
		return
	}
	v, err := s.read(text)
	if err != nil {
		w.report(n, "%s: %s", full, err)
		return
	}
	if s.kind == kindPath && !filepath.IsAbs(v.text) {
		v.text = filepath.Join(w.dir, v.text)
	}
	s.put(v)
}

// scalar gives the text of a value as it was written.
func (w *walker) scalar(n ast.Node, path string) (string, bool) {
	switch v := w.resolve(n, 0).(type) {
	case *ast.StringNode:
		return v.Value, true
	case *ast.LiteralNode:
		return v.Value.Value, true
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode:
		return v.GetToken().Value, true
	case *ast.NullNode:
		w.report(n, "%s has no value", path)
	default:
		w.report(n, "%s takes one value", path)
	}
	return "", false
}

func (w *walker) unknown(n ast.Node, group, key string, known map[string]bool) {
	var list []string
	for name := range known {
		list = append(list, name)
	}
	text := fmt.Sprintf("there is no setting %s", join(group, key))
	if s := similar(key, sorted(list)); s != "" {
		text += "; did you mean " + s + "?"
	} else {
		text += "; there are " + strings.Join(sorted(list), ", ")
	}
	w.report(n, "%s", text)
}

func (w *walker) report(n ast.Node, format string, args ...any) {
	line, column := place(n)
	w.found.add(w.at(line, column, fmt.Sprintf(format, args...)))
}

func (w *walker) at(line, column int, text string) *Error {
	p := &Error{File: w.file, Line: line, Column: column, Text: text}
	if line >= 1 && line <= len(w.lines) {
		p.Source = w.lines[line-1]
	}
	return p
}

// place gives line and column of a node, 1:1 when it has none.
func place(n ast.Node) (line, column int) {
	var t *token.Token
	if n != nil {
		t = n.GetToken()
		if m, ok := n.(*ast.MappingNode); ok && !m.IsFlowStyle && len(m.Values) > 0 {
			t = m.Values[0].Key.GetToken() // its own token is the first colon
		}
		if m, ok := n.(*ast.MappingValueNode); ok {
			t = m.Key.GetToken()
		}
	}
	if t == nil || t.Position == nil {
		return 1, 1
	}
	return t.Position.Line, t.Position.Column
}
