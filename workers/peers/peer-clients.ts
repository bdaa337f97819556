// Connections to other workers: one each, for both of its services. Those that were unused longest are closed.

import { Client, credentials } from '@grpc/grpc-js';
import type { ChannelCredentials } from '@grpc/grpc-js';

import { ArtifactServiceClient } from '../../common/gen/bivdiff/v1/artifact_service.ts';
import { HeldServiceClient } from '../../common/gen/bivdiff/v1/held_service.ts';
import { MESSAGE_BYTES_MAX } from '../../common/rpc/message-sizes.ts';

const CLIENTS_MAX = 64;
/** Before the address of a worker that serves by TLS. */
export const TLS_SCHEME = 'grpcs://';

export interface PeerClient {
  readonly artifacts: ArtifactServiceClient;
  readonly held: HeldServiceClient;
}

export class PeerClients {
  readonly #tls: ChannelCredentials | undefined;
  readonly #clients = new Map<string, PeerClient>();

  /** `tls`: for those that serve by it. */
  constructor(tls: ChannelCredentials | undefined) {
    this.#tls = tls;
  }

  /** Of a worker at HOST:PORT, after `grpcs://` if by TLS. */
  of(address: string): PeerClient {
    const client = this.#clients.get(address) ?? this.#open(address);
    this.#clients.delete(address);
    this.#clients.set(address, client);
    const [oldest] = this.#clients.keys();
    if (this.#clients.size > CLIENTS_MAX && oldest !== undefined) {
      this.#clients.get(oldest)!.artifacts.close();
      this.#clients.delete(oldest);
    }
    return client;
  }

  close(): void {
    for (const { artifacts } of this.#clients.values()) artifacts.close();
    this.#clients.clear();
  }

  #open(address: string): PeerClient {
    const isTls = address.startsWith(TLS_SCHEME);
    const target = isTls ? address.slice(TLS_SCHEME.length) : address;
    const shown = isTls ? this.#tls! : credentials.createInsecure();
    const channel = new Client(target, shown, {
      'grpc.max_receive_message_length': MESSAGE_BYTES_MAX,
      'grpc.enable_retries': 0,
      'grpc-node.flow_control_window': 4 << 20,
      // A worker that is started again on its port must not be waited for.
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    }).getChannel();
    const override = { channelOverride: channel };
    return {
      artifacts: new ArtifactServiceClient(target, shown, override),
      held: new HeldServiceClient(target, shown, override),
    };
  }
}
