import { execFileSync, spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { stackNames } from '../../shared/src/stacks.ts';
import { temporaryFolder } from '../testing/temporary-folder.ts';
import { closed } from './schemas.ts';
import { ofKind, render, withComponent, type Resource } from './testing/render.ts';
import { findKubernetesTools, kindsWithoutSchema } from './tools.ts';

const tools = findKubernetesTools();
const overlays = stackNames.map((name) => `overlays/${name}`);
const folders = [...overlays, 'infrastructure', 'infrastructure/rabbitmq'];
const build = (folder: string) =>
  execFileSync(tools!.kustomize, ['build', resolve(import.meta.dirname, folder)], { encoding: 'utf8' });
const validate = (yaml: string, ...options: string[]) =>
  spawnSync(tools!.kubeconform, ['-strict', '-schema-location', tools!.schemas, ...options], {
    input: yaml,
    encoding: 'utf8',
  });

// `npm run kubernetes:tools` gets them.
(tools ? describe : describe.skip)('by kustomize and kubeconform', () => {
  test.each(folders)('%s can be built, and is valid in every field', (folder) => {
    const { stdout, status } = validate(build(folder), '-skip', kindsWithoutSchema.join(','));
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });

  const built = (folder: string) =>
    parseAllDocuments(build(folder).replaceAll(/^(\s+name: .+)-[a-z0-9]{10}$/gm, '$1')).map(
      (document) => document.toJS() as Resource,
    );

  test.each(folders)('%s becomes what the other tests look at', (folder) => {
    expect(sorted(built(folder))).toEqual(sorted(render(join(import.meta.dirname, folder))));
  });

  test.each(overlays)('%s with the demo, too', async (overlay) => {
    const folder = await temporaryFolder('overlay');
    const from = (name: string) => relative(folder, join(import.meta.dirname, name));
    const kustomization = { resources: [from(overlay)], components: [from('components/demo')] };
    writeFileSync(join(folder, 'kustomization.yaml'), JSON.stringify(kustomization));
    try {
      const expected = withComponent(
        render(join(import.meta.dirname, overlay)),
        join(import.meta.dirname, 'components/demo'),
      );
      const [theirs, ours] = [sorted(built(folder)), sorted(expected)];
      expect(theirs.map(({ kind, metadata }) => [kind, metadata.name])).toEqual(
        ours.map(({ kind, metadata }) => [kind, metadata.name]),
      );
      expect(ofKind(theirs, 'Job')).toEqual(ofKind(ours, 'Job'));
      expect(validate(build(folder), '-skip', kindsWithoutSchema.join(',')).status).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test.each([
    ['a field that is not there', 'maxUnavailable: 1', 'maxUnavailabel: 1'],
    ['a value of another type', 'automountServiceAccountToken: false', 'automountServiceAccountToken: perhaps'],
    ['a trigger without a type', '- authenticationRef:', '- authentication:'],
  ])('%s would be found', (_, right, wrong) => {
    const yaml = build('overlays/async');
    expect(yaml).toContain(right);
    expect(validate(yaml.replace(right, wrong)).status).not.toBe(0);
  });
});

test.each(kindsWithoutSchema)('what is left out of the validation is there: %s', (kind) => {
  expect(render(join(import.meta.dirname, 'infrastructure/rabbitmq')).map((one) => one.kind)).toContain(kind);
});

describe('a closed schema', () => {
  test('knows no more than its properties, at any depth', () => {
    const schema = {
      type: 'object',
      properties: { format: { type: 'object', properties: { a: { type: 'string' } } } },
    };
    expect(closed(schema)).toEqual({
      type: 'object',
      additionalProperties: false,
      properties: {
        format: { type: 'object', additionalProperties: false, properties: { a: { type: 'string' } } },
      },
    });
  });

  test('stays open where it says so', () => {
    const map = { type: 'object', properties: {}, additionalProperties: { type: 'string' } };
    expect(closed(map)).toEqual(map);
    const any = { type: 'object', properties: {}, 'x-kubernetes-preserve-unknown-fields': true };
    expect(closed(any)).toEqual(any);
  });

  test('takes numbers for ports', () => {
    expect(closed({ type: 'string', format: 'int-or-string' })).toEqual({ type: ['string', 'integer'] });
  });
});

function sorted(resources: Resource[]): Resource[] {
  const key = ({ kind, metadata }: Resource) => `${kind}/${metadata.name}`;
  for (const { metadata } of resources) delete metadata.namespace;
  return resources.sort((a, b) => key(a).localeCompare(key(b)));
}
