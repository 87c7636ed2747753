//go:build packages

package packages

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"connectrpc.com/connect"

	"github.com/officer-doofy/officer/messages"
)

// listed is what all clients have to agree on.
type listed struct {
	ID     string `json:"id"`
	Size   string `json:"sizeBytes"` // proto JSON writes 64-bit numbers as strings
	SHA256 string `json:"sha256"`
}

const service = "http://officer/officer.v1.ControlService/"

// TestClients_listTheSameBackups: curl, gRPC, the TypeScript client and Python's standard library
// ask one running Officer over its socket.
func TestClients_listTheSameBackups(t *testing.T) {
	s := start(t, binary(t))
	for _, reason := range []string{"one", "two"} {
		output(t, exec.Command(need(t, "python3"), "-c", `
import sys
sys.path.insert(0, sys.argv[1])
from sidecar import Officer
o = Officer.__new__(Officer)
o.socket = sys.argv[2]
print(o.work("BackUp", reason=sys.argv[3], force=True)["backup"]["backup"]["id"])
`, root+"/examples/sidecar-python", s.socket, reason))
	}
	want := byCurl(t, s.socket)
	if len(want) < 2 {
		t.Fatalf("curl lists %d backups: %v", len(want), want)
	}
	for name, list := range map[string]func(*testing.T, string) []listed{"gRPC": byGRPC, "TypeScript": byNode, "Python": byPython} {
		t.Run(name, func(t *testing.T) {
			if got := list(t, s.socket); !slices.Equal(got, want) {
				t.Errorf("got %v, want %v as curl says", got, want)
			}
		})
	}
	t.Logf("curl, gRPC, TypeScript and Python list the same %d backups; the newest is %v", len(want), want[0])
}

func byCurl(t *testing.T, socket string) []listed {
	t.Helper()
	return parse(t, output(t, exec.Command(need(t, "curl"), "-sS", "--fail", "--unix-socket", socket, "--json", "{}", service+"ListBackups")))
}

func parse(t *testing.T, text string) []listed {
	t.Helper()
	var answer struct{ Backups []listed }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	return answer.Backups
}

func byGRPC(t *testing.T, socket string) (all []listed) {
	t.Helper()
	transport := &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
		Protocols: new(http.Protocols),
	}
	defer transport.CloseIdleConnections()
	transport.Protocols.SetUnencryptedHTTP2(true)
	client := connect.NewClient[messages.ListBackupsRequest, messages.BackupList](
		&http.Client{Transport: transport}, service+"ListBackups", connect.WithGRPC())
	answer, err := client.CallUnary(t.Context(), connect.NewRequest(&messages.ListBackupsRequest{}))
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range answer.Msg.Backups {
		all = append(all, listed{b.Id, fmt.Sprint(b.SizeBytes), b.Sha256})
	}
	return all
}

func byNode(t *testing.T, socket string) []listed {
	t.Helper()
	module, err := filepath.Abs(root + "/npm/officer/dist/index.mjs")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, output(t, exec.Command(need(t, "node"), "--input-type=module", "-e", `
const [module, socket] = process.argv.slice(1);
const { connectOfficer, toPlain } = await import(module);
const officer = await connectOfficer({ socket });
console.log(JSON.stringify(toPlain(await officer.client.listBackups())));
officer.close();
`, module, socket)))
}

func byPython(t *testing.T, socket string) []listed {
	t.Helper()
	return parse(t, output(t, exec.Command(need(t, "python3"), "-c", `
import http.client, json, socket, sys
c = http.client.HTTPConnection("officer")
c.sock = socket.socket(socket.AF_UNIX)
c.sock.connect(sys.argv[1])
c.request("POST", "/officer.v1.ControlService/ListBackups", "{}", {"Content-Type": "application/json"})
print(c.getresponse().read().decode())
`, socket)))
}

// TestReference_examplesAnswer pastes every curl of docs/api.md into a shell.
func TestReference_examplesAnswer(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```sh\n(curl .*?)```").FindAllStringSubmatch(string(text), -1)
	if len(examples) < 20 {
		t.Fatalf("only %d examples in docs/api.md", len(examples))
	}
	s := start(t, binary(t))
	awaitBackup(t, s.socket)
	for _, e := range examples {
		name := e[1][strings.LastIndex(e[1], "/")+1:]
		t.Run(strings.TrimSpace(name), func(t *testing.T) {
			c := exec.Command("sh", "-c", strings.Replace(e[1], "curl ", "curl -sS --fail-with-body ", 1))
			c.Dir = filepath.Dir(s.db)
			if answer := output(t, c); !json.Valid([]byte(answer)) {
				t.Errorf("no JSON: %s", answer)
			} else if strings.Contains(answer, `"state":"failed"`) {
				t.Errorf("%s", answer)
			}
		})
	}
}

// awaitBackup lets Officer make its own first backup: another one is refused meanwhile.
func awaitBackup(t *testing.T, socket string) {
	t.Helper()
	for range 1000 {
		if len(byCurl(t, socket)) > 0 {
			return
		}
	}
	t.Fatal("Officer makes no backup by itself")
}

// TestPython_exampleRuns runs examples/sidecar-python as its README says.
func TestPython_exampleRuns(t *testing.T) {
	c := exec.Command(need(t, "python3"), root+"/examples/sidecar-python/sidecar.py", filepath.Join(t.TempDir(), "visits.db"))
	c.Env = append(os.Environ(), "OFFICER_BINARY="+binary(t))
	out := output(t, c)
	for _, want := range []string{"verified, sha256 ", "recent", "backup.verified"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing in:\n%s", want, out)
		}
	}
}
