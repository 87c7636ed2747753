package notify

import (
	"bytes"
	"context"
	"errors"
	"os/exec"
	"time"

	"github.com/officer-doofy/officer/internal/notice"
)

// killWithin is how long a program that was told to end may keep its pipes open.
const killWithin = time.Second

// run starts the program with its arguments (no shell) and the event as JSON on stdin.
// Its output is dropped: it could hold a secret.
func (s *Sender) run(ctx context.Context, n notice.Note) error {
	text, err := encode(n)
	if err != nil {
		return s.failed("the event could not be written as JSON")
	}
	cmd := exec.CommandContext(ctx, s.target.Exec[0], s.target.Exec[1:]...)
	cmd.Stdin = bytes.NewReader(append(text, '\n'))
	cmd.WaitDelay = killWithin
	err = cmd.Run()
	var exit *exec.ExitError
	switch {
	case ctx.Err() != nil:
		return s.failed("the program did not end within %s", s.target.Timeout)
	case errors.As(err, &exit):
		return s.failed("the program ended with code %d", exit.ExitCode())
	case err != nil:
		return s.failed("the program cannot be started")
	}
	return nil
}
