/** For configurations: `uid:gid`, both numbers, neither of root. */
export const runAsPattern = /^[1-9]\d{0,9}:[1-9]\d{0,9}$/;

/**
 * Becomes another user for good, groups included; to be called by a process of root when its code is loaded (the folder
 * may be one that only root can read) and before it opens its first connection. Does nothing without `runAs`.
 * @param runAs `uid:gid`
 * @throws when that cannot be, or could be undone
 */
export function dropPrivileges(runAs: string | undefined): void {
  if (runAs === undefined) return;
  const [uid, gid] = runAs.split(':').map(Number) as [number, number];
  if (process.getuid?.() === uid && process.getgid?.() === gid) return;
  process.setgroups!([gid]);
  process.setgid!(gid);
  process.setuid!(uid);
  if (process.getuid!() !== uid || process.getgid!() !== gid || canBecomeRoot()) {
    throw new Error(`could not become ${runAs} for good`);
  }
}

function canBecomeRoot(): boolean {
  try {
    process.setuid!(0);
    return true;
  } catch {
    return false;
  }
}
