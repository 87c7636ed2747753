// Command lines stands between go build and the compiler (-toolexec) and lets what a program wrote, SQLite above all,
// be compiled as if all of its code stood on one line: docs/decisions/0032-sqlite-without-lines.md. The module cache is
// not touched, so go.sum stays true; every other file goes to the compiler as it is.
package main

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

//go:embed join.go
var joinSource []byte

func main() {
	err := run(os.Args[1:])
	var ended *exec.ExitError
	if errors.As(err, &ended) {
		os.Exit(ended.ExitCode())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "lines:", err)
		os.Exit(1)
	}
}

// run calls the tool that go build wants to call: args[0] and its arguments.
func run(args []string) error {
	if len(args) == 0 {
		return errors.New("go build -toolexec calls this, with a tool and its arguments")
	}
	tool := strings.TrimSuffix(filepath.Base(args[0]), ".exe")
	if tool == "compile" && len(args) == 2 && args[1] == "-V=full" {
		return identify(args)
	}
	if tool == "compile" {
		var err error
		if args, err = replaced(args); err != nil {
			return err
		}
	}
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	return c.Run()
}

// identify answers for the compiler which one it is. The build cache goes by that, so what is compiled here is
// never mistaken for what the compiler alone would give, nor for the work of another join.go.
func identify(args []string) error {
	said, err := exec.Command(args[0], args[1:]...).Output()
	if err != nil {
		return err
	}
	_, err = fmt.Printf("%s lines=%x\n", bytes.TrimSpace(said), sha256.Sum256(joinSource))
	return err
}

// replaced writes the sources of a package that a program wrote, joined, beside the object that the compiler is to make
// and names them in place of the module's own.
func replaced(args []string) ([]string, error) {
	args = append([]string(nil), args...)
	scratch := ""
	for i, a := range args[:len(args)-1] {
		if a == "-o" {
			scratch = filepath.Dir(args[i+1])
		}
	}
	if scratch == "" {
		return nil, errors.New("the compiler is told no -o")
	}
	for i, a := range args {
		if !strings.HasSuffix(a, ".go") {
			continue
		}
		source, err := os.ReadFile(a)
		if err != nil {
			return nil, err
		}
		if !generated(source) {
			continue
		}
		// The name that stands in the program: of the module, shortened by the compiler's own -trimpath.
		name, err := filepath.Abs(a)
		if err != nil {
			return nil, err
		}
		text, err := joined(name, source)
		if errors.Is(err, errSeveralLines) {
			continue
		}
		if err != nil {
			return nil, err
		}
		args[i] = filepath.Join(scratch, "joined_"+filepath.Base(a))
		if err := os.WriteFile(args[i], text, 0o600); err != nil {
			return nil, err
		}
	}
	return args, nil
}
