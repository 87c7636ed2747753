package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"time"
)

// sidecar is an Officer that looks after one database.
type sidecar struct {
	cmd     *exec.Cmd
	stdin   io.Closer
	lines   *bufio.Scanner
	started time.Time
	peak    *peak
	socket  string
}

// line is what this program reads of a line of a sidecar.
type line struct {
	Type   string `json:"type"`
	Event  string `json:"event"`
	Text   string `json:"text"`
	Socket string `json:"socket"`
}

func startSidecar(ctx context.Context, officer, path, home string) (*sidecar, error) {
	c := &sidecar{cmd: exec.CommandContext(ctx, officer, "run", path, "--sidecar", "--home", home)}
	var err error
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	stdout, err := c.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	c.lines = bufio.NewScanner(stdout)
	c.lines.Buffer(nil, 1<<20)
	c.started = time.Now()
	if err := c.cmd.Start(); err != nil {
		return nil, err
	}
	c.peak = watch(c.cmd.Process.Pid)
	return c, nil
}

// await reads on until an event was told, and gives how long after the start that was.
func (c *sidecar) await(event string) (time.Duration, line, error) {
	for c.lines.Scan() {
		var l line
		if err := json.Unmarshal(c.lines.Bytes(), &l); err != nil {
			return 0, l, fmt.Errorf("a line of the sidecar: %w", err)
		}
		if l.Type == "ready" {
			c.socket = l.Socket
		}
		if l.Event == event || l.Type == event {
			return time.Since(c.started), l, nil
		}
	}
	return 0, line{}, errors.Join(fmt.Errorf("the sidecar ended before it told of %s", event), c.lines.Err())
}

// stop closes stdin, which ends it, and gives the most memory that it held.
func (c *sidecar) stop() (rssBytes int64, err error) {
	err = c.stdin.Close()
	for c.lines.Scan() { // what is not read holds a pipe open
		continue
	}
	err = errors.Join(err, c.cmd.Wait())
	return c.peak.ended(c.cmd.ProcessState), err
}

// operation is what a method of the API answers.
type operation struct {
	State string `json:"state"`
}

// call sends one request through the socket and waits for the end of its work.
func (c *sidecar) call(ctx context.Context, method, request string) error {
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", c.socket)
	}}
	defer transport.CloseIdleConnections()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://officer/officer.v1.ControlService/"+method, bytes.NewBufferString(request))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	answer, err := (&http.Client{Transport: transport}).Do(req)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return err
	}
	var op operation
	if err := json.Unmarshal(body, &op); err != nil || answer.StatusCode != http.StatusOK || op.State != "done" {
		return fmt.Errorf("%s: got %s %.300s", method, answer.Status, body)
	}
	return nil
}
