#!/usr/bin/env node
"use strict";
// "npx officer …": the binary of the platform package with this terminal.
const { spawn } = require("node:child_process");
const { constants } = require("node:os");
const { findBinary } = require("../dist/binary.js");

let binary;
try {
  binary = findBinary();
} catch (e) {
  process.stderr.write(`${e.text ?? e}\n${(e.hints ?? []).map((h) => `  → ${h}\n`).join("")}`);
  process.exit(1);
}
const child = spawn(binary, process.argv.slice(2), { stdio: "inherit" });
// The terminal sends its signals to both; the binary decides when it is over.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => signal === "SIGINT" || child.kill(signal));
child.on("error", (e) => {
  process.stderr.write(`${binary} cannot be run: ${e.message}\n`);
  process.exit(1);
});
child.on("close", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
