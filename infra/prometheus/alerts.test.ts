import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { parse, parseAllDocuments } from 'yaml';
import { databaseSchema } from '../../shared/src/config.ts';
import { subscribingServices } from '../../shared/src/messaging/amqp-topology.ts';
import { Metrics } from '../../shared/src/metrics/metrics.ts';
import { serviceNames } from '@flash-sale/contract/services.ts';
import { stackNames, stacks } from '../../shared/src/stacks.ts';
import type { Resource } from '../kubernetes/testing/render.ts';
import { findExecutable } from '../launcher/find-executable.ts';

interface Rule {
  alert: string;
  expr: string;
}
interface Relabel {
  action?: string;
  source_labels: string[];
  separator?: string;
  regex?: string;
  target_label?: string;
}
const read = (name: string) => readFileSync(join(import.meta.dirname, name), 'utf8');
const { groups } = parse(read('alerts.yml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const configuration = parse(read('prometheus.yml')) as {
  scrape_configs: { job_name: string; relabel_configs?: Relabel[] }[];
};
const promtool = findExecutable('promtool');

/** Where a metric of ours that is watched has its name from. */
const sources = [
  'shared/src/service/telemetry.ts',
  'shared/src/metrics/influx-collector.ts',
  'services/inventory/src/adapters/recent-stock.ts',
];

test('every alarm is about metrics that a service has', () => {
  const { registry } = new Metrics({ stack: 'sync', service: 'order' });
  const watched = sources.flatMap((file) => read(join('../..', file)).match(/flash_sale_\w+/g) ?? []);
  const known = new Set(['up', ...registry.getMetricsAsArray().map(({ name }) => name), ...watched]);
  for (const { alert, expr } of rules) {
    const names = expr.match(/\b(up|(http|nodejs|process|flash_sale)_\w+)(?=[{[) ])/g)!;
    expect([alert, names.filter((name) => !known.has(name.replace(/_(count|sum|bucket)$/, '')))]).toEqual([alert, []]);
  }
});

test('the processes that Prometheus finds in Kubernetes are the job that the alarms are about', () => {
  const { scrape_configs } = parse(read('kubernetes.yml')) as typeof configuration;
  const jobs = rules.flatMap(({ expr }) => [...expr.matchAll(/job="([^"]+)"/g)].map(([, job]) => job));
  expect(scrape_configs.map(({ job_name }) => job_name)).toEqual([...new Set(jobs)]);
  expect(configuration.scrape_configs.map(({ job_name }) => job_name)).toEqual([...new Set(jobs)]);
  const { spec } = parse(read('../kubernetes/components/service/service.patch.yaml')) as Resource;
  const annotations = Object.keys(spec.template.metadata.annotations!).map((name) => name.replaceAll(/\W/g, '_'));
  const kept = scrape_configs[0]!.relabel_configs!.find(({ action }) => action === 'keep')!.source_labels;
  expect(annotations.map((name) => `__meta_kubernetes_pod_annotation_${name}`)).toEqual(expect.arrayContaining(kept));
});

test.each(stackNames)('every service of every pod is a target with a name of its own (%s)', (stack) => {
  const { scrape_configs } = parse(read('kubernetes.yml')) as typeof configuration;
  const services = parseAllDocuments(read(`../kubernetes/overlays/${stack}/services.yaml`));
  const pods = services.map((document) => document.toJS() as Resource).filter(({ kind }) => kind === 'Deployment');
  const targets = pods.flatMap(({ metadata, spec }) =>
    spec.template.spec.containers[0]!.ports!.map(({ name }) =>
      relabelled(scrape_configs[0]!.relabel_configs!, {
        __meta_kubernetes_pod_name: `${metadata.name}-x`,
        __meta_kubernetes_pod_container_port_name: name,
      }),
    ),
  );
  expect(targets).toHaveLength(serviceNames.length);
  expect(new Set(targets).size).toBe(targets.length);
  for (const { metadata } of pods) expect(targets).toContain(`${metadata.name}-x`);
});

/** The `instance` of a target, as Prometheus makes it of what it finds. */
function relabelled(rules: Relabel[], found: Record<string, string>): string {
  const labels = { ...found };
  for (const { action = 'replace', source_labels, separator = ';', regex = '(.*)', target_label } of rules) {
    if (action !== 'replace') continue;
    const value = source_labels.map((name) => labels[name] ?? '').join(separator);
    const match = new RegExp(`^(?:${regex})$`).exec(value);
    if (match) labels[target_label!] = match[1]!;
  }
  return labels['instance']!;
}

test('BrokerAway misses the queue of a service that has one, and of no other', () => {
  const { expr } = rules.find(({ alert }) => alert === 'BrokerAway')!;
  const [, without = ''] = /service!(?:=|~)"([^"]*)"/.exec(expr)!;
  expect(without.split('|')).toEqual(serviceNames.filter((name) => !subscribingServices.includes(name)));
});

test.each([
  ['OutboxFull', 'OUTBOX_BACKLOG_MAX'],
  ['QueueFull', 'QUEUE_BACKLOG_MAX'],
  ['LaneFull', 'BATCH_QUEUE_MAX'],
] as const)('%s comes at half of %s, before anybody is refused', (alert, setting) => {
  const { expr } = rules.find((rule) => rule.alert === alert)!;
  expect(Number(/> (\d+)$/.exec(expr)![1])).toBe(databaseSchema.shape[setting].parse(undefined) / 2);
});

test('the alarms about age come when the shop says that it is not well, and before anybody is refused', () => {
  const boundOf = (alert: string) => Number(/> (\d+)$/.exec(rules.find((rule) => rule.alert === alert)!.expr)![1]);
  const { WORK_LATE_MS: late, PUBLISH_AGE_MAX_MS: refused } = databaseSchema.shape;
  expect(boundOf('WorkLate') * 1_000).toBe(late.parse(undefined));
  expect(boundOf('BrokerSilent') * 1_000).toBe(refused.parse(undefined) / 2);
});

test('a queue is missed in every stack that has some, and in no other', () => {
  const { expr } = rules.find(({ alert }) => alert === 'BrokerAway')!;
  const [, named] = /stack=~?"([^"]+)"/.exec(expr)!;
  expect(named!.split('|').sort()).toEqual(stackNames.filter((name) => stacks[name].events === 'amqp').sort());
});

test('every alarm is explained, and nothing else', () => {
  const explained = read('../../docs/operations.md').match(/^\| `[A-Z][A-Za-z]+` +\|/gm)!;
  expect(explained.map((row) => row.split('`')[1])).toEqual(rules.map(({ alert }) => alert));
});

(promtool ? describe : describe.skip)('by promtool', () => {
  test.each([
    ['the rules are valid', ['check', 'rules', 'alerts.yml']],
    ['they fire when they should', ['test', 'rules', 'alerts.tests.yml']],
  ])('%s', (_, args) => {
    const { status, stdout, stderr } = spawnSync(promtool!, args, { cwd: import.meta.dirname, encoding: 'utf8' });
    expect({ status, output: stdout + stderr }).toEqual({ status: 0, output: expect.stringContaining('SUCCESS') });
  });
});
