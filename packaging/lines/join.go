package main

import (
	"bytes"
	"fmt"
	"go/scanner"
	"go/token"
	"strings"
)

// sqlite is the module whose sources wasm2go wrote.
const sqlite = "github.com/ncruces/go-sqlite3-wasm/"

// generated tells whether an argument of the compiler is a source that a program wrote: no person reads its lines in a
// stack trace.
func generated(importPath, name string) bool {
	return strings.HasSuffix(name, ".pb.go") || strings.HasPrefix(importPath, sqlite) && strings.HasSuffix(name, ".go")
}

// joined gives a Go file with all of its code on line 1 of name, so that the table from machine code to lines has
// hardly more than an entry for each function. Tokens and their order stay; comments go, but those that speak to
// the compiler.
func joined(name string, source []byte) ([]byte, error) {
	file := token.NewFileSet().AddFile(name, -1, len(source))
	var wrong scanner.ErrorList
	var s scanner.Scanner
	s.Init(file, source, wrong.Add, scanner.ScanComments)
	out := bytes.NewBuffer(make([]byte, 0, len(source)))
	first := fmt.Sprintf("//line %s:1\n", name)
	out.WriteString(first)
	for {
		_, kind, text := s.Scan()
		switch {
		case kind == token.EOF:
			out.WriteByte('\n')
			return out.Bytes(), wrong.Err()
		case kind == token.COMMENT:
			if strings.HasPrefix(text, "//go:") {
				out.WriteString("\n" + text + "\n" + first)
			}
		case kind == token.SEMICOLON:
			out.WriteByte(';') // its text is "\n" where the end of a line stands for it
		case strings.Contains(text, "\n"):
			return nil, fmt.Errorf("%s: a text of several lines", name)
		case text == "":
			out.WriteString(" " + kind.String())
		default:
			out.WriteString(" " + text)
		}
	}
}
