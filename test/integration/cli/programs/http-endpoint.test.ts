// Goal: probes and Prometheus get what they ask for, and nobody gets more. Method: the real endpoint over real HTTP.

import { connect } from 'node:net';
import { once } from 'node:events';

import { describe, expect, it, onTestFinished } from 'vitest';

import { openHttpEndpoint } from '../../../../cli/programs/http/http-endpoint.ts';
import { Probes } from '../../../../cli/programs/http/probes.ts';
import { MetricRegistry } from '../../../../cli/programs/metrics/metric-registry.ts';

async function open(address = '127.0.0.1:0') {
  const probes = new Probes();
  const metrics = new MetricRegistry('coordinator');
  let scrapes = 0;
  metrics.onScrape(() => {
    scrapes += 1;
  });
  const http = await openHttpEndpoint({ address, probes, metrics });
  onTestFinished(() => http.close());
  const ask = async (path: string, method = 'GET') => {
    const answer = await fetch(`http://127.0.0.1:${http.port}${path}`, { method });
    const { status, headers } = answer;
    return { status, text: await answer.text(), type: headers.get('content-type') };
  };
  return { probes, http, ask, scrapes: () => scrapes };
}

describe('the HTTP endpoint', () => {
  it('says what a program is at until it has started, and that it lives all the while', async () => {
    const { ask, probes } = await open();
    expect(await ask('/livez')).toMatchObject({ status: 200, text: 'ok\n' });
    probes.unstarted = 'joining NATS';
    expect(await ask('/startupz')).toMatchObject({ status: 503, text: 'joining NATS\n' });
    expect(await ask('/readyz')).toMatchObject({ status: 503, text: 'the program begins\n' });
    probes.serve();
    expect(await ask('/startupz')).toMatchObject({ status: 200 });
    expect(await ask('/readyz?verbose')).toMatchObject({ status: 200 });
    probes.unready = 'the worker drains';
    expect(await ask('/readyz')).toMatchObject({ status: 503, text: 'the worker drains\n' });
    expect(await ask('/startupz')).toMatchObject({ status: 200 });
  });

  it('serves metrics as Prometheus has them, to many at once from one scrape', async () => {
    const { ask, scrapes } = await open();
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/metrics')));
    for (const { status, type, text } of answers) {
      expect(status).toBe(200);
      expect(type).toBe('text/plain; version=0.0.4; charset=utf-8');
      expect(text).toContain('# TYPE bivdiff_build_info gauge');
    }
    expect(scrapes()).toBeLessThan(20);
  });

  it('refuses what it does not know', async () => {
    const { ask } = await open();
    expect(await ask('/')).toMatchObject({ status: 404, text: expect.stringContaining('/readyz') });
    expect(await ask('/metrics', 'POST')).toMatchObject({ status: 405 });
    expect(await ask('/livez', 'HEAD')).toMatchObject({ status: 200, text: '' });
  });

  it('says so where the port is taken or the address is none', async () => {
    const { http } = await open();
    const taken = `127.0.0.1:${http.port}`;
    await expect(open(taken)).rejects.toMatchObject({ code: 'unavailable' });
    await expect(open(taken)).rejects.toThrow(`--http: cannot listen on ${taken}`);
    await expect(open('8080')).rejects.toThrow('--http: expected HOST:PORT, got "8080"');
    await expect(open('127.0.0.1:70000')).rejects.toThrow('--http: expected HOST:PORT');
  });

  it('ends at once, whoever holds a connection open', async () => {
    const { http } = await open();
    const socket = connect(http.port, '127.0.0.1');
    await once(socket, 'connect');
    const ended = once(socket, 'close');
    socket.on('error', () => undefined);
    await http.close();
    await ended;
  });
});
