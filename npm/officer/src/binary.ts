import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { sep } from "node:path";
import { OfficerError } from "./errors";

/** The package that carries the binary for a machine. */
export function platformPackage(platform: string = process.platform, arch: string = process.arch): string {
  return `@officer-doofy/officer-${platform}-${arch}`;
}

/** The name of the binary inside it. */
export function binaryName(platform: string = process.platform): string {
  return platform === "win32" ? "officer.exe" : "officer";
}

/**
 * The binary: what `given` names, else $OFFICER_BINARY, else that of the platform package. A
 * program cannot be run out of an Electron archive, so a path in app.asar means its twin in
 * app.asar.unpacked.
 */
export function findBinary(given?: string): string {
  const named = given || process.env["OFFICER_BINARY"];
  if (named) {
    if (existsSync(named)) return named;
    throw new OfficerError({
      code: "no_binary", op: "start", text: `there is no Officer at ${named}`,
      hints: [given ? "check the option binary" : "unset OFFICER_BINARY"],
    });
  }
  const from = platformPackage();
  try {
    return unpacked(createRequire(__filename).resolve(`${from}/bin/${binaryName()}`));
  } catch (cause) {
    throw new OfficerError({
      code: "no_binary", op: "start", text: `the package ${from} is not installed`, cause,
      hints: ["npm install --include=optional @officer-doofy/officer", "or set OFFICER_BINARY to an officer binary"],
    });
  }
}

/** Where a file of an Electron archive lies outside of it. */
export function unpacked(path: string): string {
  return path.replace(`${sep}app.asar${sep}`, `${sep}app.asar.unpacked${sep}`);
}
