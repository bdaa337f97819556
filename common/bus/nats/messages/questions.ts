// What workers ask the coordinator about each other, as bytes.

import {
  LoadingCostRequest,
  LoadingCostResponse,
  WorkerAddressRequest,
  WorkerAddressResponse,
} from '../../../gen/bivdiff/v1/farm_bus.ts';
import type { Digest } from '../../../task.ts';
import type { LoadingQuestion, ServedAt } from '../../../worker-status.ts';
import { bytesOfId, idOfBytes, malformed, stageOf } from './ids.ts';

export function encodeAddressQuestion(worker: string): Uint8Array {
  return WorkerAddressRequest.encode({ worker }).finish();
}

/** The worker's name. */
export function decodeAddressQuestion(bytes: Uint8Array): string {
  const { worker } = WorkerAddressRequest.decode(bytes);
  if (worker === '') throw malformed('a question for nobody');
  return worker;
}

export function encodeAddress(served: ServedAt | undefined): Uint8Array {
  return WorkerAddressResponse.encode(served ?? { address: '', host: '' }).finish();
}

export function decodeAddress(bytes: Uint8Array): ServedAt | undefined {
  const { address, host } = WorkerAddressResponse.decode(bytes);
  return address === '' ? undefined : { address, host };
}

export function encodeLoadingQuestion(question: LoadingQuestion): Uint8Array {
  return LoadingCostRequest.encode({
    ...question,
    excludedWorkers: [...question.excludedWorkers],
    models: question.models.map(bytesOfId),
    loaded: question.loaded.map(bytesOfId),
  }).finish();
}

export function decodeLoadingQuestion(bytes: Uint8Array): LoadingQuestion {
  const { stage, models, loaded, ...rest } = LoadingCostRequest.decode(bytes);
  const digests = (of: readonly Uint8Array[]): Digest[] =>
    of.map((digest) => idOfBytes<Digest>(digest, 'the digest of a model part'));
  return { ...rest, stage: stageOf(stage), models: digests(models), loaded: digests(loaded) };
}

export function encodeLoadingCost(milliseconds: number): Uint8Array {
  return LoadingCostResponse.encode({ milliseconds }).finish();
}

export function decodeLoadingCost(bytes: Uint8Array): number {
  const { milliseconds } = LoadingCostResponse.decode(bytes);
  if (!(milliseconds >= 0 && Number.isFinite(milliseconds))) throw malformed('its milliseconds');
  return milliseconds;
}
