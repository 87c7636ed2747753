import {
  create, type DescMethodServerStreaming, type DescMethodUnary, type DescService, type MessageInitShape, type MessageShape,
} from "@bufbuild/protobuf";
import { ControlService } from "./gen/officer/v1/control_pb";
import type { CallOptions, Transport } from "./transport";

/** One async function for each method of a service; a method that streams gives an async iterable. */
export type ClientOf<S extends DescService> = {
  [K in keyof S["method"]]: S["method"][K] extends DescMethodUnary<infer I, infer O>
    ? (request?: MessageInitShape<I>, options?: CallOptions) => Promise<MessageShape<O>>
    : S["method"][K] extends DescMethodServerStreaming<infer I, infer O>
      ? (request?: MessageInitShape<I>, options?: CallOptions) => AsyncIterable<MessageShape<O>>
      : never;
};

/**
 * Every method of officer.v1.ControlService. `database` of a request may be left out: it is the
 * only one, or the one whose socket is used.
 */
export type OfficerClient = Omit<ClientOf<typeof ControlService>, "call">;

export function createClient(transport: Transport): OfficerClient {
  const client: Record<string, unknown> = {};
  for (const method of ControlService.methods) {
    if (method === ControlService.method.call) continue; // the command line's own
    if (method.methodKind === "unary") {
      client[method.localName] = (request: Record<string, unknown> = {}, options?: CallOptions) =>
        transport.unary(method, create(method.input, request), options);
    } else if (method.methodKind === "server_streaming") {
      client[method.localName] = (request: Record<string, unknown> = {}, options?: CallOptions) =>
        transport.stream(method, create(method.input, request), options);
    }
  }
  return client as OfficerClient;
}
