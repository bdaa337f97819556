// Named places where something is committed and not everybody was told of it yet: where it matters most that a program may die. Nothing
// happens there, unless a test has armed them: it starts the program with a module of its own before it (`node --import`) that says
// what is to happen. No setting and no environment variable of ours does.

/**
 * - `artifacts-put`: a worker has stored what a task made, and no record says so
 * - `record-put`: the record is there too, and nobody was told
 * - `result-told`: the coordinator was told, and the message is not acknowledged
 * - `checkpoint-put`: a task has a new checkpoint, and the one before it too
 * - `record-dropped`: a lost result is forgotten, and the task that makes it again is not published
 * - `epoch-taken`: a coordinator has taken over, and has not read which jobs there are
 * - `spec-put`: an accepted spec is stored, and no log makes a job of it
 * - `entry-put`: an entry of a job's log is stored, and nobody has acted on it or was told
 * - `manifest-put`: a job's manifest is stored, and its log does not say that it is done
 */
export type FailurePoint =
  | 'artifacts-put'
  | 'record-put'
  | 'result-told'
  | 'checkpoint-put'
  | 'record-dropped'
  | 'epoch-taken'
  | 'spec-put'
  | 'entry-put'
  | 'manifest-put';

type OnPass = (point: FailurePoint, of: string) => void;

let onPass: OnPass | undefined;

/** For tests, in the process that is to fail: called back whenever it passes a point. */
export function armFailurePoints(callBack: OnPass): void {
  onPass = callBack;
}

/** `of`: a stage, or the kind of an entry; which of many. */
export function passFailurePoint(point: FailurePoint, of = ''): void {
  onPass?.(point, of);
}
