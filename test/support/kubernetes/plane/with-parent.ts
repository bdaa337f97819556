// Programs that die with the process that started them.

/**
 * A command that runs the rest of its arguments. On Linux they are killed with their parent, even one that got SIGKILL. Elsewhere a parent
 * that cannot clean up leaves them behind.
 */
export const WITH_PARENT: readonly string[] =
  process.platform === 'linux' ? ['setpriv', '--pdeathsig', 'KILL'] : [];
