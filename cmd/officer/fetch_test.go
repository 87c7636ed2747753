package main

import (
	"fmt"
	"html"
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/officer-doofy/officer/internal/control"
	"github.com/officer-doofy/officer/internal/fsx"
)

// fetchMain asks the TCP port of the Officer in a home:
//
//	fetch HOME PATH          with the token of the home
//	fetch HOME PATH nobody   without
//	fetch LINK-OR-FILE       as a browser that was led there, and then asks who it is
//
// It prints the status and what comes, at most a second of it.
func fetchMain() {
	client := &http.Client{Timeout: 10 * time.Second}
	if len(os.Args) == 2 {
		follow(client, os.Args[1])
		return
	}
	at, err := control.ReadEndpoint(fsx.OS(), os.Args[1])
	check(err)
	r, err := http.NewRequest(http.MethodGet, at.URL+os.Args[2], nil)
	check(err)
	if len(os.Args) == 3 {
		token, err := os.ReadFile(at.TokenFile)
		check(err)
		r.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	if strings.HasPrefix(os.Args[2], "/v1/events") {
		client.Timeout = time.Second
	}
	show(client.Do(r))
}

// follow is what a browser does with a link or a file that leads to one.
func follow(client *http.Client, link string) {
	jar, err := cookiejar.New(nil)
	check(err)
	client.Jar = jar
	if strings.HasSuffix(link, ".html") {
		text, err := os.ReadFile(link)
		check(err)
		link = html.UnescapeString(string(regexp.MustCompile(`url=([^"]*)`).FindSubmatch(text)[1]))
	}
	show(client.Get(link))
	base := link[:strings.Index(link, "/login")]
	fmt.Println("logged in:")
	show(client.Post(base+"/officer.v1.ControlService/GetInfo", "application/json", strings.NewReader("{}")))
}

func show(res *http.Response, err error) {
	check(err)
	fmt.Println(res.StatusCode, filepath.Base(res.Request.URL.Path))
	_, _ = io.Copy(os.Stdout, res.Body) // a stream ends with the client's patience
	fmt.Println()
}
