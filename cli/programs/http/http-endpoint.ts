// What probes and Prometheus ask of a program, over plain HTTP. It only reads, and says nothing of what is rendered; whoever reaches it
// can have no more than a few small answers at a time.

import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

import { BivdiffError } from '../../../common/errors.ts';
import { hostPortOf } from '../../flags/farm-settings.ts';
import type { MetricRegistry } from '../metrics/metric-registry.ts';
import type { Probes } from './probes.ts';

/** kubelet and some Prometheus servers. */
const CONNECTIONS_MAX = 64;
const REQUEST_MS = 5_000;
/** Whoever asks more often gets the same text again. */
const SCRAPE_MS = 250;
const TEXT = 'text/plain; charset=utf-8';
const PATHS = ['/livez', '/readyz', '/startupz', '/metrics'];

export interface HttpEndpointOptions {
  /** HOST:PORT; port 0 is any free one. */
  readonly address: string;
  readonly probes: Probes;
  readonly metrics: MetricRegistry;
}

export interface HttpEndpoint {
  readonly port: number;
  close(): Promise<void>;
}

/** Listens. @throws unavailable — it cannot listen there; invalid-argument — no HOST:PORT */
export async function openHttpEndpoint(options: HttpEndpointOptions): Promise<HttpEndpoint> {
  const { address, metrics } = options;
  const { host, port } = hostPortOf(address, '--http');
  const scrape = shared(() => metrics.text());
  const limits = { requestTimeout: REQUEST_MS, headersTimeout: REQUEST_MS };
  const server = createServer({ ...limits, maxHeaderSize: 8 * 1024 }, (request, response) => {
    answer(request, response, { ...options, scrape }).catch(() => {
      response.destroy();
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await listen(server, { host, port, address });
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      metrics.close();
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(
  server: Server,
  {
    host,
    port,
    address,
  }: { readonly host: string; readonly port: number; readonly address: string },
): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `--http: cannot listen on ${address}: ${cause.message}`;
      const hint = 'Choose another port with --http; port 0 is any free one.';
      reject(new BivdiffError('unavailable', message, { hint, cause }));
    });
    server.listen(port, host.replace(/^\[(.*)\]$/, '$1'), resolve);
  });
}

async function answer(
  { method = '', url = '' }: IncomingMessage,
  response: ServerResponse,
  { probes, metrics, scrape }: HttpEndpointOptions & { readonly scrape: () => Promise<string> },
): Promise<void> {
  const send = (status: number, text: string, type = TEXT): void => {
    response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store' });
    response.end(method === 'HEAD' ? undefined : text);
  };
  const sendProbe = (whyNot: string | undefined): void => {
    send(whyNot === undefined ? 200 : 503, `${whyNot ?? 'ok'}\n`);
  };
  if (method !== 'GET' && method !== 'HEAD') {
    response.setHeader('allow', 'GET, HEAD');
    return send(405, 'only GET and HEAD\n');
  }
  switch (url.split('?', 1)[0]) {
    case '/livez':
      return sendProbe(undefined);
    case '/readyz':
      return sendProbe(probes.unready);
    case '/startupz':
      return sendProbe(probes.unstarted);
    case '/metrics':
      return send(200, await scrape(), metrics.contentType);
    default:
      return send(404, `there are ${PATHS.join(', ')}\n`);
  }
}

/** One scrape at a time, whoever asks. */
function shared(scrape: () => Promise<string>): () => Promise<string> {
  let text: Promise<string> | undefined;
  return () => {
    if (text === undefined) {
      text = scrape();
      const forget = (): void => {
        text = undefined;
      };
      void text.then(() => setTimeout(forget, SCRAPE_MS).unref(), forget);
    }
    return text;
  };
}
