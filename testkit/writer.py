"""Commits to a SQLite database all the time and keeps a ledger of what was acknowledged.

Started by testkit.StartWriter; ends when stdin is closed, then prints a report. A line
"pause" on stdin holds it between two commits, which it says, until the line "go".
Each commit adds one row and raises the total in another table: a copy that is not one
committed state shows it.
"""
import json
import os
import sqlite3
import sys
import threading
import time

path, ledger_path, per_second, payload_bytes, busy_ms = sys.argv[1:6]
per_second, payload_bytes, busy_s = float(per_second), int(payload_bytes), int(busy_ms) / 1000

stop, pause, go = threading.Event(), threading.Event(), threading.Event()


def listen():
    for line in sys.stdin:
        if line.strip() == "pause":
            go.clear()
            pause.set()
        else:
            go.set()
    stop.set()
    go.set()


threading.Thread(target=listen, daemon=True).start()

# The connection stays open for the whole life, as an app's does.
db = sqlite3.connect(path, timeout=busy_s, isolation_level=None)


def prepare():
    db.execute("create table if not exists writer_rows(seq integer primary key, payload text)")
    db.execute("create table if not exists writer_total(id integer primary key check(id = 1), n integer)")
    db.execute("insert or ignore into writer_total values(1, 0)")
    return db.execute("select coalesce(max(seq), 0) from writer_rows").fetchone()[0]


def commit(seq):
    db.execute("begin immediate")
    db.execute("insert into writer_rows values(?, ?)", (seq, os.urandom(payload_bytes // 2).hex()))
    db.execute("update writer_total set n = n + 1")
    db.execute("commit")


def busy(error):
    return "locked" in str(error) or "busy" in str(error)


seq = first = prepare()
ledger = os.open(ledger_path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
report = {"acknowledged": 0, "busy": 0, "failed": 0, "reads": 0, "reads_failed": 0, "last_error": ""}
latencies = []
began = time.monotonic()
due = began
waiting_since = None
while not stop.is_set():
    if pause.is_set():
        pause.clear()
        print("paused", flush=True)
        go.wait()
    if waiting_since is None:
        waiting_since = time.monotonic()
    try:
        db.execute("select count(*) from sqlite_master").fetchone()
        report["reads"] += 1
    except sqlite3.Error as error:
        report["reads_failed"] += 1
        report["last_error"] = str(error)
    try:
        commit(seq + 1)
    except sqlite3.Error as error:
        report["busy" if busy(error) else "failed"] += 1
        report["last_error"] = str(error)
        if db.in_transaction:
            db.execute("rollback")
        time.sleep(0.001)
        continue
    seq += 1
    latencies.append(time.monotonic() - waiting_since)
    waiting_since = None
    os.write(ledger, b"%d\n" % seq)
    report["acknowledged"] += 1
    if seq == first + 1:
        print("ready", flush=True)
    due += 1 / per_second
    rest = due - time.monotonic()
    if rest > 0:
        stop.wait(rest)
    else:
        due = time.monotonic()  # held up: go on at the same pace, do not catch up

if waiting_since is not None:
    latencies.append(time.monotonic() - waiting_since)
latencies.sort()
report["seconds"] = time.monotonic() - began
report["last_seq"] = seq
report["worst_ms"] = latencies[-1] * 1000 if latencies else 0
report["p50_ms"] = latencies[len(latencies) // 2] * 1000 if latencies else 0
report["p99_ms"] = latencies[len(latencies) * 99 // 100] * 1000 if latencies else 0
db.close()
print(json.dumps(report), flush=True)
