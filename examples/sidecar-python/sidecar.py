#!/usr/bin/env python3
"""Officer beside a Python program, with nothing but the standard library.

    python3 sidecar.py app.db

starts Officer as a sidecar, shows the status, takes a backup, shows what happened meanwhile, and stops it.
OFFICER_BINARY names the program when "officer" is not on the PATH. Unix only: http.client speaks no named pipe.
"""

import http.client
import json
import os
import socket
import sqlite3
import subprocess
import sys
import time


class OfficerError(Exception):
    """What went wrong: code stays, text is for people, did and hints say what was done and can be done."""

    def __init__(self, failure):
        super().__init__(failure.get("text", "Officer failed"))
        self.code = failure.get("code", "internal")
        self.did = failure.get("did", "")
        self.hints = failure.get("hints", [])
        self.data_changed = failure.get("dataChanged", failure.get("data_changed", False))


class Connection(http.client.HTTPConnection):
    """HTTP over a unix socket."""

    def __init__(self, path, timeout=60):
        super().__init__("officer", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Officer:
    """A running Officer. Leaving the with block stops it with its checkpoint; so does the end of this process."""

    def __init__(self, *databases, binary=None):
        environment = dict(os.environ)
        named = environment.pop("OFFICER_BINARY", "officer")
        command = [binary or named, "run", "--sidecar", *databases]
        # A session of its own: Ctrl+C is this program's to handle. The pipe to its stdin is what tells it that we live.
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, env=environment)
        for line in self.process.stdout:  # the lines after "ready" tell of events; see events()
            said = json.loads(line)
            if said.get("type") == "ready":
                self.socket = said["socket"]
                return
            if said.get("type") == "result":
                raise OfficerError(said.get("error", {}))
        raise OfficerError({"code": "start_failed", "text": f"Officer ended with exit code {self.process.wait()}"})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait(timeout=10)

    def call(self, method, timeout=60, **request):
        """Any method of the API (docs/api.md): call("ListBackups"), call("BackUp", reason="manual", waitMs=60000)."""
        connection = Connection(self.socket, timeout)
        try:
            connection.request(
                "POST", f"/officer.v1.ControlService/{method}", json.dumps(request), {"Content-Type": "application/json"}
            )
            response = connection.getresponse()
            answer = json.load(response)
        finally:
            connection.close()
        if response.status == 200:
            return answer
        details = answer.get("details") or [{}]
        raise OfficerError(details[0].get("debug") or {"code": answer.get("code"), "text": answer.get("message")})

    def work(self, method, timeout=3600, **request):
        """Long work, awaited to its end: work("BackUp"), work("Check"), work("Restore", dryRun=True)."""
        deadline = time.monotonic() + timeout
        while True:
            operation = self.call(method, timeout, waitMs=timeout * 1000, **request)
            if operation.get("state") == "done":
                return operation
            failure = operation.get("failure", {"code": "timeout", "text": f"{method} did not end in time"})
            # Officer's own first backup, say, is waited for.
            if failure.get("code") != "already_running" or time.monotonic() > deadline:
                raise OfficerError(failure)
            time.sleep(0.2)

    def events(self, after=0, timeout=60):
        """Events as they happen; first those of this run that came after the given sequence."""
        connection = Connection(self.socket, timeout)
        connection.request("GET", "/v1/events", headers={"Last-Event-ID": str(after)})
        response = connection.getresponse()
        if response.status != 200:
            raise OfficerError({"code": "refused", "text": f"the stream of events answers {response.status}"})
        for line in response:
            if line.startswith(b"data:"):
                yield json.loads(line[5:])


def main():
    path = sys.argv[1] if len(sys.argv) > 1 else "app.db"
    app = sqlite3.connect(path)  # the program's own connection: any SQLite, in this process as before
    app.execute("CREATE TABLE IF NOT EXISTS visits (at TEXT DEFAULT CURRENT_TIMESTAMP)")
    app.execute("INSERT INTO visits DEFAULT VALUES")
    app.commit()
    with Officer(path) as officer:
        print(officer.call("GetHealth")["headline"])
        backup = officer.work("BackUp", reason="example")["backup"]["backup"]
        print(f"backup {backup['id']}: {backup['sizeBytes']} bytes, {backup['verdict']}, sha256 {backup['sha256'][:12]}…")
        for b in officer.call("ListBackups").get("backups", []):
            print(f"  {b['id']}  {b['tier']:8} {b['keepReason']}")
        for event in officer.events():
            print(event["type"])
            if event["type"] == "backup.verified" or event["type"] == "backup.skipped":
                break


if __name__ == "__main__":
    try:
        main()
    except OfficerError as e:
        print(e, e.did, *(f"  → {h}" for h in e.hints), sep="\n", file=sys.stderr)
        sys.exit(1)
