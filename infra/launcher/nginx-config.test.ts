import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { publicPaths, repeatablePosts, serviceNames, type ServiceName } from '@flash-sale/contract/services.ts';
import { templates } from './nginx.ts';
import { renderNginxConfig } from './nginx-config.ts';

const template = readFileSync(join(templates, 'nginx.conf.template'), 'utf8');
const render = (text: string) =>
  renderNginxConfig(text, {
    dataDir: '.',
    accessLog: 'access.log',
    publicListen: ['127.0.0.1:1'],
    internalListen: '127.0.0.1:2',
    balance: 'least-connections',
    servers: Object.fromEntries(serviceNames.map((name) => [name, [`${name}-1:3000`, `${name}-2:3000`]])) as Record<
      ServiceName,
      string[]
    >,
    openFiles: 1_024,
  });

describe("nginx's configuration", () => {
  const config = render(template);
  /** What stands between the braces after this, on one line or to the first line that closes it. */
  const blocksOf = (head: string) =>
    config.split('\n').flatMap((line, index, lines) => {
      if (!line.trimStart().startsWith(`${head} {`)) return [];
      if (line.endsWith('}')) return [line];
      const indent = line.length - line.trimStart().length;
      const end = lines.findIndex((later, at) => at > index && later === `${' '.repeat(indent)}}`);
      return [lines.slice(index, end).join('\n')];
    });

  test.each(publicPaths)('leads from $path to $service, once', ({ path, service, kind }) => {
    const found = blocksOf(`location ${path}`);
    expect(found).toHaveLength(1);
    expect(found[0]).toContain(`proxy_pass http://${service};`);
    expect(found[0]!.includes('non_idempotent')).toBe(kind === 'repeatable');
    expect(found[0]!.includes('$is_quick')).toBe(kind !== 'waited-for');
  });

  test.each(repeatablePosts)('sends a POST to $path again, and to nothing below it', ({ path, service }) => {
    const found = blocksOf(`location = ${path}`);
    expect(found).toEqual([expect.stringContaining(`proxy_pass http://${service};`)]);
    expect(found[0]).toContain('non_idempotent');
  });

  test.each(serviceNames)('has a group of the instances of %s, and leads to it from within', (name) => {
    const [group, ...others] = blocksOf(`upstream ${name}`);
    expect(others).toEqual([]);
    expect(group!.match(/server \S+/g)).toEqual([`server ${name}-1:3000`, `server ${name}-2:3000`]);
    expect(blocksOf(`location /internal/${name}/`)).toEqual([expect.stringContaining(`http://${name}/internal/;`)]);
  });

  test('asks every instance of every service for the whole platform', () => {
    expect(blocksOf('upstream any')[0]!.match(/server \S+/g)).toHaveLength(2 * serviceNames.length);
  });

  test('is filled in wholly', () => {
    expect(config.replaceAll(/^\s*# .*$/gm, '')).not.toMatch(/\$\{|#each|#end/);
  });
});

test('a template that names what we do not know is refused', () => {
  expect(() => render('${NOTHING}\n')).toThrow('${NOTHING}');
  expect(() => render('#each thing of nowhere\nx\n#end\n')).toThrow('"thing"');
});
