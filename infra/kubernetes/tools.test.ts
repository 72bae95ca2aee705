import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parseAllDocuments } from 'yaml';
import { closed } from './schemas.ts';
import { render, type Resource } from './testing/render.ts';
import { findKubernetesTools, kindsWithoutSchema } from './tools.ts';

const tools = findKubernetesTools();
const folders = ['overlays/sync', 'overlays/async', 'infrastructure', 'infrastructure/rabbitmq'];
const build = (folder: string) =>
  execFileSync(tools!.kustomize, ['build', join(import.meta.dirname, folder)], { encoding: 'utf8' });
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

  test.each(folders)('%s becomes what the other tests look at', (folder) => {
    const built = parseAllDocuments(build(folder).replaceAll(/^(\s+name: .+)-[a-z0-9]{10}$/gm, '$1'));
    expect(sorted(built.map((document) => document.toJS() as Resource))).toEqual(
      sorted(render(join(import.meta.dirname, folder))),
    );
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
