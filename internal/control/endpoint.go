package control

import (
	"encoding/json"
	"path/filepath"

	"github.com/officer-doofy/officer/internal/fsx"
)

const (
	endpointName     = "endpoint.json"
	endpointBytesMax = 64 << 10
	// pipeFile has the name of the pipe on Windows: it is not to be guessed.
	pipeFile = "officer.pipe"
)

// Endpoint is where a running Officer is reached; {home}/endpoint.json has it while it runs.
// A process that was killed leaves the file behind: only an answer proves that it is right.
type Endpoint struct {
	Version   string `json:"version"`
	PID       int    `json:"pid"`
	Socket    string `json:"socket"`     // path of the socket, or name of the pipe; "" = none
	URL       string `json:"url"`        // "http://127.0.0.1:40123"; "" = no TCP port
	TokenFile string `json:"token_file"` // holds the bearer token for the URL; "" = no TCP port
}

// ReadEndpoint gives what the Officer of a home, running or not any more, wrote down.
func ReadEndpoint(files fsx.FS, home string) (Endpoint, error) {
	var e Endpoint
	data, err := fsx.ReadLimited(files, filepath.Join(home, endpointName), endpointBytesMax)
	if err == nil {
		err = json.Unmarshal(data, &e)
	}
	return e, err
}

func writeEndpoint(files fsx.FS, home string, e Endpoint) error {
	data, err := json.MarshalIndent(e, "", "  ")
	if err != nil {
		return err
	}
	return fsx.WriteAtomic(files, filepath.Join(home, endpointName), append(data, '\n'), 0o600)
}

// SocketOf is where the socket of a home is, or would be; "" when there can be none.
func SocketOf(home string) string {
	path, err := socketPath(home, false)
	if err != nil {
		return ""
	}
	return path
}
