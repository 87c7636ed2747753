import { createRegistry, type DescFile } from "@bufbuild/protobuf";
import { file_officer_v1_control } from "./gen/officer/v1/control_pb";

/** All messages of the API: control.proto and what it imports. */
export const registry = createRegistry(...withImports(file_officer_v1_control, new Set()));

function withImports(file: DescFile, seen: Set<DescFile>): Set<DescFile> {
  if (!seen.has(file)) {
    seen.add(file);
    for (const d of file.dependencies) withImports(d, seen);
  }
  return seen;
}
