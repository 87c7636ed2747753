package process

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// role is what the test program does when it runs as another process.
const role = "OFFICER_TEST_ROLE"

func TestMain(m *testing.M) {
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "parent": // starts a watcher of itself and waits to be killed
		os.Setenv(role, "watcher")
		watcher := exec.Command(os.Args[0])
		watcher.Stdin, watcher.Stdout, watcher.Stderr = os.Stdin, os.Stdout, os.Stderr
		if err := watcher.Run(); err != nil {
			panic(err)
		}
	case "watcher":
		p := FindParent(0)
		fmt.Println("watching", p.PID())
		ctx, cancel := context.WithTimeout(context.Background(), 2*seenWithin) // never left behind
		defer cancel()
		fmt.Println("gone", p.Gone(ctx), os.Getppid() != p.PID())
	case "exit3":
		os.Exit(3)
	case "wait":
		_, _ = os.Stdin.Read(make([]byte, 1))
	}
}

// seenWithin ends a test in which the end of a process is never seen.
const seenWithin = 30 * time.Second

// again makes a command of this test program in another role.
func again(t *testing.T, as string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), role+"="+as)
	cmd.Stderr = os.Stderr
	return cmd
}

func TestParent_goneIsSeenAtOnceThoughSomebodyHoldsThePipe(t *testing.T) {
	cmd := again(t, "parent")
	in, err := cmd.StdinPipe() // this test is the third process: it never closes it
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, theirs, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	cmd.Stdout = theirs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	theirs.Close()
	lines := bufio.NewScanner(out)
	lines.Scan()
	if want := fmt.Sprint("watching ", cmd.Process.Pid); lines.Text() != want {
		t.Fatalf("got %q, want %q", lines.Text(), want)
	}
	start := time.Now()
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := out.SetReadDeadline(start.Add(seenWithin)); err != nil {
		t.Fatal(err)
	}
	lines.Scan()
	took := time.Since(start)
	_ = cmd.Wait()
	if want := "gone true true"; lines.Text() != want {
		t.Errorf("got %q, want %q", lines.Text(), want)
	}
	t.Logf("seen after %v", took)
	if took > seenWithin*2/3 { // at once, on a machine that others load
		t.Errorf("seen after %v, want at once", took)
	}
}

func TestParent_ofAnotherPIDIsSeenToo(t *testing.T) {
	cmd := again(t, "wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := FindParent(cmd.Process.Pid)
	early, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if p.Gone(early) {
		t.Error("it was taken for gone while it lives")
	}
	p = FindParent(cmd.Process.Pid)
	in.Close()
	_ = cmd.Wait()
	late, cancelLate := context.WithTimeout(t.Context(), seenWithin)
	defer cancelLate()
	if !p.Gone(late) {
		t.Error("it was not seen to go")
	}
	if p := FindParent(cmd.Process.Pid); !p.Gone(late) {
		t.Error("who is gone before it was looked for was not seen to be")
	}
}

// TestParent_isSeenToGoByLooking takes the way of a system that wakes nobody.
func TestParent_isSeenToGoByLooking(t *testing.T) {
	cmd := again(t, "wait")
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &Parent{pid: cmd.Process.Pid}
	early, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if p.Gone(early) {
		t.Error("it was taken for gone while it lives")
	}
	in.Close()
	_ = cmd.Wait()
	if !p.Gone(t.Context()) {
		t.Error("it was not seen to go")
	}
}

func TestLifeline_isOnlyWhatSomebodyHolds(t *testing.T) {
	open := func(name string) *os.File {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	file := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	held, hand, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	left, other, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer left.Close()
	other.Close()
	for _, c := range []struct {
		name string
		file *os.File
		want bool
	}{
		{"the null device", open(os.DevNull), false},
		{"a file", open(file), false},
		{"a pipe", held, true},
		{"a pipe that was closed before", left, false},
	} {
		if got := Lifeline(c.file); got != c.want {
			t.Errorf("%s: got %v, want %v", c.name, got, c.want)
		}
	}
	ended := make(chan struct{})
	go func() { Ended(held); close(ended) }()
	if _, err := hand.WriteString("some words\n"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-ended:
		t.Error("it ended while somebody holds it")
	case <-time.After(20 * time.Millisecond):
	}
	hand.Close()
	<-ended
}
