// As much of BullMQ as bullmq-peer.ts and bullmq-worker.ts use. It is not among the project's packages (see package.json here), and
// types must be checked where it is not installed.

declare module 'bullmq' {
  interface Connection {
    readonly connection: { readonly host: string; readonly port: number };
  }

  export interface JobsOptions {
    readonly jobId?: string;
    readonly removeOnComplete?: boolean;
  }

  export interface BulkJob {
    readonly name: string;
    readonly data: unknown;
    readonly opts?: JobsOptions;
  }

  export class Queue {
    constructor(
      name: string,
      options: Connection & { readonly streams?: { readonly events: { readonly maxLen: number } } },
    );
    add(name: string, data: unknown, options?: JobsOptions): Promise<unknown>;
    addBulk(jobs: readonly BulkJob[]): Promise<unknown>;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }

  export class QueueEvents {
    constructor(name: string, options: Connection & { readonly lastEventId?: string });
    on(
      event: 'completed',
      listener: (event: { readonly jobId: string; readonly returnvalue: unknown }) => void,
    ): this;
    on(event: 'failed', listener: (event: { readonly failedReason: string }) => void): this;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }

  export interface FlowJob {
    readonly name: string;
    readonly queueName: string;
    readonly data?: unknown;
    readonly opts?: JobsOptions;
    readonly children?: readonly FlowJob[];
  }

  export class FlowProducer {
    constructor(options: Connection);
    addBulk(flows: readonly FlowJob[]): Promise<unknown>;
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }

  export class Worker {
    constructor(
      name: string,
      processor: (job: { readonly data: { readonly ms: number } }) => Promise<unknown>,
      options: Connection & { readonly concurrency: number },
    );
    waitUntilReady(): Promise<unknown>;
    close(): Promise<void>;
  }
}
