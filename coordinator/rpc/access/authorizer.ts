// Stands before every service of a coordinator: finds out who calls, and whether they may. A call that may not go on ends before its
// first message is read. Handlers ask here who called them.

import { ServerInterceptingCall, status } from '@grpc/grpc-js';
import type { Metadata, ServerInterceptor } from '@grpc/grpc-js';

import { BivdiffError } from '../../../common/errors.ts';
import { statusOfError } from '../../../common/rpc/status.ts';
import type { IncomingCall } from '../../../common/rpc/unary.ts';
import { PRIORITY_MAX } from './caller.ts';
import type { Caller } from './caller.ts';
import { isOpenToEverybody, ROLES, rolesNeeded } from './roles.ts';
import type { TokenLookup } from './token-book.ts';

export interface AuthorizerOptions {
  /** @default whoever reaches the coordinator may do everything */
  readonly tokens?: TokenLookup | undefined;
  /** Told of every call that is refused. */
  readonly onRefused?: (refusal: Refusal) => void;
}

export interface Refusal {
  readonly method: string;
  /** Empty if it is not known who calls. */
  readonly owner: string;
  readonly peer: string;
}

const HEADER = /^Bearer ([\x21-\x7e]+)$/i;

export class Authorizer {
  readonly #options: AuthorizerOptions;
  /** By the metadata that a call came with: what handlers get is the same object. */
  readonly #callers = new WeakMap<Metadata, Caller>();

  constructor(options: AuthorizerOptions = {}) {
    this.#options = options;
  }

  /** For the server's options. */
  readonly interceptor: ServerInterceptor = ({ path }, call) =>
    new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, pass) => {
            try {
              this.#admit(path, metadata);
            } catch (reason) {
              const { owner = '' } = this.#identify(metadata) ?? {};
              this.#options.onRefused?.({ method: path, owner, peer: call.getPeer() });
              call.sendStatus({ code: status.UNKNOWN, details: '', ...statusOfError(reason) });
              return;
            }
            pass(metadata);
          },
        });
      },
    });

  /** Who made a call that was let through. */
  callerOf(call: IncomingCall): Caller {
    const { tokens } = this.#options;
    if (tokens === undefined) return everybody(call);
    const caller = this.#callers.get(call.metadata);
    if (caller !== undefined) return caller;
    throw new BivdiffError('internal', 'this call did not pass the authorizer');
  }

  #admit(path: string, metadata: Metadata): void {
    if (this.#options.tokens === undefined || isOpenToEverybody(path)) return;
    const caller = this.#identify(metadata);
    if (caller === undefined) {
      const isGiven = metadata.get('authorization').length > 0;
      throw new BivdiffError(
        'unauthenticated',
        isGiven ? 'this token is not known here' : 'this coordinator wants a token',
        { hint: 'Say where yours is with --token-file, or set BIVDIFF_TOKEN.' },
      );
    }
    const needed = rolesNeeded(path);
    if (needed?.some((role) => caller.roles.has(role)) !== true) {
      throw new BivdiffError(
        'permission-denied',
        `${path.slice(1)} needs role ${needed?.join(' or ') ?? '(nobody has it)'}, which this token has not`,
        { hint: 'Ask whoever operates the farm for a token with that role.' },
      );
    }
    this.#callers.set(metadata, caller);
  }

  #identify(metadata: Metadata): Caller | undefined {
    const headers = metadata.get('authorization');
    // More than one would leave open which of them counts.
    const [header] = headers;
    if (headers.length !== 1 || typeof header !== 'string') return undefined;
    const token = HEADER.exec(header)?.[1];
    return token === undefined ? undefined : this.#options.tokens?.callerOf(token);
  }
}

function everybody(call: IncomingCall): Caller {
  const name = hostOf(call.getPeer());
  return { owner: '', roles: new Set(ROLES), priorityMax: PRIORITY_MAX, name };
}

/** Each connection of a host has a port of its own. */
function hostOf(peer: string): string {
  return peer.replace(/:\d+$/, '');
}
