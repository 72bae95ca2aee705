/**
 * Values as the configurations of other programs write them, each by its program's own rules. Paths with other characters than
 * these can carry are refused at the start (data-folder.ts), or written nowhere: nginx and Redis run in their folder.
 */

/** For Redis, in a configuration or a command: within quotes, where any byte can be given by its number. */
export function redisQuoted(value: string): string {
  const bytes = [...Buffer.from(value)].map((byte) =>
    byte >= 0x20 && byte < 0x7f && byte !== 0x22 && byte !== 0x5c
      ? String.fromCharCode(byte)
      : `\\x${byte.toString(16).padStart(2, '0')}`,
  );
  return `"${bytes.join('')}"`;
}

/** A binary of Erlang's notation, in which RabbitMQ is configured. */
export function erlangBinary(value: string): string {
  return `<<${[...Buffer.from(value)].join(',')}>>`;
}

/** For InfluxDB's configuration. What JSON escapes, TOML escapes in the same way, but for one character that only TOML does. */
export function tomlString(value: string): string {
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
}

/** For statements to InfluxDB 1. */
export function influxqlString(value: string): string {
  return `'${value.replaceAll(/[\\']/g, '\\$&').replaceAll('\n', '\\n')}'`;
}

/** For nginx, which has no way to write a `$` that is none of its variables. @throws for one, and for a control character */
export function nginxString(value: string): string {
  if (/[$\x00-\x1f\x7f]/.test(value)) throw new Error('nginx cannot be given a value with $ or a control character');
  return `"${value.replaceAll(/[\\"]/g, '\\$&')}"`;
}
