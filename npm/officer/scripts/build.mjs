// Compiles src/ to CommonJS with types, and writes the ES modules as doors to it: one copy of the code in a
// process however it is loaded, so that there is one OfficerError and one Officer.
import { execFileSync } from "node:child_process";
import { createRequire } from "node:module";
import { rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const require = createRequire(join(root, "package.json"));
rmSync(join(root, "dist"), { recursive: true, force: true });
const tsc = join(dirname(require.resolve("typescript/package.json")), "bin", "tsc");
execFileSync(process.execPath, [tsc, "-p", join(root, "tsconfig.json")], { stdio: "inherit" });
for (const name of ["index", "proto"]) {
  const names = Object.keys(require(join(root, "dist", `${name}.js`))).sort();
  writeFileSync(
    join(root, "dist", `${name}.mjs`),
    `import door from "./${name}.js";\n` + names.map((n) => `export const ${n} = door.${n};\n`).join(""),
  );
  writeFileSync(join(root, "dist", `${name}.d.mts`), `export * from "./${name}.js";\n`);
}
