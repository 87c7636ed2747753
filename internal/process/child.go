package process

import (
	"os"
	"os/exec"
	"time"
)

// Child is a program that this process runs, with its standard streams passed through,
// and everything that the program starts.
type Child struct {
	process *os.Process
	pid     int // stays when process is released
	group   group
	ended   chan struct{}
	code    int
}

// endWithin is how long what a child left behind gets to end by itself.
const endWithin = 2 * time.Second

// Find gives the path of a program as a shell would find it.
func Find(name string) (string, error) { return exec.LookPath(name) }

// Start runs the program at path. args begin with the name it is called by; files are
// its standard input, output and error. The environment is env alone.
func Start(path string, args, env []string, files []*os.File) (*Child, error) {
	c := &Child{ended: make(chan struct{})}
	attr := &os.ProcAttr{Env: env, Files: files, Sys: c.group.attributes(files)}
	var err error
	if c.process, err = os.StartProcess(path, args, attr); err != nil {
		return nil, err
	}
	if err := c.group.adopt(c.process); err != nil {
		_ = c.process.Kill()
		_, _ = c.process.Wait()
		return nil, err
	}
	c.pid = c.process.Pid
	go func() {
		defer close(c.ended)
		c.code = c.group.wait(c.process)
	}()
	return c, nil
}

// PID is the process id of the program.
func (c *Child) PID() int { return c.pid }

// Signal passes a signal on to the program. One that has ended gets none.
func (c *Child) Signal(s os.Signal) {
	select {
	case <-c.ended:
	default:
		_ = c.process.Signal(s)
	}
}

// Ended is closed when the program has ended.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// Code is the exit code of a program that has ended; 128 + n when signal n ended it.
func (c *Child) Code() int {
	<-c.ended
	return c.code
}

// Sweep ends what the program started and left behind: kindly first, by force after two
// seconds. It is called when the program has ended.
func (c *Child) Sweep() { c.group.sweep(endWithin) }
