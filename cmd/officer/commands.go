package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"syscall"

	"github.com/officer-doofy/officer/internal/shell"
)

// platformHere is the system that this program runs on.
const platformHere = runtime.GOOS

// asks puts a question to whoever sits there; nobody is a no.
func (c *cli) asks(question string) bool {
	fmt.Fprint(c.err, question)
	answer, err := bufio.NewReader(io.LimitReader(c.in, 64)).ReadString('\n')
	if err != nil {
		fmt.Fprintln(c.err)
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

// step is a command of another program, word by word: no shell reads it.
type step []string

// String is how a person would type it.
func (s step) String() string {
	words := make([]string, 0, len(s))
	for _, word := range s {
		words = append(words, shell.Word(word))
	}
	return strings.Join(words, " ")
}

// MarshalText makes it a string in JSON.
func (s step) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// run runs it; what it said is the error.
func (s step) run(ctx context.Context) error {
	cmd := exec.CommandContext(ctx, s[0], s[1:]...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return errors.New(strings.Join(strings.Fields(said.String()), " ") + " (" + exit.String() + ")")
	}
	return err
}

// sentenceOf is what an error of the system says to people.
func sentenceOf(err error) string {
	var number syscall.Errno
	if errors.As(err, &number) {
		return number.Error()
	}
	return clean(err.Error())
}
